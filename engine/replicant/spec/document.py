"""What all documents of a user share: every key is known, and plain words for numbers and lists of names."""

from __future__ import annotations

import inspect
import os
import re
from numbers import Integral, Real
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, GetJsonSchemaHandler

__all__ = ["Document", "Location", "Names", "Number", "Whole", "given", "list_or_word"]


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


def _expanded(path: str) -> str:
    """`~` is the user's home, as in a shell."""
    return os.path.expanduser(path) if path.startswith("~") else path


Location = Annotated[str, AfterValidator(_expanded)]
"""A path or a URL."""
Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, BeforeValidator(_real)]
Names = Annotated[list[str], BeforeValidator(_names, json_schema_input_type=str | list[str])]


class Document(BaseModel):
    """A document, or a section of one: an unknown key is an error, and errors never quote what they found.

    In its JSON Schema every key is described by the docstring's `Attributes`, and has its default.
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True, defer_build=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        made = handler(core_schema)
        schema = handler.resolve_ref_schema(made)
        schema["description"] = _described(cls)[0]
        described: dict[str, str] = {}
        for model in reversed(cls.__mro__):
            described |= _described(model)[1]
        fields = {info.alias or name: (name, info) for name, info in cls.model_fields.items()}
        for key, said in schema.get("properties", {}).items():
            name, info = fields[key]
            said.pop("title", None)
            if name in described:
                said["description"] = described[name]
            if info.default_factory in {list, dict}:
                said["default"] = info.default_factory()
            _bound(said)
        return made


def given(*names: str) -> dict[str, Any]:
    """For a model's `json_schema_extra`: these keys are there, and are not null."""
    return {"required": list(names), "properties": {name: {"not": {"type": "null"}} for name in names}}


_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def _bound(schema: dict[str, Any]) -> None:
    """Pydantic leaves bounds that stand behind a validator under its own names."""
    for name in schema.keys() & _BOUNDS.keys():
        schema[_BOUNDS[name]] = schema.pop(name)
    for branch in schema.get("anyOf", ()):
        _bound(branch)


_ENTRY = re.compile(r"^(\w+(?:, \w+)*)\n((?:    .*\n?|\n)+)", re.MULTILINE)


def _described(model: type) -> tuple[str, dict[str, str]]:
    """The first words of a model's docstring, and what its section `Attributes` says of each key."""
    text = inspect.cleandoc(model.__doc__ or "")
    summary, _, attributes = text.partition("\nAttributes\n----------\n")
    found: dict[str, str] = {}
    for match in _ENTRY.finditer(attributes):
        found |= dict.fromkeys(match[1].split(", "), " ".join(match[2].split()))
    return " ".join(summary.split("\n\n")[0].split()), found
