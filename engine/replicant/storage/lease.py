"""Holding a folder behind a URL, where no lock of an operating system reaches.

Who holds the folder writes a small file into it that only one can make, `lock-000001`, and writes it anew every few
seconds. Who comes later watches it: if it changes, the folder is held; if it does not for a while, its holder is dead,
and who makes `lock-000002` first holds the folder. No clocks are compared. A holder that was cut off and overtaken
finds out before its last step, and leaves that to the other.

A store that cannot refuse to write over a file holds nothing: there two runs of one job write the same bytes.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from replicant.errors import ReleaseError
from replicant.storage.remote import RemoteFolder

__all__ = ["check_held", "leased"]

PULSE = 4.0
"""Seconds between two signs of life."""
LAPSE = 20.0
"""Seconds without one, after which a holder is taken for dead."""

_LOCK = re.compile(r"lock-(\d{6})")

_held: dict[str, int] = {}


@contextmanager
def leased(url: str) -> Iterator[None]:
    """Hold a folder for this process.

    Parameters
    ----------
    url
        Its URL.

    Raises
    ------
    ReleaseError
        If another process holds it, or it cannot be written to.
    """
    folder = RemoteFolder(url)
    number = _taken(folder)
    if number is None:
        yield
        return
    stop = Event()
    beat = Thread(target=_beat, args=(folder, number, stop), name="replicant-lease", daemon=True)
    _held[url] = number
    beat.start()
    try:
        yield
    finally:
        stop.set()
        beat.join()
        del _held[url]
        for name in _locks(folder, upto=number):
            folder.discard(name)


def check_held(url: str) -> None:
    """Refuse to go on if somebody else has taken over a folder that this process held.

    Raises
    ------
    ReleaseError
        If it is so.
    """
    number = _held.get(url)
    if number is not None and _newest(RemoteFolder(url))[0] != number:
        raise ReleaseError(
            f"Another run has taken over {url}, for this one gave no sign of life.", fix="wait for the other"
        )


def _taken(folder: RemoteFolder) -> int | None:
    """The number under which the folder is held now; None if this cannot be done here."""
    number, seen = _newest(folder)
    until = time.monotonic() + LAPSE
    while number and time.monotonic() < until:
        time.sleep(min(1.0, LAPSE / 4))
        now = _newest(folder)
        if now[0] == 0:
            break  # it was given back
        if now != (number, seen):
            raise _busy(folder)
    try:
        if not folder.create(_name(number + 1), _sign()):
            raise _busy(folder)
    except NotImplementedError:
        return None
    return number + 1


def _beat(folder: RemoteFolder, number: int, stop: Event) -> None:
    while not stop.wait(PULSE):
        try:
            folder.write(_name(number), _sign())
        except ReleaseError:
            continue  # if it lasts, the others find out, and so does `check_held`


def _newest(folder: RemoteFolder) -> tuple[int, bytes]:
    """The highest number, and what is in its file; 0 if there is none."""
    names = _locks(folder)
    if not names:
        return 0, b""
    try:
        return int(names[-1].removeprefix("lock-")), folder.read(names[-1])
    except ReleaseError:
        if _locks(folder) == names:
            raise
        return _newest(folder)  # it went between two looks


def _locks(folder: RemoteFolder, upto: int = 10**6) -> list[str]:
    found = (_LOCK.fullmatch(name) for name in folder.files())
    return sorted(match[0] for match in found if match and int(match[1]) <= upto)


def _busy(folder: RemoteFolder) -> ReleaseError:
    return ReleaseError(
        f"The same job is running: it holds {folder.url!r}.", fix="wait for it, or choose another output.path"
    )


def _name(number: int) -> str:
    return f"lock-{number:06d}"


def _sign() -> bytes:
    return secrets.token_hex(16).encode()
