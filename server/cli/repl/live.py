"""The count of what is being typed: asked in a thread of its own once the typist pauses, and only while it matters."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Self

from dsl.problems import Problem
from engine.deadline import Deadline, kept
from engine.results import Count

PAUSE = 0.12
"""Seconds without a key before a text is asked about."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a text: its count, or its problems, or why nobody could say (`trouble`)."""

    text: str
    count: Count | None = None
    problems: tuple[Problem, ...] = ()
    trouble: str | None = None


class Live:
    """Judges the newest text. One judgement runs at a time; it is cancelled, and thrown away, once the text changes.

    `changed` is called in the thread, whenever `verdict` has become another.
    """

    def __init__(self, judge: Callable[[str], Verdict], changed: Callable[[], None], pause: float = PAUSE) -> None:
        self._judge = judge
        self._changed = changed
        self._pause = pause
        self._news = threading.Condition()
        self._wanted: str | None = None
        self._judged: str | None = None
        self._deadline = Deadline()  # of the judgement that is running
        self._closed = False
        self._verdict: Verdict | None = None
        self._thread = threading.Thread(target=self._run, name="live count", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Cancels the judgement that is running, and waits for its end: after it nobody asks the backend."""
        with self._news:
            self._closed = True
            self._deadline.cancel()
            self._news.notify()
        self._thread.join()

    def ask(self, text: str | None) -> None:
        """This is what is typed now; None when there is nothing to judge. What was asked before is cancelled."""
        with self._news:
            if text != self._wanted:
                self._deadline.cancel()
            self._wanted = text
            if text is None:
                self._judged = self._verdict = None
            self._news.notify()

    def of(self, text: str) -> Verdict | None:
        """The verdict on exactly this text, when there is one yet."""
        verdict = self._verdict
        return verdict if verdict is not None and verdict.text == text else None

    def _run(self) -> None:
        while (text := self._next()) is not None:
            with kept(self._deadline):
                verdict = self._judge(text)
            with self._news:
                if text != self._wanted:
                    continue
                self._judged, self._verdict = text, verdict
            self._changed()

    def _next(self) -> str | None:
        """Waits for a text that has not changed for the pause; None when all is over."""
        with self._news:
            while not self._closed:
                text = self._wanted
                if text is None or text == self._judged:
                    self._news.wait()
                elif not self._news.wait_for(partial(self._moved_on, text), self._pause):
                    self._deadline = Deadline()
                    return text
        return None

    def _moved_on(self, text: str) -> bool:
        return self._closed or self._wanted != text
