"""Have the workers of a cluster, and its scheduler, the versions of this process?"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from replicant.errors import RunError
from replicant.versions import release_line, software

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Workers", "check_versions"]


@dataclass(frozen=True)
class Workers:
    """The workers of a cluster.

    Attributes
    ----------
    workers
        How many are known to the scheduler.
    answered
        How many of them have answered.
    memory
        Bytes that the one with the least may take; None if none has a limit.
    """

    workers: int
    answered: int
    memory: int | None


def check_versions(client: Client, within: float) -> Workers:
    """Ask every worker which versions it has: others would draw other numbers, or write other files.

    The scheduler draws nothing: of it only Dask and Python are compared, by what it says to any client.

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
    asked_of: Any = client.scheduler
    scheduler = client.sync(asked_of.versions)["packages"]  # type: ignore[no-untyped-call]
    _compare({name: software()[name] for name in ("dask", "distributed", "python")}, [scheduler], "scheduler")
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
    _compare(software(), answers, "worker")
    limits = [int(one["memory_limit"]) for one in known.values() if one.get("memory_limit")]
    return Workers(len(known), len(answers), min(limits, default=None))


def _compare(mine: Mapping[str, str], answers: Sequence[Mapping[str, str]], role: str) -> None:
    for name, version in mine.items():
        theirs = [release_line(name, answer.get(name, "none")) for answer in answers]
        others = sorted(set(theirs) - {release_line(name, version)})
        if others:
            count = sum(one in others for one in theirs)
            who = "The scheduler runs" if role == "scheduler" else f"{count} of {len(answers)} workers run"
            raise RunError(
                f"{who} {name} {', '.join(others)}, this process {version}.",
                need="the same versions everywhere: results would depend on which worker computes them",
                fix="install the same environment on every machine (requirements.lock)",
            )
