"""The methods of columns, as a user names them: a word, or a word with options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from replicant.spec.document import Document

__all__ = ["MethodChoice", "Methods", "split_options"]


class MethodChoice(Document):
    """A method with options: `{name: pmm, donors: 10}`.

    Attributes
    ----------
    name
        Of the method; its options stand beside it.
    """

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    name: str


def _plain(value: object) -> object:
    return value


Methods: TypeAlias = Annotated[
    str | dict[str, str],
    BeforeValidator(_plain, json_schema_input_type=str | dict[str, str | MethodChoice]),
    Field(),
]
"""One method for all columns, or one by column; options are taken out of it by `split_options`."""


def split_options() -> Any:
    """A validator for a document with `method` and `options`: options that stand beside a name go to `options`."""

    def split(cls: type, document: object) -> object:
        if not isinstance(document, Mapping) or not isinstance(document.get("method"), Mapping):
            return document
        names: dict[Any, Any] = {}
        said = {} if document.get("options") is None else document["options"]
        options = dict(said) if isinstance(said, Mapping) else {}
        for column, choice in document["method"].items():
            if not isinstance(choice, Mapping):
                names[column] = choice
                continue
            given = dict(choice)
            if not isinstance(given.get("name"), str):
                raise ValueError(f"method.{column}: a method with options has a name: {{name: pmm, donors: 10}}")
            names[column] = given.pop("name")
            if column in options:
                raise ValueError(f"options.{column} and method.{column} both hold options: one of them is enough")
            if given:
                options[column] = given
        return {**document, "method": names, "options": options if isinstance(said, Mapping) else said}

    return model_validator(mode="before")(classmethod(split))  # type: ignore[arg-type]
