"""`rp.read_release` and `rp.drift`: releases by their paths, and where their sets are computed with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING

from replicant import release
from replicant.execution.backend import Backend
from replicant.execution.executor import Executor
from replicant.release import Release, SyntheticSets

if TYPE_CHECKING:
    from replicant.execution.dask_client import Client
    from replicant.utility.drift import Drift

__all__ = ["drift", "read_release", "reading"]


def read_release(path: str | PathLike[str], *, client: Client | None = None) -> Release:
    """Open a finished release.

    Parameters
    ----------
    path
        A path or an fsspec URL; with a client, one that its workers see too.
    client
        A `distributed.Client`: `analyse`, `compare`, `discriminate`, `describe`, `shares` and `correlation` then read
        the files on its workers, and only sums come here. None: in this process, one file at a time.

    Returns
    -------
    Release
        `release[0]`, `list(release)`, `release.stack()`, `release.manifest`.

    Raises
    ------
    ReleaseError
        If there is none, it is unfinished (no `_SUCCESS`), or its manifest is missing or damaged.
    SpecError, RunError
        If the client is asynchronous, or has no worker.
    """
    with Backend(client=client).open() as executor:
        return _open(executor, path)


def drift(
    a: SyntheticSets | str | PathLike[str],
    b: SyntheticSets | str | PathLike[str],
    *,
    names: tuple[str, str] = ("a", "b"),
    level: float = 0.95,
) -> Drift:
    """Compare two releases, such as those of two years.

    Parameters
    ----------
    a, b
        The earlier and the later one, or where they are.
    names
        What to call them.
    level
        Of the intervals, and of what counts as a difference.

    Returns
    -------
    Drift
        Differences of means, shares and missing cells with their errors across the sets, new and vanished levels,
        changed types, and one measure of the whole.

    Raises
    ------
    SpecError
        If the level does not lie between 0 and 1.
    ReleaseError
        If a file cannot be read, or is not what the manifest lists.
    """
    from replicant.utility import drift as engine

    one, other = (read_release(sets) if isinstance(sets, str | PathLike) else sets for sets in (a, b))
    return engine.drift(one, other, names=names, level=level)


@contextmanager
def reading(backend: Backend) -> Iterator[Callable[[str], Release]]:
    """Opens releases to be read there."""
    with backend.open() as executor:
        yield partial(_open, executor)


def _open(executor: Executor, path: str | PathLike[str]) -> Release:
    return release.read_release(path, executor.partitions)
