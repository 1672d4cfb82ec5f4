"""What the user sees while a plan runs: a bar on a terminal, a few plain lines elsewhere, or nothing.

Everything goes to standard error, so that standard output holds results alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

__all__ = ["Bar", "Lines", "Progress", "choose"]

LINE_SECONDS = 10.0
"""Never two progress lines within this time."""

SILENCE_SECONDS = 60.0
"""After this time a line comes even if hardly anything was done: a sign of life."""


class Progress:
    """Says nothing; the base of the others. Safe to advance from any thread."""

    def note(self, line: str) -> None:
        """Say one thing now, such as that the kernel is being compiled."""

    @contextmanager
    def running(self, total: int, what: str) -> Iterator[None]:
        """The time in which `total` units of work are done."""
        yield

    def advance(self, units: int) -> None:
        """Some units are done."""


class Lines(Progress):
    """Plain lines: one at the start, few in between, one at the end."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._lock = Lock()
        self._total = 1
        self._done = 0
        self._began = self._said_at = 0.0
        self._said = 0.0

    def note(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()

    @contextmanager
    def running(self, total: int, what: str) -> Iterator[None]:
        self._total, self._done, self._said = max(1, total), 0, 0.0
        self._began = self._said_at = self._clock()
        self.note(what)
        yield
        self.note(f"done in {_span(self._clock() - self._began)}")

    def advance(self, units: int) -> None:
        with self._lock:
            self._done += units
            share = self._done / self._total
            now = self._clock()
            silent = now - self._said_at
            due = silent >= LINE_SECONDS and (share - self._said >= 0.1 or silent >= SILENCE_SECONDS)
            if due and self._done < self._total:
                spent = now - self._began
                self._said, self._said_at = share, now
                self.note(f"{share:.0%} after {_span(spent)}, about {_span(spent / share - spent)} left")


class Bar(Progress):
    """A bar in a terminal, gone from the screen when the work is done."""

    def __init__(self, stream: TextIO | None = None) -> None:
        from rich.console import Console

        self._console = Console(file=stream or sys.stderr, highlight=False)
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None

    def note(self, line: str) -> None:
        self._console.print(line, markup=False)

    @contextmanager
    def running(self, total: int, what: str) -> Iterator[None]:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        began = time.monotonic()
        with Progress(*columns, console=self._console, transient=True) as bar:
            self._bar, self._task = bar, bar.add_task(what, total=max(1, total))
            try:
                yield
            finally:
                self._bar = None
        self.note(f"{what}: done in {_span(time.monotonic() - began)}")

    def advance(self, units: int) -> None:
        bar, task = self._bar, self._task
        if bar is not None and task is not None:
            bar.advance(task, units)


def choose(*, quiet: bool = False, stream: TextIO | None = None) -> Progress:
    """The progress for where we are: `Bar` on a terminal, `Lines` elsewhere, nothing if quiet."""
    stream = stream or sys.stderr
    if quiet:
        return Progress()
    return Bar(stream) if stream.isatty() else Lines(stream)


def _span(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
