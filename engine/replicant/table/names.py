"""Names of columns, and numbers of sets, as users give them."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

from replicant.errors import SpecError

__all__ = ["names_of", "set_number"]


def names_of(given: Any) -> tuple[str, ...]:
    """One name, names, or lists of names, as one tuple.

    Raises
    ------
    SpecError
        For something that is no name.
    """
    if isinstance(given, str):
        return (given,)
    found: list[str] = []
    for one in given:
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, Iterable) and not isinstance(one, bytes | dict):
            found += names_of(one)
        else:
            raise SpecError(
                f"the name of a column is a {type(one).__name__}",
                need="names as texts, or lists of them",
                fix='write the name in quotes: "age"',
            )
    return tuple(found)


def set_number(index: Any, m: int, fix: str) -> int:
    """The position of a set, from 0, for an index that may count from the end.

    Parameters
    ----------
    index
        What the user wrote in square brackets.
    m
        Number of sets.
    fix
        What to write instead of a name.

    Raises
    ------
    SpecError
        If it is not a number.
    IndexError
        If there is no such set.
    """
    try:
        position = operator.index(index)
    except TypeError:
        raise SpecError(
            f"the number of a set, in square brackets, is a {type(index).__name__}",
            need=f"a whole number from 0 to {m - 1}",
            fix=f"write [0] for the first one; {fix}",
        ) from None
    if not -m <= position < m:
        raise IndexError(f"there is no set {position}: there are {m} synthetic sets, counted from 0 to {m - 1}")
    return position % m
