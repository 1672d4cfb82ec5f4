"""What results depend on: versions of Python and of packages that draw, compute and write, here and on workers."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from replicant.errors import RunError
from replicant.release.manifest import versions

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Workers", "check_versions", "software"]

_PACKAGES = ("replicant", "numpy", "pandas", "pyarrow", "numba", "scipy", "statsmodels", "dask", "distributed")


def software() -> dict[str, str]:
    """Versions by name, of this process."""
    found = versions(_PACKAGES)
    return {"replicant": found.pop("replicant"), "python": platform.python_version(), **found}


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
    return Workers(len(known), len(answers), min(limits, default=None))


def _compare(mine: Mapping[str, str], answers: Sequence[Mapping[str, str]]) -> None:
    for name, version in mine.items():
        theirs = [_series(name, answer.get(name, "none")) for answer in answers]
        others = sorted(set(theirs) - {_series(name, version)})
        if others:
            count = sum(one in others for one in theirs)
            raise RunError(
                f"{count} of {len(answers)} workers run {name} {', '.join(others)}, this process {version}.",
                need="the same versions everywhere: results would depend on which worker computes them",
                fix="install the same environment on every machine (requirements.lock)",
            )


def _series(name: str, version: str) -> str:
    """Python's last number stands for repairs."""
    return version.rpartition(".")[0] if name == "python" else version
