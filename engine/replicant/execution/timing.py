"""What a run took: how long its tasks worked and how much memory they had, measured where they ran.

None of it may reach a release: the bytes of a release do not depend on the machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

__all__ = ["StageTiming", "Timing", "peak_bytes", "timed"]


@dataclass
class StageTiming:
    """The time of one stage.

    Attributes
    ----------
    stage
        Its name, such as `synthesizing`.
    workers
        Threads, processes or Dask workers that ran its tasks.
    tasks
        How many were run.
    seconds, wall
        Of all tasks, wherever they ran; and from the first to the last on the clock.
    """

    stage: str
    workers: int = 1
    tasks: int = 0
    seconds: float = 0.0
    wall: float = 0.0

    @property
    def idle(self) -> float:
        """Share of the workers' time in which no task ran: waiting, sending, and the end of the last tasks."""
        return max(0.0, 1 - self.seconds / max(self.wall * self.workers, 1e-9))


@dataclass
class Timing:
    """All stages of a run, and the most memory that any of its processes had.

    Attributes
    ----------
    stages
        In order.
    peak
        Resident bytes.
    began
        On this process' performance clock.
    """

    stages: list[StageTiming] = field(default_factory=list)
    peak: int = 0
    began: float = field(default_factory=time.perf_counter)

    @contextmanager
    def measuring(self, stage: str, workers: int = 1) -> Iterator[StageTiming]:
        """The time of one stage."""
        one = StageTiming(stage, workers)
        self.stages.append(one)
        began = time.perf_counter()
        try:
            yield one
        finally:
            one.wall = time.perf_counter() - began

    def observe(self, peak: int) -> None:
        """Take note of the memory of a process, in bytes."""
        self.peak = max(self.peak, peak)


def timed(call: Callable[..., Any], *args: Any) -> tuple[Any, float, int]:
    """The result of a call, the seconds it took, and the most memory that its process has had until then."""
    began = time.perf_counter()
    result = call(*args)
    return result, time.perf_counter() - began, peak_bytes()


def peak_bytes() -> int:
    """Most resident bytes of this process; 0 where the system does not say."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 0
    import sys

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
