"""A path or a URL: what is there, its bytes, and what an error there means."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from replicant.errors import DataError, ReleaseError, ReplicantError, RunError, SpecError, nearest
from replicant.storage.filesystem import (
    CREDENTIALS,
    Fault,
    fault_of,
    is_object_store,
    is_url,
    open_file,
    open_system,
    shown,
    steady,
    word_for,
)

__all__ = ["LOCAL", "PACKED", "Location"]

PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
"""Endings of files that are unpacked while they are read."""

LOCAL = ("file://", "local://")
"""Beginnings of URLs that are local paths."""
_TAGS = ("ETag", "etag", "md5Hash", "LastModified", "Last-Modified", "last_modified", "mtime", "created")

T = TypeVar("T")


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
    family
        Of its errors: `DataError` of a table, `ReleaseError` of a release.
    """

    path: str
    shown: str
    system: Any = None
    family: type[ReplicantError] = DataError

    @classmethod
    def of(cls, where: str | os.PathLike[str], family: type[ReplicantError] = DataError) -> Location:
        """The location that a path or URL names.

        Raises
        ------
        SpecError
            No reader is installed for the URL's protocol, it carries credentials, or it is empty.
        """
        text = os.fspath(where)
        for scheme in LOCAL:
            text = text.removeprefix(scheme)
        if not text.strip():
            raise SpecError(
                "the path of the data is empty",
                need="the path or URL of a file that holds a table, or of a folder of .parquet files",
            )
        if not is_url(text):
            return cls(str(Path(text).expanduser()), text, family=family)
        system, path = open_system(text)
        return cls(path, shown(text), system, family)

    def __str__(self) -> str:
        return self.shown

    @property
    def name(self) -> str:
        """The last part of the path, without the query."""
        return Path(self.shown if self.system is not None else self.path).name

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder. What is behind HTTP is a file."""
        if self.system is None:
            return os.path.isdir(self.path)
        return "http" not in str(self.system.protocol) and bool(self.ask("read", self.system.isdir, self.path))

    @property
    def is_file(self) -> bool:
        """Whether something is there that is no folder."""
        if self.system is None:
            return os.path.lexists(self.path) and not os.path.isdir(self.path)
        return bool(self.ask("read", self.system.isfile, self.path))

    def check_exists(self) -> None:
        """Refuse a location where nothing is.

        Raises
        ------
        DataError
            There is nothing, or it may not be read.
        RunError
            The connection breaks.
        """
        there = os.path.exists(self.path) if self.system is None else self.ask("read", self.system.exists, self.path)
        if not there:
            raise self._missing()

    @contextmanager
    def open(self, path: str | None = None) -> Iterator[IO[bytes]]:
        """The bytes at the location, or of a file in the folder."""
        with self.file(path or self.path) as file:
            yield file

    def file(self, path: str) -> IO[bytes]:
        """The same as a file that is to be closed."""
        with self.guard("read"):
            if self.system is None:
                return open(path, "rb")
            return open_file(self.system, path, lambda error: self.explain(error, "read"))

    def files(self) -> dict[str, int]:
        """Every file below it, hidden ones too, by its path relative to it and with its size in bytes."""
        if self.system is None:
            with self.guard("list"):
                paths = [os.path.join(root, name) for root, _, names in os.walk(self.path) for name in names]
                sizes = {os.path.relpath(path, self.path): os.lstat(path).st_size for path in paths}
                return {name.replace(os.sep, "/"): sizes[name] for name in sorted(sizes)}
        if not is_object_store(self.system) and not self.ask("list", self.system.isdir, self.path):
            return {}
        found = self.ask("list", self.system.find, self.path, detail=True)
        base = self.path.rstrip("/") + "/"
        sizes = {path[len(base) :]: int(found[path].get("size") or 0) for path in found if path.startswith(base)}
        # Consoles of object stores make a file of no name to show a folder.
        return {name: sizes[name] for name in sorted(sizes) if name and not name.endswith("/")}

    def parquet_files(self) -> list[str]:
        """Paths of the Parquet files in the folder, in order; hidden ones and those with a leading _ left out."""
        base = self.path.rstrip("/")
        names = [name for name in self.files() if name.endswith(".parquet")]
        return [f"{base}/{name}" for name in names if not any(part[:1] in {".", "_"} for part in name.split("/"))]

    def beside(self) -> list[str]:
        """Names of what lies beside it, hidden ones and its own among them."""
        if self.system is None:
            above = os.path.dirname(os.path.abspath(self.path))
            with self.guard("list"):
                return sorted(os.listdir(above)) if os.path.isdir(above) else []

        def names() -> list[str]:
            try:
                found = self.system.ls(self.path.rstrip("/").rpartition("/")[0], detail=False)
            except FileNotFoundError:
                return []
            return sorted(path.rstrip("/").rpartition("/")[2] for path in found)

        return self.ask("list", names)

    def fingerprint(self, path: str) -> tuple[int, str]:
        """Size in bytes of a file, and what changes when it is written anew: its time, or a store's tag of it."""
        if self.system is None:
            with self.guard("read"):
                found = os.stat(path)
                return found.st_size, str(found.st_mtime_ns)
        about = self.ask("read", self.system.info, path)
        tag = next((about[key] for key in _TAGS if about.get(key) is not None), "")
        return int(about.get("size") or 0), str(tag)

    def arrow(self) -> Any:
        """Its file system for Arrow, in which what breaks is tried again too; None for local paths."""
        if self.system is None:
            return None
        import pyarrow as pa
        from pyarrow import fs

        location = self

        class Handler(fs.FSSpecHandler):  # type: ignore[misc]
            """fsspec's file system, with our way of opening files."""

            def get_file_info(self, paths: list[str]) -> Any:
                return location.ask("read", super().get_file_info, paths)

            def open_input_stream(self, path: str) -> Any:
                return pa.PythonFile(location.file(path), mode="r")

            open_input_file = open_input_stream

        return fs.PyFileSystem(Handler(self.system))

    def ask(self, action: str, call: Callable[..., T], *args: Any, **options: Any) -> T:
        """What a question to its file system gives, which may be asked twice."""
        with self.guard(action):
            if not is_object_store(self.system):
                self.system.invalidate_cache()  # what another process wrote a moment ago must be seen
            return steady(call, *args, **options)

    @contextmanager
    def guard(self, action: str) -> Iterator[None]:
        """Turn whatever the storage raises into an error of ours that says what to do."""
        try:
            yield
        except ReplicantError:
            raise
        except Exception as error:
            raise self.explain(error, action) from error

    def explain(self, error: Exception, action: str) -> ReplicantError:
        """What to tell of an error that a storage raised.

        Parameters
        ----------
        error
            What was caught. Only the operating system's words for it, or a store's code, are repeated.
        action
            What was tried: `read`, `write`, `list`.
        """
        number = error.errno if isinstance(error, OSError) else None
        fault = fault_of(error)
        if number in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            return ReleaseError(
                f"The disk is full: cannot {action} {self}.",
                fix="free space there, or choose another output path; nothing of the unfinished release is visible",
            )
        if fault is Fault.NO_CREDENTIALS:
            return self.family(f"No credentials, or none that hold: cannot {action} {self}.", fix=CREDENTIALS)
        if fault is Fault.NO_BUCKET:
            bucket = self.shown.split("/")[2]
            return self.family(
                f"There is no bucket {bucket!r}: cannot {action} {self}.",
                fix="correct the URL, or have the bucket made",
            )
        if number in {errno.EROFS, errno.EACCES, errno.EPERM} or fault is Fault.DENIED:
            return self.family(
                f"No permission to {action} {self}.",
                need=f"a location where you may {action}",
                fix="choose another path, or change its permissions",
            )
        if number in {errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY}:
            return self.family(
                f"Something else is in the way at {self}, or above it.", fix="choose another path, or move it away"
            )
        if fault is Fault.MISSING:
            if self.family is DataError:
                return self._missing()
            return self.family(f"A file or folder is missing: cannot {action} {self}.", fix="check the path")
        if fault is Fault.CHANGED:
            return self.family(
                f"{self} was changed while it was read.",
                need="files that stay as they are during a run",
                fix="run again",
            )
        if fault is Fault.BROKEN and self.system is not None:
            # A broken connection says nothing against the data.
            family = RunError if self.family is DataError else self.family
            return family(
                f"Cannot {action} {self}, also when tried again ({word_for(error)}).",
                fix="check the network and the address of the store",
            )
        words = os.strerror(number) if number else word_for(error)
        return self.family(
            f"Cannot {action} {self}: {words}.", fix="check the path, the connection and the credentials"
        )

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
