"""Folders that releases live in: on a local disk, or behind any fsspec URL, with the same few verbs.

A local file is written under a temporary name, flushed to the disk and renamed, and a folder takes another's place in
one step. Object stores have no rename: there a file is one PUT, or an upload in parts that is invisible until it is
ended, and a folder is moved file by file, its `_SUCCESS` always last to appear and first to go, so what carries
`_SUCCESS` is whole in both.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import hashlib
import os
import shutil
import stat
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from replicant.errors import ReleaseError, ReplicantError, SpecError
from replicant.remote import (
    CREDENTIALS,
    Fault,
    fault_of,
    has_key,
    is_object_store,
    is_url,
    open_file,
    open_system,
    steady,
    word_for,
)

__all__ = [
    "HELPERS",
    "MANIFEST",
    "SUCCESS",
    "Folder",
    "RemoteFolder",
    "digest_of",
    "is_ours",
    "open_folder",
    "path_text",
]

MANIFEST = "manifest.json"
SUCCESS = "_SUCCESS"
HELPERS = {"r": "analyse.R", "stata": "analyse.do"}
CHUNK = 1 << 23
MANY = 8
"""Files of an object store that are moved or removed at a time."""

_LOCAL = ("file://", "local://")

T = TypeVar("T")


def path_text(path: str | os.PathLike[str]) -> str:
    """A path or URL as text, without a closing slash.

    Raises
    ------
    ReleaseError, SpecError
        If it is empty, a root, or a bucket: a release needs a name.
    """
    text = os.fspath(path)
    for scheme in _LOCAL:
        text = text.removeprefix(scheme)
    if not is_url(text):
        text = os.path.abspath(os.path.expanduser(text)) if text else text
    text = text.rstrip("/")
    if not text or text.endswith(":"):
        raise ReleaseError("The path of a release is empty or a root.", need="a folder with a name")
    if not has_key(text):
        raise SpecError(f"{text} is a bucket", need="a folder in it for a release", fix=f"such as {text}/release")
    return text


def open_folder(path: str | os.PathLike[str]) -> Folder:
    """The folder at a path or URL; it need not exist.

    Raises
    ------
    ReleaseError
        If it names none.
    SpecError
        If the URL carries credentials, its protocol is unknown, or its driver is not installed.
    """
    text = path_text(path)
    return RemoteFolder(text) if is_url(text) else LocalFolder(text)


def is_ours(name: str) -> bool:
    """Whether an entry may belong to a release: `manifest.json`, `_SUCCESS`, a helper, `imputation=...`."""
    return name in {MANIFEST, SUCCESS, *HELPERS.values()} or name.startswith("imputation=")


def digest_of(folder: Folder, name: str) -> str:
    """The sha256 of a file, read in chunks."""
    digest = hashlib.sha256()
    with folder.guard("read"), folder.open(name) as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


class Folder(ABC):
    """A folder somewhere. File names are relative to it, with forward slashes.

    Attributes
    ----------
    url
        Where it is.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def sibling(self, name: str) -> str:
        """The URL of an entry beside this folder."""
        return f"{self.url.rpartition('/')[0]}/{name}"

    @property
    def name(self) -> str:
        """Its own name."""
        return self.url.rpartition("/")[2]

    @contextlib.contextmanager
    def guard(self, action: str) -> Iterator[None]:
        """Turn whatever the storage raises into a `ReleaseError` that says what to do."""
        try:
            yield
        except ReplicantError:
            raise
        except Exception as error:
            raise explain(error, action, self.url) from error

    def read(self, name: str) -> bytes:
        """The whole content of a file."""
        with self.guard("read"), self.open(name) as stream:
            content: bytes = stream.read()
            return content

    @abstractmethod
    def exists(self) -> bool:
        """Whether there is a folder with anything in it (locally: a folder, even empty)."""

    @abstractmethod
    def is_file(self) -> bool:
        """Whether a file is in its place."""

    @abstractmethod
    def beside(self) -> list[str]:
        """Names of what lies beside this folder, hidden ones and its own among them."""

    @abstractmethod
    def files(self) -> dict[str, int]:
        """Every file below it, hidden ones too, with its size."""

    @abstractmethod
    def open(self, name: str) -> Any:
        """A binary stream to read a file from."""

    @abstractmethod
    def make(self, *, private: bool = False) -> bool:
        """Make the folder, and those above it; whether it was made now."""

    @abstractmethod
    def write(self, name: str, content: Any, *, private: bool = False) -> None:
        """Write a file so that it appears whole or not at all; the folder itself must be there."""

    @abstractmethod
    def rename(self, old: str, new: str) -> None:
        """Rename a file within the folder, replacing what is there."""

    @abstractmethod
    def discard(self, name: str) -> None:
        """Remove a file if it is there; never fails."""

    @abstractmethod
    def remove(self) -> None:
        """Remove the folder and everything in it, as far as that is possible; never fails."""

    @abstractmethod
    def seal(self) -> Folder:
        """The folder under another name, where who still writes to it by the old one does not find it."""

    @abstractmethod
    def unseal(self) -> None:
        """Take a sealed folder back to its name, if it was sealed and its name is free; remove it if it is not."""

    @abstractmethod
    def moves_to(self, target: Folder) -> bool:
        """Whether what lies at a target is of a move of this folder that was begun and not completed."""

    @abstractmethod
    def replace(self, target: str, *, overwrite: bool) -> None:
        """Move this folder to `target`; with `overwrite`, into the place of what stays whole there until then.

        In one step on a disk. Elsewhere what is there loses its `_SUCCESS` first. If the move then fails, the target
        is unfinished, this folder is still whole, and moving it once more completes the target.
        """


class LocalFolder(Folder):
    """A folder on a disk of this machine, or one mounted on it."""

    def exists(self) -> bool:
        return os.path.isdir(self.url)

    def is_file(self) -> bool:
        return os.path.lexists(self.url) and not os.path.isdir(self.url)

    def beside(self) -> list[str]:
        above = os.path.dirname(self.url)
        with self.guard("list"):
            return sorted(os.listdir(above)) if os.path.isdir(above) else []

    def files(self) -> dict[str, int]:
        found: dict[str, int] = {}
        with self.guard("list"):
            for root, _, names in os.walk(self.url):
                for name in names:
                    path = os.path.join(root, name)
                    found[os.path.relpath(path, self.url).replace(os.sep, "/")] = os.lstat(path).st_size
        return found

    def open(self, name: str) -> Any:
        return open(self._path(name), "rb")

    def make(self, *, private: bool = False) -> bool:
        with self.guard("write"):
            os.makedirs(os.path.dirname(self.url), exist_ok=True)
            try:
                os.mkdir(self.url, 0o700 if private else 0o777)
            except FileExistsError:
                if not os.path.isdir(self.url):
                    raise
                return False
        return True

    def write(self, name: str, content: Any, *, private: bool = False) -> None:
        path = self._path(name)
        folder, base = os.path.split(path)
        temporary = os.path.join(folder, f".{base}.{uuid.uuid4().hex}.tmp")
        with self.guard("write"):
            if folder != self.url:
                # One level only: a part that comes late must not bring back a folder that was abandoned.
                with contextlib.suppress(FileExistsError):
                    os.mkdir(folder)
            try:
                number = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
                with os.fdopen(number, "wb") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
                os.replace(temporary, path)
                _sync(folder)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
                raise

    def rename(self, old: str, new: str) -> None:
        with self.guard("write"):
            os.replace(self._path(old), self._path(new))
            _sync(self.url)

    def discard(self, name: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self._path(name))

    def remove(self) -> None:
        gone = f"{self.url}.gone"
        shutil.rmtree(gone, ignore_errors=True)  # of a removal that was killed
        with contextlib.suppress(OSError):
            os.rename(self.url, gone)  # at once: nobody sees half of it, or puts something into it meanwhile
        for path in (gone, self.url) * 2:  # network disks may hold a folder back for a moment
            if os.path.lexists(path):
                shutil.rmtree(path, ignore_errors=True)

    def seal(self) -> Folder:
        sealed = LocalFolder(f"{self.url}.sealed")
        with self.guard("write"):
            os.rename(self.url, sealed.url)
        return sealed

    def unseal(self) -> None:
        sealed = LocalFolder(f"{self.url}.sealed")
        if os.path.lexists(self.url):
            sealed.remove()
            return
        with contextlib.suppress(OSError):
            os.rename(sealed.url, self.url)

    def moves_to(self, target: Folder) -> bool:
        return False  # one step

    def replace(self, target: str, *, overwrite: bool) -> None:
        with self.guard("write"):
            # Staged as 0700; a release gets the mode that any new folder gets here.
            probe = self._path(f".{uuid.uuid4().hex}")
            os.mkdir(probe)
            mode = stat.S_IMODE(os.stat(probe).st_mode)
            os.rmdir(probe)
            os.chmod(self.url, mode)
            try:
                self._move(target, overwrite=overwrite)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.chmod(self.url, 0o700)
                raise
        with contextlib.suppress(OSError):
            _sync(os.path.dirname(target))  # the move is done: too late to call it failed

    def _move(self, target: str, *, overwrite: bool) -> None:
        if not overwrite or not os.path.isdir(target):
            os.rename(self.url, target)  # refuses a folder with anything in it
        elif _exchange(self.url, target):
            self.remove()  # now the old one
        else:
            aside = f"{self.url}.old"
            os.rename(target, aside)
            try:
                os.rename(self.url, target)
            except BaseException:
                os.rename(aside, target)
                raise
            shutil.rmtree(aside, ignore_errors=True)

    def _path(self, name: str) -> str:
        return os.path.join(self.url, *name.split("/"))


class RemoteFolder(Folder):
    """A folder, or the beginning of names in an object store, behind an fsspec URL."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._system, root = open_system(url)
        self._root = root.rstrip("/")
        self._flat = is_object_store(self._system)

    def exists(self) -> bool:
        return bool(self._ask("read", self._system.isdir, self._root))

    def is_file(self) -> bool:
        return bool(self._ask("read", self._system.isfile, self._root))

    def beside(self) -> list[str]:
        above = self._root.rpartition("/")[0]
        try:
            found = self._ask("list", self._system.ls, above, detail=False)
        except ReleaseError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return []
            raise
        return sorted(path.rstrip("/").rpartition("/")[2] for path in found)

    def files(self) -> dict[str, int]:
        if not self._flat and not self.exists():
            return {}
        found = self._ask("list", self._system.find, self._root, detail=True)
        prefix = f"{self._root}/"
        names = {path.removeprefix(prefix): info for path, info in found.items() if path.startswith(prefix)}
        # Consoles of object stores make a file of no name to show a folder.
        return {name: int(info.get("size") or 0) for name, info in names.items() if name and not name.endswith("/")}

    def open(self, name: str) -> Any:
        return open_file(self._system, self._path(name), lambda error: explain(error, "read", self.url))

    def read(self, name: str) -> bytes:
        content: bytes = self._ask("read", self._system.cat_file, self._path(name))
        return content

    def make(self, *, private: bool = False) -> bool:
        # Folders of an object store come and go with their files; who may read them is the bucket's own rule.
        made = not self.exists()
        if not self._flat:
            self._ask("write", self._system.makedirs, self._root, exist_ok=True)
        return made

    def write(self, name: str, content: Any, *, private: bool = False) -> None:
        path = self._path(name)
        with self.guard("write"):
            self._make_above(path)
            steady(self._system.pipe_file, path, bytes(content))

    def create(self, name: str, content: bytes) -> bool:
        """Write a file if it is not there; whether it was written. Of those who try at once, one succeeds.

        Raises
        ------
        NotImplementedError
            If the store cannot promise this.
        ReleaseError
            If it cannot be written.
        """
        path = self._path(name)
        with self.guard("write"):
            self._make_above(path)
        try:
            steady(self._system.pipe_file, path, content, mode="create")
        except FileExistsError:
            # Perhaps by an earlier try whose answer was lost.
            return self.read(name) == content
        except Exception as error:
            if word_for(error) in {"NotImplemented", "NotImplementedError", "TypeError"}:
                raise NotImplementedError from None
            raise explain(error, "write", self.url) from error
        return True

    def rename(self, old: str, new: str) -> None:
        with self.guard("write"):
            # Not `mv`, nor a recursive `rm` below: these take [ ] * ? in a path for a pattern.
            steady(self._system.cp_file, self._path(old), self._path(new))
            self._delete(self._path(old))

    def discard(self, name: str) -> None:
        with contextlib.suppress(Exception):
            self._delete(self._path(name))

    def remove(self) -> None:
        with contextlib.suppress(Exception):
            self._clear()
        if self._flat:
            return
        with contextlib.suppress(Exception):
            # The deepest first, and only empty ones go.
            for path in sorted(self._system.find(self._root, withdirs=True), key=len, reverse=True):
                self._system.rmdir(path)
            if self._system.exists(self._root):
                self._system.rmdir(self._root)

    def seal(self) -> Folder:
        return self  # no rename; and what comes late has the same bytes and no temporary name

    def unseal(self) -> None:
        pass

    def moves_to(self, target: Folder) -> bool:
        return SUCCESS in self.files() and SUCCESS not in target.files()

    def replace(self, target: str, *, overwrite: bool) -> None:
        there = RemoteFolder(target)
        with self.guard("write"):
            old = there.files()
            try:
                for name in (SUCCESS, MANIFEST):
                    if name in old:
                        there._delete(there._path(name))
                # Files of the old one are written over by those of the same names; no two of them make a release.
                new = self.files()
                self._copy(there, (name for name in new if name not in {SUCCESS, MANIFEST}))
                there._remove_files(old.keys() - new.keys() - {SUCCESS, MANIFEST})
                self._copy(there, [MANIFEST])
                self._copy(there, [SUCCESS])
            except BaseException as error:
                if not old:
                    there.remove()
                elif isinstance(error, Exception):
                    known = explain(error, "write", target)
                    raise ReleaseError(
                        f"{known.found} What is there is unfinished now.",
                        need=known.need,
                        fix=f"{known.fix}; then do the same once more, which completes it",
                    ) from error
                raise
        self.remove()

    def _copy(self, target: RemoteFolder, names: Iterable[str]) -> None:
        def copy(name: str) -> None:
            path = target._path(name)
            target._make_above(path)
            steady(self._system.cp_file, self._path(name), path)

        self._each(copy, names)

    def _clear(self) -> None:
        names = self.files()
        for name in (SUCCESS, MANIFEST):
            if name in names:
                self._delete(self._path(name))
        self._remove_files(names.keys() - {SUCCESS, MANIFEST})

    def _remove_files(self, names: Iterable[str]) -> None:
        self._each(lambda name: self._delete(self._path(name)), names)

    def _delete(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            steady(self._system.rm_file, path)

    def _each(self, call: Callable[[str], None], names: Iterable[str]) -> None:
        if not self._flat:
            for name in names:
                call(name)
            return
        pool = ThreadPoolExecutor(MANY, thread_name_prefix="replicant")
        try:
            for done in [pool.submit(call, name) for name in names]:
                done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _make_above(self, path: str) -> None:
        # Drivers of object stores take this for a wish to have the bucket made.
        if not self._flat:
            self._system.makedirs(path.rpartition("/")[0], exist_ok=True)

    def _ask(self, action: str, call: Callable[..., T], *args: Any, **options: Any) -> T:
        with self.guard(action):
            if not self._flat:
                self._system.invalidate_cache()
            return steady(call, *args, **options)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"


def _sync(folder: str) -> None:
    """Make a rename last through a power failure, where the file system can."""
    with contextlib.suppress(PermissionError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
                raise
        finally:
            os.close(number)


def _exchange(one: str, other: str) -> bool:
    """Swap two folders in one step, where Linux and the file system can; whether it was done."""
    renameat2 = _renameat2()
    if renameat2 is None:
        return False
    here, swap = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    if renameat2(here, os.fsencode(one), here, os.fsencode(other), swap) == 0:
        return True
    number = ctypes.get_errno()
    if number in {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}:
        return False
    raise OSError(number, os.strerror(number))


@functools.cache
def _renameat2() -> Any:
    try:
        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    function.restype = ctypes.c_int
    return function


def explain(error: Exception, action: str, url: str) -> ReleaseError:
    """A `ReleaseError` for what a storage raised.

    Parameters
    ----------
    error
        What was caught. Only the operating system's words for it, or a store's code, are repeated.
    action
        What was tried: `read`, `write`, `list`.
    url
        Of which folder.
    """
    number = error.errno if isinstance(error, OSError) else None
    fault = fault_of(error)
    if number in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return ReleaseError(
            f"The disk is full: cannot {action} {url}.",
            fix="free space there, or choose another output path; nothing of the unfinished release is visible",
        )
    if fault is Fault.NO_CREDENTIALS:
        return ReleaseError(f"No credentials, or none that hold: cannot {action} {url}.", fix=CREDENTIALS)
    if fault is Fault.NO_BUCKET:
        return ReleaseError(
            f"There is no bucket {url.split('/')[2]!r}: cannot {action} {url}.",
            fix="correct the URL, or have the bucket made",
        )
    if number in {errno.EROFS, errno.EACCES, errno.EPERM} or fault is Fault.DENIED:
        return ReleaseError(
            f"No permission to {action} {url}.",
            need=f"a place where you may {action}",
            fix="choose another path, or change its permissions",
        )
    if number in {errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY}:
        return ReleaseError(
            f"Something else is in the way at {url}, or above it.", fix="choose another path, or move it away"
        )
    if fault is Fault.MISSING:
        return ReleaseError(f"A file or folder is missing: cannot {action} {url}.", fix="check the path")
    if fault is Fault.BROKEN and is_url(url):
        return ReleaseError(
            f"Cannot {action} {url}, also when tried again ({word_for(error)}).",
            fix="check the network and the address of the store",
        )
    words = os.strerror(number) if number else word_for(error)
    return ReleaseError(f"Cannot {action} {url}: {words}.", fix="check the path, the connection and the credentials")
