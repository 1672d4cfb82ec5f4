"""What results depend on: the versions of Replicant, of Python and of the packages that draw, compute and write."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from functools import cache

import replicant

__all__ = ["release_line", "release_lines", "software", "versions"]

_PACKAGES = ("replicant", "numpy", "pandas", "pyarrow", "numba", "scipy", "statsmodels", "dask", "distributed")


def versions(names: Iterable[str]) -> dict[str, str]:
    """Versions of Replicant itself and of installed packages; those not installed are left out.

    Replicant's own is what its code says: it is distributed as `replicant-synthesis`, and a package that is installed
    under the name `replicant` is somebody else's.
    """
    found = {name: _version(name) for name in names}
    return {name: version for name, version in found.items() if version is not None}


@cache
def _version(name: str) -> str | None:
    """Kept: a manifest is made for every analysis, and the files that say it are slow to read."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return replicant.__version__ if name == "replicant" else version(name)
    except PackageNotFoundError:
        return None


def software() -> dict[str, str]:
    """Versions by name, of this process."""
    found = versions(_PACKAGES)
    return {"replicant": found.pop("replicant"), "python": platform.python_version(), **found}


def release_line(name: str, version: str) -> str:
    """The part of a version that results depend on: Python's last number counts repairs."""
    return ".".join(version.split(".")[:2]) if name == "python" else version


def release_lines() -> list[tuple[str, str]]:
    """What `software` says, as far as results depend on it: a run is resumed by the same only."""
    return [(name, release_line(name, version)) for name, version in software().items()]
