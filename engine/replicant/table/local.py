"""What a library needs that reads paths only: the library itself, and a path on this machine."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from replicant.errors import SpecError
from replicant.storage.location import Location
from replicant.table.limits import Metered

__all__ = ["local_file", "needs"]

_CHUNK = 1 << 22


def needs(module: str, extra: str, what: str) -> Any:
    """A module of an extra.

    Raises
    ------
    SpecError
        It is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        raise SpecError(
            f"{what} needs the package {module}, which is not installed",
            fix=f'pip install "replicant-synthesis[{extra}]"',
        ) from None


@contextmanager
def local_file(location: Location) -> Iterator[Path]:
    """A local path with the content of a location: its own, or a copy that nobody else may read and that is removed.

    Raises
    ------
    DataError
        It is larger than a table may be that is read as a whole.
    """
    if location.system is None:
        yield Path(location.path)
        return
    folder = tempfile.mkdtemp(prefix="replicant-")
    try:
        path = Path(folder) / "table"
        with location.open() as file, path.open("xb") as copy:
            shutil.copyfileobj(Metered(file, location.shown), copy, _CHUNK)
        yield path
    finally:
        shutil.rmtree(folder, ignore_errors=True)
