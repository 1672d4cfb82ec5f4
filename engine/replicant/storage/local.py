"""A folder on a disk.

A file is written under a temporary name, flushed to the disk and renamed, and a folder replaces another in one
step.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import shutil
import stat
import uuid
from typing import Any

from replicant.storage.folder import Folder

__all__ = ["LocalFolder"]


class LocalFolder(Folder):
    """A folder on a disk of this machine, or one mounted on it."""

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

    def check_writable(self) -> None:
        above = os.path.dirname(self.url)
        while not os.path.lexists(above):
            above = os.path.dirname(above)
        probe = os.path.join(above, f".replicant-{uuid.uuid4().hex}.probe")
        with LocalFolder(above).guard("write"):
            os.mkdir(probe, 0o700)
            os.rmdir(probe)

    def write(self, name: str, content: Any, *, private: bool = False) -> None:
        path = self.path_of(name)
        folder, base = os.path.split(path)
        temporary = os.path.join(folder, f".{base}.{uuid.uuid4().hex}.tmp")
        with self.guard("write"):
            inside = self.url
            for level in name.split("/")[:-1]:
                # Never the folder itself: a part that comes late must not bring back one that was abandoned.
                inside = os.path.join(inside, level)
                with contextlib.suppress(FileExistsError):
                    os.mkdir(inside)
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
            os.replace(self.path_of(old), self.path_of(new))
            _sync(self.url)

    def discard(self, name: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self.path_of(name))

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

    def can_move_to(self, target: Folder) -> bool:
        if not isinstance(target, LocalFolder):
            return False
        above = os.path.dirname(target.url)
        with self.guard("write"):
            os.makedirs(above, exist_ok=True)
            return os.stat(self.url).st_dev == os.stat(above).st_dev

    def replace(self, target: str, *, overwrite: bool, private: bool = False) -> None:
        with self.guard("write"):
            # Staged as 0700; a release gets the mode that any new folder gets here.
            probe = self.path_of(f".{uuid.uuid4().hex}")
            os.mkdir(probe)
            mode = stat.S_IMODE(os.stat(probe).st_mode)
            os.rmdir(probe)
            os.chmod(self.url, 0o700 if private else mode)
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
