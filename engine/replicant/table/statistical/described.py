"""What a file of a statistical package says of its columns, in the same words for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = ["Described", "Value", "described"]

Value: TypeAlias = float | str
"""A value with a label: a number, a text, or the letter of a special missing value."""


@dataclass(frozen=True, slots=True)
class Described:
    """What is said of one column.

    Attributes
    ----------
    name, label
        Its name, and what it is in words.
    package
        `SPSS`, `Stata` or `SAS`.
    text
        Whether its cells are texts.
    narrow
        Whether its numbers are stored in 32 bits.
    form
        The display format, such as `F8.2`.
    measure
        `nominal`, `ordinal`, `scale`, or empty where the file does not say.
    labels
        What values are called, special missing values among them.
    letters
        Labels of special missing values, by letter.
    missing
        Ranges of values that mean a kind of missing, both ends included.
    lost
        Whether it goes by a set of labels that the file does not hold.
    """

    name: str
    package: str
    text: bool
    label: str | None = None
    narrow: bool = False
    form: str | None = None
    measure: str = ""
    labels: Mapping[Value, str] = field(default_factory=dict)
    letters: Mapping[str, str] = field(default_factory=dict)
    missing: Sequence[tuple[Value, Value]] = ()
    lost: bool = False


def described(metadata: Any, package: str) -> dict[str, Described]:
    """The columns of a file by name, from what pyreadstat gives as its metadata."""
    out = {}
    for name, label in zip(metadata.column_names, metadata.column_labels, strict=True):
        stored = metadata.readstat_variable_types[name]
        text = stored == "string"
        known = metadata.variable_value_labels.get(name, {})
        # Among labels of numbers, a text is the letter of a special missing value.
        letters = {} if text else {value: said for value, said in known.items() if isinstance(value, str)}
        labels = {value: said for value, said in known.items() if text or not isinstance(value, str)}
        ranges = [(one["lo"], one["hi"]) for one in metadata.missing_ranges.get(name, ())]
        measure = metadata.variable_measure.get(name, "")
        out[name] = Described(
            name=name,
            package=package,
            text=text,
            label=label.strip() or None if label else None,
            narrow=stored == "float",
            form=metadata.original_variable_types[name],
            measure=measure if measure in {"nominal", "ordinal", "scale"} else "",
            labels=labels,
            letters=letters,
            missing=ranges,
            lost=not known and name in metadata.variable_to_label and package != "SAS",
        )
    return out
