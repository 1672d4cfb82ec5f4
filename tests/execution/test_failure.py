"""Whatever goes wrong in a step arrives as an error of ours, without a cell in its text."""

from __future__ import annotations

import errno
import io
import pickle

import pytest

from replicant.errors import DataError, ReplicantError, RunError
from replicant.execution.failure import Failure, describe, guarded, raised_at

CANARY = "canary-4711"


def caught(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as one:
        return one


def test_our_own_errors_pass_as_they_are() -> None:
    error = DataError("found", need="needed", fix="fix")
    assert describe(error, "fit-a") is error


@pytest.mark.parametrize("kind", [ValueError, KeyError, TypeError, RuntimeError, UnicodeError])
def test_the_text_of_others_is_withheld(kind: type[Exception]) -> None:
    told = describe(caught(kind(CANARY)), "fit-a")
    assert isinstance(told, ReplicantError)
    assert kind.__name__ in str(told)
    assert "fit-a" in str(told)
    assert CANARY not in str(told)


def test_the_operating_systems_words_are_kept_without_names() -> None:
    told = str(describe(OSError(errno.EIO, "Input/output error", CANARY), "load"))
    assert "Input/output error" in told
    assert CANARY not in told


def test_memory() -> None:
    assert "out of memory" in str(describe(MemoryError(CANARY), "fit-a"))


def test_a_place_is_a_line_of_ours() -> None:
    from replicant.errors import nearest

    with pytest.raises(TypeError) as caught:
        nearest(CANARY, 5)  # type: ignore[arg-type]
    assert raised_at(caught.value).startswith("errors.py:")
    assert "errors.py:" in str(describe(caught.value, "x"))
    assert raised_at(ValueError()) == ""


def test_failures_travel() -> None:
    stream = io.BytesIO(pickle.dumps(Failure(RunError("found", fix="fix"))))
    back = pickle.load(stream)
    assert type(back.error) is RunError
    assert (back.error.found, back.error.fix) == ("found", "fix")


@pytest.mark.parametrize("signal", [KeyboardInterrupt(), SystemExit(143)], ids=repr)
def test_a_signal_within_compiled_code_is_no_defect(signal: BaseException) -> None:
    """CPython makes a SystemError of what is raised while compiled code returns a result."""

    def kernel() -> None:
        try:
            raise SystemError("returned a result with an exception set") from signal
        except SystemError as error:
            raise SystemError("returned a result with an exception set") from error

    with pytest.raises(type(signal)) as raised:
        guarded("fit-a", kernel)
    assert raised.value is signal


def test_a_system_error_without_a_signal_is_one() -> None:
    def kernel() -> None:
        raise SystemError(CANARY) from ValueError(CANARY)

    with pytest.raises(RunError, match="unexpected SystemError") as raised:
        guarded("fit-a", kernel)
    assert CANARY not in str(raised.value)
