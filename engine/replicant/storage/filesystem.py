"""What lies behind a URL: the one door to it, what is tried again there, and why it failed.

Drivers are fsspec's. Their credentials come from where each storage's own tools look for them (environment, profile,
the role of the machine), never from a URL: URLs are kept in manifests and job copies.

A driver tries a single request again by itself. `steady` tries a whole operation again when the connection broke in
the middle of it or the store was too busy, for a bounded time; only operations that may be done twice are given to it.
"""

from __future__ import annotations

import errno
import io
import re
import secrets
import time
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import IO, Any, ParamSpec, TypeVar
from urllib.parse import parse_qsl

from replicant.errors import ReplicantError, SpecError

__all__ = [
    "CREDENTIALS",
    "Fault",
    "check_url",
    "fault_of",
    "has_key",
    "is_object_store",
    "is_url",
    "open_file",
    "open_system",
    "shown",
    "steady",
    "word_for",
]

P = ParamSpec("P")
T = TypeVar("T")

TRIES = 6
FEWER_TRIES = 2
PAUSE = 0.4
"""Seconds before the second try; each further pause is twice as long, and shortened at random by up to a half."""
PATIENCE = 90.0
"""Seconds after which no further try begins."""
AHEAD = 1 << 18
"""Bytes that are read at once of a file in an object store, if fewer are asked for."""

CREDENTIALS = (
    "give them by the environment (AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; "
    "other stores: as their driver documents), never in the URL"
)

_OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl"}
_PACKAGES = {
    **dict.fromkeys(("s3", "s3a"), '"replicant-synthesis[s3]"'),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs", "abfss"), "adlfs"),
    **dict.fromkeys(("http", "https"), "aiohttp"),
}
_SIGNED = re.compile(r"sig|token|key|secret|credential|passw|auth", re.IGNORECASE)
_CODE = re.compile(r"[A-Za-z0-9]{3,40}")


class Fault(Enum):
    """Why an operation failed."""

    MISSING = auto()
    NO_BUCKET = auto()
    DENIED = auto()
    NO_CREDENTIALS = auto()
    CHANGED = auto()
    BROKEN = auto()
    """The connection, or a store that is too busy: it may go better the next time."""
    OTHER = auto()


_CODES = {
    Fault.NO_BUCKET: {"NoSuchBucket", "ContainerNotFound"},
    Fault.MISSING: {"NoSuchKey", "404", "BlobNotFound"},
    Fault.DENIED: {"AccessDenied", "403", "AllAccessDisabled", "AccountProblem", "AuthorizationFailure"},
    Fault.NO_CREDENTIALS: {
        *("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired"),
        *("InvalidSecurity", "AuthenticationFailed"),
    },
    Fault.BROKEN: {
        *(
            "SlowDown",
            "InternalError",
            "ServiceUnavailable",
            "RequestTimeout",
            "OperationAborted",
            "RequestLimitExceeded",
        ),
        *("Throttling", "ThrottlingException", "BandwidthLimitExceeded", "PriorRequestNotComplete", "ServerBusy"),
        # Of a body that came cut or garbled; and of an upload whose answer was lost, so that it was ended twice.
        *("IncompleteBody", "BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "NoSuchUpload"),
    },
}
# Classes of drivers that need not be installed.
_NAMES = {
    Fault.CHANGED: {"FileExpired"},
    Fault.NO_CREDENTIALS: {
        *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound"),
        *(
            "NoAuthTokenError",
            "TokenRetrievalError",
            "SSOError",
            "DefaultCredentialsError",
            "ClientAuthenticationError",
        ),
    },
    Fault.BROKEN: {
        *(
            "HTTPClientError",
            "ConnectionError",
            "ClientPayloadError",
            "ClientConnectionError",
            "ClientOSError",
            "ServerTimeoutError",
        ),
        *("ResponseParserError", "ResponseStreamingError", "IncompleteRead", "FSTimeoutError", "ServiceRequestError"),
    },
}
_TYPES: dict[Fault, tuple[type[BaseException], ...]] = {
    Fault.MISSING: (FileNotFoundError,),
    Fault.DENIED: (PermissionError,),
    Fault.BROKEN: (ConnectionError, TimeoutError),
}
_NUMBERS = {errno.EIO, errno.EBUSY, getattr(errno, "EREMOTEIO", errno.EIO), errno.ENETUNREACH, errno.EHOSTUNREACH}

_gave_up = False


def is_url(path: str) -> bool:
    """Whether a path is a URL."""
    return "://" in path


def shown(url: str) -> str:
    """A URL as messages name it: without user, password and query."""
    scheme, _, host, path, _ = _split(url)
    return f"{scheme}://{host}{path}"


def check_url(path: str | None) -> None:
    """Refuse a URL that carries credentials; any other path or URL passes.

    Raises
    ------
    SpecError
        It has a password in it, or a query that signs it.
    """
    if path is None or not is_url(path):
        return
    for link in path.split("::"):
        scheme, user, host, _, query = _split(link)
        # A slash within a secret cuts off the user information there; the rest looks like a port.
        _, colon, port = host.partition(":")
        irregular = bool(colon) and not port.isdigit() and not host.startswith("[")
        named = ":" in user or (bool(user) and scheme in {"s3", "s3a", "gs", "gcs"})
        signed = any(_SIGNED.search(name) for name, _ in parse_qsl(query, keep_blank_values=True))
        if named or irregular or signed:
            raise SpecError(
                f"a URL of {scheme}:// carries credentials",
                need="a URL without user, password or signature: it is written to manifests",
                fix=CREDENTIALS,
            )


def _split(url: str) -> tuple[str, str, str, str, str]:
    """Scheme, user, host, path and query; of names too that are no hosts, such as buckets."""
    scheme, _, rest = url.partition("://")
    rest, _, query = rest.partition("?")
    host, slash, path = rest.partition("/")
    user, _, host = host.rpartition("@")
    return scheme, user, host, slash + path, query


def open_system(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL, and the path in it.

    Raises
    ------
    SpecError
        The URL carries credentials, its protocol is unknown, or its driver is not installed.
    """
    check_url(url)
    import fsspec

    scheme = url.partition("://")[0]
    # What another process wrote a moment ago must be seen.
    options = {"use_listings_cache": False} if scheme in _OBJECT_STORES else {}
    try:
        fsspec.get_filesystem_class(scheme.partition("::")[0])
        system, path = fsspec.core.url_to_fs(url, **options)
    except ImportError:
        package = _PACKAGES.get(scheme)
        raise SpecError(
            f"{shown(url)}: cannot open {scheme}:// URLs, a package for them is not installed",
            fix=f"pip install {package}" if package else "install the package that fsspec needs for it",
        ) from None
    except ValueError as error:
        raise SpecError(
            f"{shown(url)}: cannot open {scheme}:// URLs ({type(error).__name__})",
            need="a protocol that fsspec knows, and what its driver needs in the environment",
            fix="correct the protocol, or the driver's settings",
        ) from None
    if scheme in {"s3", "s3a"}:
        system.retries = 1  # its own layer between the client's tries and those of `steady`
    return system, path


def is_object_store(system: Any) -> bool:
    """Whether folders are but beginnings of names, and a file cannot be renamed."""
    protocols = {system.protocol} if isinstance(system.protocol, str) else set(system.protocol)
    return bool(protocols & _OBJECT_STORES)


def has_key(url: str) -> bool:
    """Whether a URL of an object store names more than a bucket."""
    scheme, _, path = url.partition("://")
    return scheme not in _OBJECT_STORES or "/" in path.strip("/")


def fault_of(error: BaseException) -> Fault:
    """Why an operation failed, by what a driver raised."""
    status = 0
    for one in _chain(error):
        code, found = _said(one)
        status = status or found
        for fault, codes in _CODES.items():
            if code in codes:
                return fault
    if status >= 500 and status != 501:
        return Fault.BROKEN
    for one in _chain(error):
        names = {kind.__name__ for kind in type(one).__mro__}
        for fault, known in _NAMES.items():
            if names & known:
                return fault
    for fault, types in _TYPES.items():
        if isinstance(error, types):
            return fault
    return Fault.BROKEN if isinstance(error, OSError) and error.errno in _NUMBERS else Fault.OTHER


def word_for(error: BaseException) -> str:
    """A word for a failure: the store's code for it, else its type. Never the store's text, which may name a key."""
    for one in _chain(error):
        code, status = _said(one)
        if _CODE.fullmatch(code):
            return code
        if status:
            return f"status {status}"
    return type(error).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__


def _said(error: BaseException) -> tuple[str, int]:
    """A store's code and HTTP status, as far as its driver passes them on."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        code = str(response.get("Error", {}).get("Code", ""))
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    else:
        code = str(getattr(error, "error_code", "") or "")
        status = getattr(error, "status", None) or getattr(error, "status_code", None) or getattr(error, "code", 0)
    return code, status if isinstance(status, int) else 0


def steady(call: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """Call something that may be done twice; again, after a growing pause, if the connection broke.

    After `TRIES` tries, or when `PATIENCE` is over, the last error is raised. From then on the process tries less often
    until a call succeeds: who waits for the end of a run whose store is not there need not wait for each call.
    """
    global _gave_up  # noqa: PLW0603 (of the process, as its connection)
    begun = time.monotonic()
    for attempt in range(TRIES):
        try:
            made = call(*args, **options)
        except Exception as error:
            if fault_of(error) is not Fault.BROKEN:
                raise
            tries = FEWER_TRIES if _gave_up else TRIES
            if attempt + 1 >= tries or time.monotonic() - begun > PATIENCE:
                _gave_up = True
                raise
        else:
            _gave_up = False
            return made
        time.sleep(PAUSE * 2**attempt * (1 - secrets.randbelow(500) / 1000))
    raise AssertionError("the last try returns or raises")


def open_file(system: Any, path: str, wrong: Callable[[Exception], Exception]) -> IO[bytes]:
    """A file to read at any offset; a read that breaks is tried again.

    Parameters
    ----------
    system, path
        As `open_system` gives them.
    wrong
        Makes the error to raise of one that a driver raised.
    """
    try:
        if not is_object_store(system):
            return io.BufferedReader(_File(system.open(path, "rb"), wrong, again=False))
        # Readers ask for exact ranges; what the driver would read ahead of each is mostly thrown away.
        file = _File(steady(system.open, path, "rb", cache_type="none"), wrong, again=True)
        return io.BytesIO(file.readall()) if file.size <= AHEAD else io.BufferedReader(file, AHEAD)
    except ReplicantError:
        raise
    except Exception as error:
        raise wrong(error) from None


class _File(io.RawIOBase):
    """A driver's file whose errors are ours."""

    def __init__(self, file: Any, wrong: Callable[[Exception], Exception], *, again: bool) -> None:
        super().__init__()
        self._file = file
        self._wrong = wrong
        self._again = again

    @property
    def size(self) -> int:
        """In bytes."""
        return int(self._file.size)

    def _range(self, start: int, length: int) -> bytes:
        if self._file.tell() != start:
            self._file.seek(start)
        content: bytes = self._file.read(length)
        return content

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._file.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        try:
            at, length = self._file.tell(), len(buffer)
            content = steady(self._range, at, length) if self._again else self._range(at, length)
        except Exception as error:
            raise self._wrong(error) from None
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
