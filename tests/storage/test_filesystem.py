"""What is tried again behind a URL, how often, and how a failure is named."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from replicant.storage import filesystem
from replicant.storage.filesystem import FEWER_TRIES, TRIES, Fault, fault_of, shown, steady, word_for


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that would have been made."""
    made: list[float] = []
    monkeypatch.setattr(filesystem.time, "sleep", made.append)
    monkeypatch.setattr(filesystem, "_gave_up", False)
    return made


def refused(code: str, status: int) -> Exception:
    """As s3fs raises it: the operating system's error, made by the client's."""
    answer = {"Error": {"Code": code, "Message": "secret"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = OSError(errno.EINVAL, "secret")
    error.__cause__ = ClientError(answer, "PutObject")  # type: ignore[arg-type]
    return error


def failing(error: Exception, times: float) -> tuple[Callable[[], str], Iterator[int]]:
    """A call that fails so often, and what counts its calls."""
    count = itertools.count()

    def call() -> str:
        if next(count) < times:
            raise error
        return "done"

    return call, count


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (refused("SlowDown", 503), Fault.BROKEN),
        (refused("InternalError", 500), Fault.BROKEN),
        (refused("NoSuchUpload", 404), Fault.BROKEN),
        (refused("SomethingNew", 502), Fault.BROKEN),
        (refused("NotImplemented", 501), Fault.OTHER),
        (refused("NoSuchBucket", 404), Fault.NO_BUCKET),
        (refused("NoSuchKey", 404), Fault.MISSING),
        (refused("AccessDenied", 403), Fault.DENIED),
        (refused("ExpiredToken", 400), Fault.NO_CREDENTIALS),
        (EndpointConnectionError(endpoint_url="http://x"), Fault.BROKEN),
        (ReadTimeoutError(endpoint_url="http://x"), Fault.BROKEN),
        (ConnectionResetError(), Fault.BROKEN),
        (OSError(errno.EIO, "secret"), Fault.BROKEN),
        (FileNotFoundError(), Fault.MISSING),
        (PermissionError(), Fault.DENIED),
        (FileExistsError(), Fault.OTHER),
        (ValueError("secret"), Fault.OTHER),
    ],
    ids=repr,
)
def test_faults(error: Exception, fault: Fault) -> None:
    assert fault_of(error) is fault
    assert "secret" not in word_for(error)


def test_the_word_for_a_failure_is_the_code_of_the_store() -> None:
    assert word_for(refused("SlowDown", 503)) == "SlowDown"
    assert word_for(refused("a key: secret", 503)) == "status 503"
    assert word_for(TimeoutError("secret")) == "TimeoutError"


@pytest.mark.parametrize("times", [0, 1, TRIES - 1])
def test_what_breaks_is_tried_again(times: int, pauses: list[float]) -> None:
    call, _ = failing(refused("SlowDown", 503), times)
    assert steady(call) == "done"
    bounds = [(filesystem.PAUSE * 2**i / 2, filesystem.PAUSE * 2**i) for i in range(times)]
    assert len(pauses) == times
    assert all(low <= pause <= high for pause, (low, high) in zip(pauses, bounds, strict=True))


def test_it_is_not_tried_for_ever_and_less_often_until_something_succeeds() -> None:
    for tries in (TRIES, FEWER_TRIES, FEWER_TRIES):
        call, count = failing(ConnectionResetError(), float("inf"))
        with pytest.raises(ConnectionResetError):
            steady(call)
        assert next(count) == tries
    assert steady(lambda: "done") == "done"
    call, _ = failing(ConnectionResetError(), TRIES - 1)
    assert steady(call) == "done"


@pytest.mark.parametrize("error", [PermissionError(), FileNotFoundError(), refused("AccessDenied", 403), ValueError()])
def test_a_refusal_is_not_tried_again(error: Exception, pauses: list[float]) -> None:
    call, count = failing(error, float("inf"))
    with pytest.raises(type(error)):
        steady(call)
    assert next(count) == 1
    assert pauses == []


def test_a_long_silence_ends_the_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(step=filesystem.PATIENCE + 1)
    monkeypatch.setattr(filesystem.time, "monotonic", lambda: next(clock))
    call, count = failing(TimeoutError(), float("inf"))
    with pytest.raises(TimeoutError):
        steady(call)
    assert next(count) == 1


def test_what_messages_call_a_url() -> None:
    assert shown("https://user:secret@example.org:8080/a/b.csv?token=secret") == "https://example.org:8080/a/b.csv"
    assert shown("s3://bucket/a@b:c/[1].csv") == "s3://bucket/a@b:c/[1].csv"
