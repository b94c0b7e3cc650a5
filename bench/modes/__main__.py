"""`python -m bench.modes MODE FOLDER`: one mode, as `bench.running` asks for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.course import Course
from bench.modes import MODES, measure_of
from bench.running import course_file, part_file, so_far_file, written
from engine.native import warm


def main(arguments: list[str]) -> None:
    """A line on standard output for each thing that is found; what is found is in a file before it is told.

    Kernels are compiled beforehand: that happens once after each change of the code, and is no part of any figure.
    """
    match arguments:
        case [mode, folder] if mode in MODES:
            place, measure = Path(folder), measure_of(mode)
            warm()
            so_far = json.loads(so_far_file(place).read_text())
            for line, found in measure(Course.read(course_file(place)), so_far):
                written(found, part_file(place, mode))
                print(line, flush=True)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
