"""`rp.read_release`: a release, and where its sets are computed with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING

from replicant import release
from replicant.execution.backend import Where
from replicant.release import Release

if TYPE_CHECKING:
    from replicant.execution.dask_client import Client

__all__ = ["read_release", "reader"]


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
    if client is None:
        return release.read_release(path)
    from replicant.execution.partitions import on_workers

    return release.read_release(path, on_workers(client))


@contextmanager
def reader(where: Where) -> Iterator[Callable[[str], Release]]:
    """What opens releases to be read there."""
    with where.opened() as client:
        yield partial(read_release, client=client)
