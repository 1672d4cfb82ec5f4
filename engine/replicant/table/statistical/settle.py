"""Which kind a column of a statistical package is, with which levels and missing codes: what its file says of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from replicant.events import Event
from replicant.table.codebook import Code, ColumnSpec, Label
from replicant.table.kinds import Kind
from replicant.table.statistical.described import Described, Value

__all__ = ["missing_values", "plain", "settle"]

MOST_KINDS = 50
"""The largest number of values of a range that are kept as kinds of missing; with more, the range is numbers."""

_MOST_ORDERED = 20
"""Values without a label that a column declared ordinal may have and be levels."""

_SHOWN = 5
_WHOLE = 2**53
_MISSING_WORDS = re.compile(
    r"refus|do(n'?t|es not| not) (know|apply)|\bd\.?k\.?\b|no answer|not? (applicable|asked|stated|available|known)|"
    r"\binap|\bn\.?/?a\.?\b|missing|unknown|declined|skipp?ed",
    re.IGNORECASE,
)


def plain(value: Any) -> Any:
    """A value as Python writes it best: a whole number as int."""
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return int(number) if number.is_integer() and abs(number) <= _WHOLE else number
    return value.item() if isinstance(value, np.generic) else value


def missing_values(
    column: Described, values: Iterable[Value], said: ColumnSpec, events: list[Event]
) -> tuple[dict[Code, str], list[tuple[Value, Value]]]:
    """Codes of the kinds of missing that a file declares by ranges, with their labels.

    Parameters
    ----------
    column
        What the file says.
    values
        Distinct values of the column.
    said
        The user's declarations: their missing codes replace those of the file.
    events
        What should be known is added.

    Returns
    -------
    codes, emptied
        Ranges with too many values to be kept as kinds: their cells are missing, without a kind.
    """
    codes: dict[Code, str] = {}
    emptied: list[tuple[Value, Value]] = []
    if said.missing_codes:
        return codes, emptied
    values = list(values)
    for low, high in column.missing:
        inside = sorted(value for value in {*values, *column.labels} if _within(value, low, high))
        if low == high and not inside:
            inside = [low]
        if len(inside) > MOST_KINDS:
            emptied.append((low, high))
            inside = [value for value in inside if value in column.labels]
            events.append(
                Event(
                    "missing_range",
                    column.name,
                    f"its file declares a range missing in which more than {MOST_KINDS} values occur; those without a "
                    "label are read as missing without a code",
                )
            )
        codes.update({plain(value): column.labels.get(value, "").strip() for value in inside})
    return codes, emptied


def _within(value: Value, low: Value, high: Value) -> bool:
    if isinstance(value, str) or isinstance(low, str) or isinstance(high, str):
        return value == low
    return low <= value <= high


def settle(
    column: Described, values: Iterable[Value], codes: Mapping[Code, str], said: ColumnSpec, events: list[Event]
) -> dict[str, Any]:
    """What the labels of a column make of it: `kind`, and `labels` or `levels`; empty where they make nothing.

    Parameters
    ----------
    column
        What the file says.
    values
        Distinct values that occur, special missing values left out.
    codes
        Values that mean a kind of missing.
    said
        What the user declares.
    events
        What should be known is added.
    """
    labels = {value: text for value, text in column.labels.items() if plain(value) not in codes}
    values = [value for value in values if plain(value) not in codes]
    bare = [value for value in values if value not in labels]
    if column.lost:
        events.append(Event("labels_lost", column.name, "its file names labels for its values, but does not hold them"))
    if not labels:
        ordinal = column.measure == "ordinal" and said.kind is None and not column.text
        return {"kind": Kind.ORDERED} if ordinal and len(bare) <= _MOST_ORDERED else {}
    if _declared_otherwise(said, labels):
        return {}
    if said.kind is None and not _are_levels(column, labels, bare):
        _note(column, labels, events)
        return {}
    made = _levels(column, labels, bare, events)
    if said.levels is not None and "labels" in made:
        # A level that the user leaves out may go where its value does not occur.
        occurs = {plain(value) for value in values}
        made["labels"] = {raw: label for raw, label in made["labels"].items() if raw in occurs or label in said.levels}
    return made


def _declared_otherwise(said: ColumnSpec, labels: Mapping[Value, str]) -> bool:
    """Whether what the user says of a column leaves no use for the file's labels."""
    if said.labels is not None or (said.kind is not None and not said.kind.is_categorical):
        return True
    # Levels may be declared as the raw values instead of their labels.
    return said.levels is not None and not set(said.levels) & set(labels.values())


def _are_levels(column: Described, labels: Mapping[Value, str], bare: list[Value]) -> bool:
    """Whether the values with a label are levels, and not remarkable ones among many numbers."""
    if not bare:
        return True
    if column.text:
        return len(bare) <= len(labels)
    numbers = [float(value) for value in (*labels, *bare)]
    if not all(number.is_integer() for number in numbers):
        return False
    if column.measure == "ordinal":
        return len(bare) <= _MOST_ORDERED
    marked = [float(value) for value in labels]
    if max(marked) - min(marked) + 1 <= 2 * len(marked):
        return len(bare) <= len(labels)
    # Labels at the ends of a scale, or of a heap at 0 and a cap at 99, leave numbers between them.
    return len(labels) > 2 and 2 * len(bare) <= len(labels)


def _note(column: Described, labels: Mapping[Value, str], events: list[Event]) -> None:
    listed = "; ".join(f"{plain(value)}: {text}" for value, text in [*labels.items()][:_SHOWN])
    more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
    what = "text" if column.text else "numbers"
    count = "1 of its values has a label" if len(labels) == 1 else f"{len(labels)} of its values have labels"
    message = f"only {count} ({listed}{more}), so it is read as {what} without them"
    if any(_MISSING_WORDS.search(text) for text in labels.values()):
        message += "; if they mean a kind of missing, list them under missing_codes"
        events.append(Event("labelled_missing", column.name, message))
    else:
        events.append(Event("labels_left_out", column.name, message))


def _levels(column: Described, labels: Mapping[Value, str], bare: list[Value], events: list[Event]) -> dict[str, Any]:
    order = [*labels, *sorted(bare)] if column.text else sorted([*labels, *bare])
    kind = Kind.ORDERED if column.measure == "ordinal" else Kind.BINARY if len(order) == 2 else Kind.NOMINAL
    texts = {value: labels[value] if labels.get(value, "").strip() else str(plain(value)) for value in order}
    if all(text == str(plain(value)) for value, text in texts.items()):
        # The labels say nothing that the values do not.
        return {"kind": kind, "levels": [plain(value) for value in order]}
    truth = all(texts[value].lower() == {0: "false", 1: "true"}.get(plain(value)) for value in order)
    made: dict[Label, Label]
    made = {plain(value): bool(value) for value in order} if truth else _labels(column, texts, events)
    # Listed as levels too, since some may be labels of values that nobody has.
    return {"kind": kind, "labels": made, "levels": [*made.values()]}


def _labels(column: Described, texts: Mapping[Value, str], events: list[Event]) -> dict[Label, Label]:
    """Labels by value, made distinct where two values share one."""
    out: dict[Label, Label] = {}
    taken: set[str] = set()
    twice = 0
    for value, text in texts.items():
        label = text
        if label in taken:
            twice += 1
            label = f"{text} ({plain(value)})"
            while label in taken or label in texts.values():
                label += "'"
        taken.add(label)
        out[plain(value)] = label
    if twice:
        events.append(
            Event(
                "duplicate_label",
                column.name,
                f"{twice} of its {len(texts)} values have the label of another; they are kept apart, as levels with "
                "the value behind the label",
            )
        )
    return out
