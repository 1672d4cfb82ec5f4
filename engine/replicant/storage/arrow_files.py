"""The file system of a location as Arrow takes it: what Arrow reads by itself breaks and recovers like the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import fs

if TYPE_CHECKING:
    from replicant.storage.location import Location

__all__ = ["arrow_system"]


def arrow_system(location: Location) -> fs.PyFileSystem:
    """The file system behind a location; it can be sent to where it is read.

    Parameters
    ----------
    location
        Of a URL.
    """
    return fs.PyFileSystem(_Handler(location))


class _Handler(fs.FSSpecHandler):  # type: ignore[misc]
    """fsspec's file system, with our way of opening files."""

    def __init__(self, location: Location) -> None:
        super().__init__(location.system)
        self.location = location

    def get_file_info(self, paths: list[str]) -> Any:
        return self.location.reach(super().get_file_info, paths)

    def open_input_stream(self, path: str) -> Any:
        return pa.PythonFile(self.location.file(path), mode="r")

    def open_input_file(self, path: str) -> Any:
        return pa.PythonFile(self.location.file(path), mode="r")
