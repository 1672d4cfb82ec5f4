"""The file system of a place as Arrow takes it: what Arrow reads by itself breaks and recovers like the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import fs

if TYPE_CHECKING:
    from replicant.storage.location import Place

__all__ = ["arrow_system"]


def arrow_system(place: Place) -> fs.PyFileSystem:
    """The file system behind a place; it can be sent to where it is read.

    Parameters
    ----------
    place
        Of a URL.
    """
    return fs.PyFileSystem(_Handler(place))


class _Handler(fs.FSSpecHandler):  # type: ignore[misc]
    """fsspec's file system, with our way of opening files."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.system)
        self.place = place

    def get_file_info(self, paths: list[str]) -> Any:
        return self.place.reach(super().get_file_info, paths)

    def open_input_stream(self, path: str) -> Any:
        return pa.PythonFile(self.place.file(path), mode="r")

    def open_input_file(self, path: str) -> Any:
        return pa.PythonFile(self.place.file(path), mode="r")
