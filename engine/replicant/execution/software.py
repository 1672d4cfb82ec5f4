"""What results depend on: the versions of Python and of the packages that draw, compute and write."""

from __future__ import annotations

import platform

from replicant.release.manifest import versions

__all__ = ["software"]

_PACKAGES = ("replicant", "numpy", "pandas", "pyarrow", "numba", "scipy", "statsmodels", "dask", "distributed")


def software() -> dict[str, str]:
    """Versions by name, of this process."""
    found = versions(_PACKAGES)
    return {"replicant": found.pop("replicant"), "python": platform.python_version(), **found}
