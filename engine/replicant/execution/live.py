"""Progress in a notebook: one line with a bar, which is updated where it stands."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

from replicant.execution.progress import Progress, joined, span
from replicant.view.templates import part

__all__ = ["Live", "State"]

UPDATE_SECONDS = 0.25
"""Never two updates within this time."""


@dataclass(frozen=True)
class State:
    """What the line says at a moment.

    Attributes
    ----------
    what
        The stage, and on how many.
    share
        How much of it is done, 0 to 1.
    said
        How long it took, or will take.
    """

    what: str
    share: float
    said: str

    def __repr__(self) -> str:
        return f"{self.what}: {self.said}"

    def _repr_html_(self) -> str:
        return str(part("progress", self.what, f"{self.share:.3f}", self.said))


class Live(Progress):
    """One line in a notebook.

    Parameters
    ----------
    display
        Shows a `State` and gives something with `update(state)`; IPython's own by default.
    clock
        Seconds, for the pace of updates.
    """

    def __init__(
        self, display: Callable[[State], Any] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._display = display or _display
        self._clock = clock
        self._lock = Lock()
        self._what = ""
        self._total, self._done = 1, 0
        self._began = self._shown_at = 0.0
        self._line: Any = None

    def note(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    @contextmanager
    def running(self, total: int, what: str, where: str = "") -> Iterator[None]:
        self._what, self._total, self._done = joined(what, where), max(1, total), 0
        self._began = self._shown_at = self._clock()
        self._line = self._display(State(self._what, 0.0, "begun"))
        ending = "stopped after"
        try:
            yield
            ending = "done in"
        finally:
            with self._lock:
                share = 1.0 if ending == "done in" else self._done / self._total
                self._line.update(State(self._what, share, f"{ending} {span(self._clock() - self._began)}"))
                self._line = None

    def advance(self, units: int) -> None:
        with self._lock:
            self._done += units
            now = self._clock()
            # A task that prepares others counts for nothing: then there is no share yet.
            begun = 0 < self._done < self._total
            if self._line is None or not begun or now - self._shown_at < UPDATE_SECONDS:
                return
            self._shown_at = now
            share, spent = self._done / self._total, now - self._began
            left = f"{share:.0%} after {span(spent)}, about {span(spent / share - spent)} left"
            self._line.update(State(self._what, share, left))


def _display(state: State) -> Any:
    from IPython.display import display

    return display(state, display_id=True)  # type: ignore[no-untyped-call]
