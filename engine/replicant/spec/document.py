"""What all documents of a user share: every key is known, and plain words for numbers and lists of names."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

__all__ = ["Document", "Names", "Number", "Whole", "list_or_word"]


def _whole(value: object) -> object:
    """NumPy's integers and 5.0 are whole numbers; True and "5" are not."""
    if isinstance(value, bool):
        raise ValueError("a whole number is needed")
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real) and float(value).is_integer():
        return int(float(value))
    raise ValueError("a whole number is needed")


def _real(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError("a number is needed")
    return float(value)


def _names(value: object) -> object:
    """One name is a list of one; a tuple or an index is a list."""
    if isinstance(value, str):
        return [value]
    if value is not None and not isinstance(value, (dict, list)) and hasattr(value, "__iter__"):
        return list(value)
    return value


def list_or_word(value: object) -> object:
    """A word stays one; anything else is a list of names."""
    return value if isinstance(value, str) else _names(value)


Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, BeforeValidator(_real)]
Names = Annotated[list[str], BeforeValidator(_names)]


class Document(BaseModel):
    """A document, or a section of one: an unknown key is an error, and errors never quote what they found."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)
