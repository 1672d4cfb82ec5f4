"""What a run took: how long its pieces worked and how much memory they had, counted where they were made.

Nothing of it may reach a release: its bytes do not depend on the machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Effort", "Pass", "peak_bytes", "timed"]


@dataclass
class Pass:
    """One pass: pieces of one sort, made side by side.

    Attributes
    ----------
    what
        In words, such as `synthesizing`.
    hands
        Threads, processes or workers that made them.
    pieces
        How many were made.
    seconds, wall
        Of all pieces, wherever they were made; and from the first to the last on the clock.
    """

    what: str
    hands: int = 1
    pieces: int = 0
    seconds: float = 0.0
    wall: float = 0.0

    @property
    def idle(self) -> float:
        """Share of the hands' time in which no piece was made: waiting, sending, and the last ones' end."""
        return max(0.0, 1 - self.seconds / max(self.wall * self.hands, 1e-9))


@dataclass
class Effort:
    """All passes of a run, and the most memory that any of its processes had.

    Attributes
    ----------
    passes
        In order.
    peak
        Resident bytes.
    began
        On this process' clock of performance.
    """

    passes: list[Pass] = field(default_factory=list)
    peak: int = 0
    began: float = field(default_factory=time.perf_counter)

    @contextmanager
    def running(self, what: str, hands: int) -> Iterator[Pass]:
        """The time of one pass."""
        one = Pass(what, hands)
        self.passes.append(one)
        began = time.perf_counter()
        try:
            yield one
        finally:
            one.wall = time.perf_counter() - began

    def saw(self, peak: int) -> None:
        """A process had so many bytes."""
        self.peak = max(self.peak, peak)


def timed(call: Callable[..., Any], *args: Any) -> tuple[Any, float, int]:
    """What a call gives back, the seconds it took, and the most memory that its process has had until then."""
    began = time.perf_counter()
    made = call(*args)
    return made, time.perf_counter() - began, peak_bytes()


def peak_bytes() -> int:
    """Most resident bytes of this process; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 0
    import sys

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
