"""A folder behind an fsspec URL.

Object stores have no rename: there a file is one PUT, or an upload in parts that is invisible until it is ended, and a
folder is moved file by file, its `_SUCCESS` always last to appear and first to go.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from replicant.errors import ReleaseError
from replicant.storage.filesystem import is_object_store, steady, word_for
from replicant.storage.folder import MANIFEST, SUCCESS, Folder

__all__ = ["RemoteFolder"]

MANY = 8
"""Files of an object store that are moved or removed at a time."""


class RemoteFolder(Folder):
    """A folder, or the beginning of names in an object store, behind an fsspec URL."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._system = self.location.system
        self._flat = is_object_store(self._system)

    def read(self, name: str) -> bytes:
        content: bytes = self.location.ask("read", self._system.cat_file, self.path_of(name))
        return content

    def make(self, *, private: bool = False) -> bool:
        # Folders of an object store come and go with their files; who may read them is the bucket's own rule.
        made = not self.exists()
        if not self._flat:
            self.location.ask("write", self._system.makedirs, self.location.path, exist_ok=True)
        return made

    def check_writable(self) -> None:
        beside = RemoteFolder(self.sibling(f".replicant-{secrets.token_hex(4)}.probe"))
        beside.write("probe", b"")
        beside.remove()
        if beside.files():
            raise ReleaseError(
                f"Files can be written but not removed beside {self.location}.",
                need="permission for both: intermediate files are removed at the end of a run",
                fix="change the permissions, or choose another path",
            )

    def write(self, name: str, content: Any, *, private: bool = False) -> None:
        path = self.path_of(name)
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
        path = self.path_of(name)
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
            raise self.location.explain(error, "write") from error
        return True

    def rename(self, old: str, new: str) -> None:
        with self.guard("write"):
            # Not `mv`, nor a recursive `rm` below: these take [ ] * ? in a path for a pattern.
            steady(self._system.cp_file, self.path_of(old), self.path_of(new))
            self._delete(self.path_of(old))

    def discard(self, name: str) -> None:
        with contextlib.suppress(Exception):
            self._delete(self.path_of(name))

    def remove(self) -> None:
        with contextlib.suppress(Exception):
            self._clear()
        if self._flat:
            return
        with contextlib.suppress(Exception):
            # The deepest first, and only empty ones go.
            for path in sorted(self._system.find(self.location.path, withdirs=True), key=len, reverse=True):
                self._system.rmdir(path)
            if self._system.exists(self.location.path):
                self._system.rmdir(self.location.path)

    def seal(self) -> Folder:
        return self  # no rename; and what comes late has the same bytes and no temporary name

    def unseal(self) -> None:
        pass

    def moves_to(self, target: Folder) -> bool:
        return SUCCESS in self.files() and SUCCESS not in target.files()

    def can_move_to(self, target: Folder) -> bool:
        return isinstance(target, RemoteFolder) and target._system is self._system

    def replace(self, target: str, *, overwrite: bool, private: bool = False) -> None:
        there = RemoteFolder(target)
        with self.guard("write"):
            old = there.files()
            try:
                for name in (SUCCESS, MANIFEST):
                    if name in old:
                        there._delete(there.path_of(name))
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
                    known = there.location.explain(error, "write")
                    raise ReleaseError(
                        f"{known.found} What is there is unfinished now.",
                        need=known.need,
                        fix=f"{known.fix}; then do the same once more, which completes it",
                    ) from error
                raise
        self.remove()

    def _copy(self, target: RemoteFolder, names: Iterable[str]) -> None:
        def copy(name: str) -> None:
            path = target.path_of(name)
            target._make_above(path)
            steady(self._system.cp_file, self.path_of(name), path)

        self._each(copy, names)

    def _clear(self) -> None:
        names = self.files()
        for name in (SUCCESS, MANIFEST):
            if name in names:
                self._delete(self.path_of(name))
        self._remove_files(names.keys() - {SUCCESS, MANIFEST})

    def _remove_files(self, names: Iterable[str]) -> None:
        self._each(lambda name: self._delete(self.path_of(name)), names)

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
