"""Cells of tables: a number with its error, and a sign where it is to be noticed. Templates write them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replicant.view.figures import measured, number, signed

__all__ = ["LIMIT", "Cell", "coverage", "distance", "in_words", "with_error"]

LIMIT = 3.0  # Monte-Carlo standard errors from a published number that are marked


@dataclass(frozen=True)
class Cell:
    """One cell; without a text there is no number.

    Attributes
    ----------
    text, error
        As written.
    sign, meaning
        A sign that says by its shape what its colour says, and the same for those who hear the page.
    aside
        What stands small behind the text.
    """

    text: str = ""
    error: str = ""
    sign: str = ""
    meaning: str = ""
    aside: str = ""


def with_error(value: float | None, error: float | None = None) -> Cell:
    """A number to the digits that its Monte-Carlo error makes meaningful."""
    return Cell() if value is None else Cell(*measured(value, error))


def coverage(value: float | None, error: float | None, level: float, replicates: float | None = None) -> Cell:
    """A coverage with its error, marked where it is off its level by more than two errors.

    Parameters
    ----------
    value, error
        The coverage; None where there is none.
    level
        What it should be.
    replicates
        Of a single interval: how many. Near one its own error is too small to go by, and at one it is none; then that
        of a perfect interval counts. None for a mean over intervals.
    """
    if value is None:
        return Cell()
    text, around = measured(value, error) if error else (number(value, 3), "")
    perfect = math.sqrt(level * (1 - level) / replicates) if replicates else 0.0
    beyond = 2 * max(error or 0.0, perfect)
    if not beyond or abs(value - level) <= beyond:
        return Cell(text, around)
    sign, word = ("▼", "below") if value < level else ("▲", "above")
    return Cell(text, around, sign, f"{word} {level:g}")


def distance(z: float | None) -> Cell:
    """A difference in standard errors, marked beyond three."""
    if z is None:
        return Cell()
    beyond = abs(z) > LIMIT
    return Cell(signed(z, 1), sign="●" if beyond else "", meaning=f"beyond {LIMIT:g}" if beyond else "")


def in_words(value: Any) -> str:
    """A setting in words."""
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {in_words(one)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(in_words, value))
    return value if isinstance(value, str) else json.dumps(value, default=str)
