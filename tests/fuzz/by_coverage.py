"""Coverage-guided texts: libFuzzer, through atheris, grows the ones that reach code not reached before.

    python -m tests.fuzz.by_coverage --seconds 3600 --corpus .data/fuzz

The corpus is kept, so that a later run goes on where this one stopped. What does not survive is shown, and the run
goes on; what hangs or kills the process ends it, and is kept beside the corpus as `timeout-…` or `crash-…`.
"""

from __future__ import annotations

import atexit
import os
import sys
import tempfile
from pathlib import Path
from random import Random

import atheris
import click

with atheris.instrument_imports(include=["dsl", "engine.plan", "engine.language", "engine.query"]):
    from tests.fuzz.arena import Arena, Finds
    from tests.properties.expressions import Writer

from tests.fuzz.by_grammar import words

SEEDS = 500
LONGEST = 1_500
"""Bytes of a text: enough for every construct many times, and short enough for thousands a second."""


def sow(corpus: Path, arena: Arena) -> None:
    """Sound expressions for the fuzzer to begin with."""
    writer = Writer(Random(7), arena.clock)
    for number in range(SEEDS):
        (corpus / f"seed-{number:04}").write_text(writer.expression(), "utf-8")


def dictionary(path: Path) -> None:
    """The words of the language, in libFuzzer's form."""
    written = sorted({word for choices in words().values() for word in choices})
    path.write_text("".join(f'"{escaped(word)}"\n' for word in written))


def escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode("utf-8", "replace"))


def end(finds: Finds) -> None:
    """libFuzzer leaves with 0 whatever was found."""
    try:
        finds.end()
    except SystemExit as left:
        sys.stdout.flush()
        os._exit(int(str(left.code)))


@click.command()
@click.option("--seconds", default=3600, show_default=True)
@click.option("--corpus", type=click.Path(path_type=Path), default=Path(".data/fuzz"), show_default=True)
def main(seconds: int, corpus: Path) -> None:
    """Ends by itself after --seconds; exits with 1 when a text did not survive."""
    texts = corpus / "corpus"
    texts.mkdir(parents=True, exist_ok=True)
    arena = Arena(Path(tempfile.mkdtemp(prefix="tamis-fuzz-")))
    if not any(texts.iterdir()):
        sow(texts, arena)
    dictionary(corpus / "words.dict")

    finds = Finds()
    # libFuzzer ends the process by itself, so what is to be said at the end is said on the way out.
    atexit.register(end, finds)

    def survive(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        try:
            arena.survive(text)
        except Exception as error:
            finds.note(text, error)

    flags = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-dict={corpus / 'words.dict'}",
        f"-artifact_prefix={corpus}/",
        "-timeout=10",
        "-rss_limit_mb=4096",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *flags, str(texts)], survive)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
