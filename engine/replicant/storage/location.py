"""Where a table lies: a local path or a URL, and its bytes, unpacked where they are packed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from replicant.errors import DataError, ReplicantError, RunError, SpecError, nearest
from replicant.storage.filesystem import (
    CREDENTIALS,
    Fault,
    fault_of,
    is_url,
    open_file,
    open_system,
    shown,
    steady,
    word_for,
)

__all__ = ["PACKED", "Location"]

PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
"""Endings of files that are unpacked while they are read."""

_TAGS = ("ETag", "etag", "md5Hash", "LastModified", "Last-Modified", "last_modified", "mtime", "created")


@dataclass(frozen=True)
class Location:
    """A local path, or a URL that fsspec opens.

    Attributes
    ----------
    path
        The path within its file system.
    shown
        What messages call it: without passwords and queries.
    system
        The fsspec file system, None for local paths.
    """

    path: str
    shown: str
    system: Any = None

    @classmethod
    def of(cls, where: str | os.PathLike[str]) -> Location:
        """The location that a path or URL names.

        Raises
        ------
        SpecError
            No reader is installed for the URL's protocol, it carries credentials, or it is empty.
        """
        text = os.fspath(where)
        if not text.strip():
            raise SpecError(
                "the path of the data is empty",
                need="the path or URL of a file that holds a table, or of a folder of .parquet files",
            )
        if not is_url(text):
            return cls(str(Path(text).expanduser()), text)
        system, path = open_system(text)
        return cls(path, shown(text), system)

    def __str__(self) -> str:
        return self.shown

    @property
    def name(self) -> str:
        """The last part of the path, without the query."""
        return Path(self.shown if self.system is not None else self.path).name

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        if self.system is None:
            return os.path.isdir(self.path)
        if "http" in str(self.system.protocol):
            return False
        with self._reaching():
            return bool(steady(self.system.isdir, self.path))

    def check_exists(self) -> None:
        """Refuse a location where nothing is.

        Raises
        ------
        DataError
            There is nothing, or it may not be read.
        RunError
            The connection breaks.
        """
        with self._reaching():
            if self.system is None:
                if os.path.exists(self.path):
                    return
            elif steady(self.system.exists, self.path):
                return
        raise self._missing()

    @contextmanager
    def open(self, path: str | None = None) -> Iterator[IO[bytes]]:
        """The bytes at the location, or of a file in the folder."""
        with self.file(path or self.path) as file:
            yield file

    def file(self, path: str) -> IO[bytes]:
        """The same as a file that is to be closed."""
        with self._reaching():
            return open(path, "rb") if self.system is None else open_file(self.system, path, self._fault)

    def arrow(self) -> Any:
        """Its file system for Arrow; None for local paths."""
        if self.system is None:
            return None
        from replicant.storage.arrow_files import arrow_system

        return arrow_system(self)

    def reach(self, call: Callable[..., Any], *args: Any) -> Any:
        """What a question to its file system gives, which may be asked twice."""
        with self._reaching():
            return steady(call, *args)

    def files(self) -> list[str]:
        """Paths of the Parquet files in the folder, in order; hidden ones and those with a leading _ left out."""
        with self._reaching():
            if self.system is None:
                found = [str(path) for path in Path(self.path).rglob("*.parquet") if path.is_file()]
            else:
                found = [path for path in steady(self.system.find, self.path) if path.endswith(".parquet")]
        base = len(self.path.rstrip("/")) + 1
        return sorted(path for path in found if not any(part[0] in "._" for part in path[base:].split("/") if part))

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        import pyarrow as pa

        try:
            yield
        except (ReplicantError, pa.ArrowException):
            raise
        except Exception as error:
            raise self._fault(error) from None

    def _fault(self, error: Exception) -> ReplicantError:
        """The error to raise; a broken connection is not an error of the data."""
        fault = fault_of(error)
        if fault in {Fault.MISSING, Fault.NO_BUCKET}:
            return self._missing()
        if fault is Fault.DENIED:
            return DataError(f"{self} may not be read", fix="ask for the right to read it")
        if fault is Fault.NO_CREDENTIALS:
            return DataError(f"{self} may not be read: no credentials, or none that hold", fix=CREDENTIALS)
        if fault is Fault.CHANGED:
            return DataError(
                f"{self} was changed while it was read",
                need="files that stay as they are during a run",
                fix="run again",
            )
        if fault is Fault.BROKEN and self.system is not None:
            return RunError(
                f"{self} cannot be reached, also when tried again ({word_for(error)})",
                fix="check the network and the address of the store",
            )
        return DataError(f"{self} cannot be reached ({word_for(error)})", fix="try it by hand, then again")

    def fingerprint(self, path: str) -> tuple[int, str]:
        """Size in bytes of a file, and what changes when it is written anew: its time, or a store's tag of it."""
        with self._reaching():
            if self.system is None:
                found = os.stat(path)
                return found.st_size, str(found.st_mtime_ns)
            told = steady(self.system.info, path)
        tag = next((told[key] for key in _TAGS if told.get(key) is not None), "")
        return int(told.get("size") or 0), str(tag)

    def _missing(self) -> DataError:
        hint = ""
        folder = Path(self.path).parent
        if self.system is None and folder.is_dir():
            hint = nearest(self.name, [path.name for path in folder.iterdir()])
        return DataError(
            f"there is no file or folder {self}{hint}",
            need="the path or URL of a file that holds a table, or of a folder of .parquet files",
            fix="correct the path; a relative one starts from the working directory",
        )
