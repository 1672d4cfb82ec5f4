"""Certificates of a cluster: those that Dask's configuration names, checked before anything is sent.

The command line's `--tls-ca-file`, `--tls-cert`, `--tls-key` and `--require-encryption` set Dask's own settings
(`distributed.comm.tls`, `distributed.comm.require-encryption`, or `DASK_DISTRIBUTED__COMM__TLS__...`) while a command
runs, so certificates are named once. Dask itself tries a scheduler that speaks another language
until its time is up, and then says that nobody answered; so we greet it first, and say what does not fit.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias

import dask.config
from distributed import Security
from distributed.comm.addressing import parse_address, parse_host_port
from distributed.comm.registry import get_backend

from replicant.errors import RunError, SpecError

__all__ = ["greet", "security_for", "security_here", "trusting"]

Role: TypeAlias = Literal["scheduler", "worker", "client"]

_TLS = "distributed.comm.tls"
_REQUIRED = "distributed.comm.require-encryption"
_ROLES: tuple[Role, ...] = ("scheduler", "worker", "client")

GREETING_SECONDS = 3.0
"""How long a scheduler may take to say something. It speaks first, unless it waits for TLS to begin."""

_OPTIONS = "give --tls-ca-file, --tls-cert and --tls-key, or set them in Dask's configuration"


@contextmanager
def trusting(
    ca_file: str | None, cert: str | None, key: str | None, *, require_encryption: bool = False
) -> Iterator[None]:
    """For a while, name certificates in Dask's configuration, for whatever role this process and its workers have.

    Parameters
    ----------
    ca_file, cert, key
        Paths of PEM files; None leaves what is configured. The key may stand in the file of the certificate.
    require_encryption
        Whether to refuse plain connections. Certificates given here always mean it.
    """
    given: dict[str, Any] = {}
    if ca_file is not None:
        given[f"{_TLS}.ca-file"] = ca_file
    if cert is not None:
        # A certificate goes with its own key, never with one that is configured for another.
        given |= {f"{_TLS}.{role}.{part}": value for role in _ROLES for part, value in (("cert", cert), ("key", key))}
    elif key is not None:
        raise SpecError("A key without its certificate.", fix="give --tls-cert too")
    if given or require_encryption:
        given[_REQUIRED] = True
    with dask.config.set(given):
        yield


def security_for(address: str) -> Security:
    """What a client needs to speak with the scheduler at an address, its files checked.

    Raises
    ------
    SpecError
        If the address is a plain one and encryption is wanted, or certificates are missing or of no use.
    """
    encrypted = address.startswith("tls://")
    if _required() and not encrypted:
        raise SpecError(
            "The scheduler's address is a plain one, and encryption is required.",
            need="an address that begins with tls://, as certificates or --require-encryption were given",
            fix="start the scheduler with certificates, and give its tls:// address",
        )
    security = Security(require_encryption=encrypted)  # type: ignore[no-untyped-call]
    if encrypted:
        _context(security, "client")
    return security


def security_here() -> Security:
    """What a cluster of this machine's own needs: TLS between its processes where certificates are given, else none.

    Raises
    ------
    SpecError
        If encryption is required and certificates are missing, of no use, or do not trust each other.
    """
    security = Security(require_encryption=_required())  # type: ignore[no-untyped-call]
    if not security.require_encryption:
        return security
    for server in _ROLES[:2]:
        for client in _ROLES:
            try:
                _handshake(_context(security, server, listens=True), _context(security, client))
            except ssl.SSLError as error:
                raise SpecError(
                    f"The certificates of {server} and {client} do not trust each other ({_said(error)}).",
                    need="certificates signed by the CA given, those of scheduler and worker for server and client use",
                    fix="for --workers give the worker's, as deploy/tls/make_certificates.sh makes them",
                ) from None
    return security


def greet(address: str, security: Security, within: float) -> None:
    """Connect to a scheduler once, wait for its first byte, and leave.

    Parameters
    ----------
    address
        Of the scheduler; schemes other than `tcp` and `tls` are left to Dask.
    security
        From `security_for`.
    within
        Seconds in which it may still be starting.

    Raises
    ------
    ValueError
        If the address is not one that Dask knows.
    OSError
        If nothing answers there.
    RunError
        If scheduler and client do not speak the same language, or do not trust each other.
    """
    scheme, location = parse_address(address)
    if scheme not in {"tcp", "tls"}:
        get_backend(scheme)
        return
    host, port = parse_host_port(location)
    with _connection(host, port, within) as link:
        if scheme == "tls":
            _greet_encrypted(link, _context(security, "client"))
        else:
            _greet_plain(link)


def _greet_encrypted(link: socket.socket, context: ssl.SSLContext) -> None:
    try:
        with context.wrap_socket(link) as safe:
            # A client's certificate is judged after the client's own part of the handshake: in the first answer.
            safe.recv(1)
    except ssl.SSLCertVerificationError as error:
        raise RunError(
            f"The scheduler's certificate is not to be trusted ({error.verify_message}).",
            need="a certificate signed by the CA in --tls-ca-file",
            fix="give the CA that signed the scheduler's certificate; do not go on if you do not know why it differs",
        ) from None
    except TimeoutError:
        raise RunError(
            "What listens at the scheduler's address does not answer in TLS.", fix="check address and port"
        ) from None
    except OSError as error:
        if isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or ""):
            raise RunError(
                f"The scheduler refuses this client's certificate ({_said(error)}).",
                need="a certificate for clients, signed by the scheduler's CA and not expired",
                fix="have one made by whoever runs the cluster, and give it with --tls-cert and --tls-key",
            ) from None
        raise RunError(
            "The scheduler does not speak TLS, and its address begins with tls://.",
            need="a scheduler that was started with certificates",
            fix="start it with --tls-ca-file, --tls-cert, --tls-key and --protocol tls, or give its tcp:// address",
        ) from None


def _greet_plain(link: socket.socket) -> None:
    try:
        link.recv(1)
        return
    except TimeoutError:
        pass  # a plain scheduler would have spoken; one with TLS waits for the client to begin
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent: only whether it answers
    try:
        with context.wrap_socket(link):
            pass
    except ssl.SSLError as error:
        if "ALERT" not in (error.reason or ""):
            return  # a plain one, only slow: Dask has more patience
    raise RunError(
        "The scheduler speaks TLS, and its address is given as a plain one.",
        need="its tls:// address, and certificates",
        fix=_OPTIONS,
    )


def _connection(host: str, port: int, within: float) -> socket.socket:
    until = time.monotonic() + within
    while True:
        try:
            link = socket.create_connection((host, port), timeout=max(0.1, until - time.monotonic()))
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)  # it may be starting
        else:
            link.settimeout(GREETING_SECONDS)
            return link


def _required() -> bool:
    """Whether plain connections are refused: as configured, and else if certificates are."""
    said = dask.config.get(_REQUIRED)
    if said is not None:
        return bool(said)
    names = ["ca-file", *(f"{role}.{part}" for role in _ROLES for part in ("cert", "key"))]
    return any(dask.config.get(f"{_TLS}.{name}") for name in names)


def _context(security: Security, role: Role, *, listens: bool = False) -> ssl.SSLContext:
    """The TLS context of a role; whatever is wrong with its files is said in our words."""
    files = security.get_tls_config_for_role(role)  # type: ignore[no-untyped-call]
    ca_file, cert, key = files["ca_file"], files["cert"], files["key"]
    for name, what in (("--tls-ca-file", ca_file), ("--tls-cert", cert)):
        if not what:
            raise SpecError(
                f"Encryption needs certificates, and there is none for {name} ({role}).",
                need="a CA's certificate, a certificate of one's own, and its key",
                fix=_OPTIONS,
            )
    for name, what in (("CA", ca_file), ("certificate", cert), ("key", key)):
        _check_readable(name, what)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(**_as_ca(ca_file))
    except ssl.SSLError:
        raise SpecError(
            f"The CA {_shown(ca_file)} is no certificate.", need="a file in PEM format", fix="give the CA's certificate"
        ) from None
    if not _in_memory(cert) and not _in_memory(key):
        try:
            # A key under a passphrase would be asked for at the terminal. It is refused, as nobody may be there.
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(cert, key or None, password=_no_passphrase)
        except _PassphraseError:
            raise SpecError(
                f"The key {_shown(key or cert)} is under a passphrase.",
                need="a key without one, in a file that only you may read",
                fix="openssl pkey -in KEY -out PLAIN_KEY",
            ) from None
        except ssl.SSLError as error:
            wrong = error.reason == "KEY_VALUES_MISMATCH"
            raise SpecError(
                f"The key {_shown(key or cert)} is not that of the certificate {_shown(cert)}."
                if wrong
                else f"The certificate {_shown(cert)} or its key {_shown(key or cert)} cannot be understood.",
                need="a certificate and its own key, in PEM format",
                fix="give the two that belong together",
            ) from None
    arguments = security.get_listen_args if listens else security.get_connection_args
    try:
        context: ssl.SSLContext = arguments(role)["ssl_context"]  # type: ignore[no-untyped-call]
    except (ssl.SSLError, OSError, ValueError) as error:
        raise SpecError(
            f"Dask cannot use the certificates of the {role} ({_said(error)}).",
            fix="check distributed.comm.tls in Dask's configuration",
        ) from None
    return context


def _check_readable(name: str, what: str | None) -> None:
    if not what or _in_memory(what):
        return
    try:
        with open(what, "rb"):
            pass
    except OSError as error:
        raise SpecError(
            f"The {name} {_shown(what)} cannot be read ({error.strerror}).",
            need="a file in PEM format that you may read",
            fix="check the path, and who may read it",
        ) from None


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """A handshake in memory: whether two contexts trust each other."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    while ends:
        for end in list(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            ends.remove(end)


class _PassphraseError(Exception):
    """A key asked for its passphrase."""


def _no_passphrase() -> str:
    raise _PassphraseError


def _as_ca(what: str) -> dict[str, str]:
    return {"cadata": what} if _in_memory(what) else {"cafile": what}


def _in_memory(what: str | None) -> bool:
    """Dask takes the text of a PEM file in place of its path."""
    return what is not None and "\n" in what


def _shown(what: str) -> str:
    return "in Dask's configuration" if _in_memory(what) else repr(os.fspath(what))


def _said(error: Exception) -> str:
    """OpenSSL's own word for it, such as `tlsv1 alert unknown ca`."""
    reason = getattr(error, "verify_message", None) or getattr(error, "reason", None) or type(error).__name__
    return str(reason).lower().replace("_", " ")
