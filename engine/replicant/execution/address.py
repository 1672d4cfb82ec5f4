"""The address of a Dask scheduler: what is wrong with one, and how it is written."""

from __future__ import annotations

import re
import socket

from replicant.errors import RunError, SpecError, closest

__all__ = ["check_address", "shown_address", "unreachable"]

_SCHEMES = ("tcp", "tls", "ws", "wss", "ucx", "ucxx", "inproc")
_NEED = "an address such as tcp://10.0.0.5:8786, or tls://10.0.0.5:8786: `dask scheduler` prints it when it starts"


def shown_address(address: str) -> str:
    """The address as messages may show it: without a user's name and password, and not longer than a line."""
    return re.sub(r"(^|://)[^/@]*@", r"\1", address.strip())[:80]


def check_address(address: str) -> None:
    """Refuse what cannot be the address of a scheduler.

    Raises
    ------
    SpecError
        With the address as it was probably meant.
    """
    text = address.strip()
    fix = _fix(text)
    if fix is not None:
        said = f": {shown_address(text)!r}" if text else ": it is empty"
        raise SpecError(f"The scheduler's address is not one{said}.", need=_NEED, fix=fix)


def _fix(text: str) -> str | None:
    """How an address is to be changed; None if it may be one."""
    if not text:
        return "give the scheduler's address, or leave --scheduler out"
    if text.endswith(".json"):
        return 'give the "address" that stands in this file'
    if re.fullmatch(r"\d+", text):
        return f"name the host too: tcp://127.0.0.1:{text}"
    if "@" in text:
        return (
            "leave the user's name out: schedulers are guarded by certificates (--tls-ca-file, --tls-cert, --tls-key)"
        )
    scheme, found, location = text.partition("://")
    if not found:
        slip = re.fullmatch(r"(tcp|tls)[:/]+(?=\D|\d+\.)(.+)", text, re.IGNORECASE)
        if slip:
            return f"write {slip[1].lower()}://{slip[2]}"
        scheme, location = "tcp", text
    if scheme in {"http", "https"}:
        host = re.sub(r"[:/].*", "", location)
        return f"this is the scheduler's page; clients speak to another port of it: tcp://{host}:8786"
    if scheme not in _SCHEMES:
        near = closest(scheme, _SCHEMES) or "tcp"
        return f"write {near}://{location}"
    return None if scheme == "inproc" else _fix_location(scheme, location)


def _fix_location(scheme: str, location: str) -> str | None:
    match = re.fullmatch(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\s:/\[\]]+)(?::(?P<port>[^/]*))?(?P<rest>/.*)?", location)
    if match is None:
        return "write PROTOCOL://HOST:PORT, without spaces; the numbers of IPv6 go in square brackets"
    host, port, rest = match["host"], match["port"], match["rest"]
    if not port:
        return f"add the port: {scheme}://{host}:8786, unless the scheduler was started on another"
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 2**16):
        return f"correct the port, which is a number from 1 to 65535: {scheme}://{host}:8786"
    return f"leave out what follows the port: {scheme}://{host}:{port}" if rest else None


def unreachable(address: str, error: Exception, seconds: float) -> RunError:
    """What to say where no scheduler answers."""
    if isinstance(error, socket.gaierror):
        why, fix = "the name of its host is not known here", "correct the name, or give the number of the host"
    elif isinstance(error, ConnectionRefusedError):
        why = "nothing listens on this port"
        fix = "start one there with `dask scheduler`, or correct host and port: it prints its address when it starts"
    else:
        why = f"there was no answer within {seconds:g} s"
        fix = (
            "see whether `dask scheduler` runs there, in the same version, and whether a firewall stands between; "
            "`python -c 'from distributed import Client; Client(\"ADDRESS\")'` tries the same"
        )
    return RunError(f"No Dask scheduler answers at {shown_address(address)}: {why}.", fix=fix)
