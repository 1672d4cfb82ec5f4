"""The error tree.

Every error that a user can cause is a `ReplicantError`. Its text says what was found, what is needed and the fix. It
names columns, counts, types and positions, never a cell value. Errors pickle, so they reach the client from a
worker unchanged.

    ReplicantError           the root
      SpecError              the job, or an argument, asks for something impossible
        ExpressionError      an expression holds something outside the whitelist
      DataError              the table cannot be synthesized as it is
      ReleaseError           a release cannot be written, read or verified
        WithheldError        a release is finished, and the gate does not let it out
      RunError               a run stopped for another reason: a worker lost, memory exhausted
        PartialError         a run that can be resumed where it stopped
        UnexpectedError      an exception that is none of these: a defect of the engine, or of a user's own method

Each class has its exit code of the command line; `Exit` lists them.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from enum import IntEnum
from typing import Any

__all__ = [
    "DataError",
    "Exit",
    "ExpressionError",
    "PartialError",
    "ReleaseError",
    "ReplicantError",
    "RunError",
    "SpecError",
    "UnexpectedError",
    "WithheldError",
    "closest",
    "nearest",
    "some",
]


class Exit(IntEnum):
    """Exit codes of the command line. The numbers are stable: scripts and schedulers rely on them.

    Attributes
    ----------
    meaning
        A few words, as in `--help` and the documentation.
    """

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Exit:
        """A code with its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    DONE = 0, "done"
    FAILED = 1, "failed"
    SPEC = 2, "bad spec or usage"
    DATA = 3, "bad data"
    PARTIAL = 4, "stopped on the way, and can be resumed"
    WITHHELD = 5, "withheld by the gate"
    INTERRUPTED = 130, "interrupted"
    TERMINATED = 143, "terminated"


class ReplicantError(Exception):
    """Root of all errors that the engine raises on purpose.

    Parameters
    ----------
    found
        What was found, naming columns, counts and types, never a cell value.
    need
        What is needed instead.
    fix
        What the user can do about it.
    """

    exit_code = Exit.FAILED

    def __init__(self, found: str, *, need: str | None = None, fix: str | None = None) -> None:
        super().__init__(found)
        self.found = found
        self.need = need
        self.fix = fix

    def __str__(self) -> str:
        parts = [self.found]
        if self.need:
            parts.append(f"Needed: {self.need}")
        if self.fix:
            parts.append(f"Fix: {self.fix}")
        return "\n".join(parts)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.found, self.need, self.fix)


class SpecError(ReplicantError):
    """The job file or an argument is wrong."""

    exit_code = Exit.SPEC


class ExpressionError(SpecError):
    """An expression (passive, where) holds something outside the whitelist, or does not parse."""


class DataError(ReplicantError):
    """The data cannot be synthesized as they are."""

    exit_code = Exit.DATA


class ReleaseError(ReplicantError):
    """A release cannot be written, read or verified."""


class WithheldError(ReleaseError):
    """A release is finished, and the gate does not let it out."""

    exit_code = Exit.WITHHELD


class RunError(ReplicantError):
    """A run stopped for a reason that is neither the spec's nor the data's."""


class PartialError(RunError):
    """A run stopped before its end; finished work is kept, and it can be resumed."""

    exit_code = Exit.PARTIAL


class UnexpectedError(RunError):
    """An unforeseen exception; its text is withheld, because it may quote a cell."""


def _rebuild(kind: type[ReplicantError], found: str, need: str | None, fix: str | None) -> ReplicantError:
    return kind(found, need=need, fix=fix)


def nearest(word: str, known: Iterable[str]) -> str:
    """`", did you mean 'x'?"` for the nearest known word, or an empty string."""
    match = closest(word, known)
    return f", did you mean {str(match)!r}?" if match is not None else ""


def closest(word: str, known: Iterable[str]) -> str | None:
    """The nearest known word; one that differs in case or surrounding spaces only comes first."""
    folded: dict[str, str] = {}
    for one in known:
        folded.setdefault(one.casefold(), one)
    match = get_close_matches(word.strip().casefold(), folded, n=1, cutoff=0.5)
    return folded[match[0]] if match else None


def some(words: Iterable[str], most: int = 10) -> str:
    """Names as a list for a sentence: all of them, or the first ones and their total number."""
    known = [str(word) for word in words]
    shown = ", ".join(known[:most])
    return shown if len(known) <= most else f"{shown}, ... ({len(known)} in all)"
