"""Are the workers of a cluster like this process? Other versions draw other numbers, or write other files."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from distributed import Client

from replicant.errors import RunError
from replicant.execution.software import software

__all__ = ["Roll", "roll_call"]


@dataclass(frozen=True)
class Roll:
    """Who is there.

    Attributes
    ----------
    workers
        How many are known to the scheduler.
    answered
        How many of them said what they run on.
    memory
        Bytes that the one with the least may take; None if none has a limit.
    """

    workers: int
    answered: int
    memory: int | None


def roll_call(client: Client, within: float) -> Roll:
    """Ask every worker what it runs on.

    Parameters
    ----------
    client
        A synchronous `distributed.Client`.
    within
        Seconds in which they may answer. One that is busy or stopped is not waited for longer.

    Raises
    ------
    RunError
        If one of them has other versions than this process, or lacks the engine.
    """
    known = client.scheduler_info(n_workers=-1)["workers"]
    asked = [client.submit(software, workers=[name], pure=False, priority=1) for name in known]
    until = time.monotonic() + within
    answers = []
    for future in asked:
        with suppress(TimeoutError):
            future.exception(timeout=max(0.1, until - time.monotonic()))  # type: ignore[no-untyped-call]
        if future.status == "error":
            raise RunError(
                "A worker cannot import replicant or one of its dependencies.",
                fix="install the same environment on every worker",
            )
        if future.status == "finished":
            answers.append(future.result())
    _compare(software(), answers)
    limits = [int(one["memory_limit"]) for one in known.values() if one.get("memory_limit")]
    return Roll(len(known), len(answers), min(limits, default=None))


def _compare(mine: Mapping[str, str], answers: Sequence[Mapping[str, str]]) -> None:
    for name, version in mine.items():
        theirs = [_series(name, answer.get(name, "none")) for answer in answers]
        others = sorted(set(theirs) - {_series(name, version)})
        if others:
            count = sum(one in others for one in theirs)
            raise RunError(
                f"{count} of {len(answers)} workers run {name} {', '.join(others)}, this process {version}.",
                need="the same versions everywhere: results would depend on who makes them",
                fix="install the same environment on every machine (requirements.lock)",
            )


def _series(name: str, version: str) -> str:
    """Python's last number stands for repairs."""
    return version.rpartition(".")[0] if name == "python" else version
