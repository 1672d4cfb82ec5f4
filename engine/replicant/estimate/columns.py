"""Columns of a frame as an estimator takes them: numbers, and what a formula computes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError, nearest
from replicant.spec.nodes import Apply, Compare, Logic, Name, Node, Number, Text
from replicant.spec.nodes import apply as apply_arithmetic
from replicant.table.arrays import Bools, Floats
from replicant.table.times import hours_of, is_times

__all__ = ["check_comparisons", "check_level", "column", "compared_with_values", "compute", "label_of", "numbers"]

SHOWN_LEVELS = 30
_ORDERING = frozenset({"<", "<=", ">", ">="})
_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def column(frame: pd.DataFrame, name: str) -> pd.Series:
    """A column by name."""
    try:
        return frame[name]
    except KeyError:
        raise SpecError(
            f"the table has no such column{nearest(name, [str(c) for c in frame.columns])}",
            need="a column of the table",
        ) from None


def numbers(frame: pd.DataFrame, name: str) -> Floats:
    """(n,) numbers of a column, NaN missing; dates are days since 1970, times of day hours."""
    series = column(frame, name)
    dtype = series.dtype
    if dtype == np.float64:
        return np.asarray(series.to_numpy())
    if isinstance(dtype, np.dtype) and dtype.kind in "iufb":
        return series.to_numpy(dtype=np.float64)
    if isinstance(dtype, pd.DatetimeTZDtype) or (isinstance(dtype, np.dtype) and dtype.kind == "M"):
        plain = series.dt.tz_convert(None) if isinstance(dtype, pd.DatetimeTZDtype) else series
        days = plain.to_numpy(dtype="datetime64[us]")
        out = days.astype(np.float64) / 86_400e6
        out[np.isnat(days)] = np.nan
        return out
    if is_times(series):
        return hours_of(series)
    try:
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise SpecError(f"{name!r} is of type {dtype}, where numbers are needed", need="a column of numbers") from None


def label_of(value: Any) -> str:
    """A level as R prints it."""
    if isinstance(value, (bool, np.bool_)):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def compute(node: Node, frame: pd.DataFrame) -> tuple[Floats, Bools]:
    """What arithmetic or comparisons give for each row.

    Parameters
    ----------
    node
        As a formula has it. Comparisons give 1 and 0, with R's rules for what is missing: `FALSE & NA` is false.
    frame
        The rows.

    Returns
    -------
    tuple of (n,) arrays
        Numbers, not finite where there are none; and whether all that they are made of is there.
    """
    present = np.ones(len(frame), dtype=np.bool_)
    with np.errstate(all="ignore"):
        values = np.broadcast_to(np.asarray(_value(node, frame, present), dtype=np.float64), (len(frame),))
    return values, present


def _value(node: Node, frame: pd.DataFrame, present: Bools) -> Any:
    if isinstance(node, Number):
        return np.float64(node.value)
    if isinstance(node, Name):
        x = numbers(frame, node.name)
        present &= np.isfinite(x)
        return x
    if isinstance(node, Compare):
        return _compared(node, frame, present)
    if isinstance(node, Logic):
        parts = [np.asarray(_value(one, frame, present)) for one in node.arguments]
        unknown = [np.isnan(one) for one in parts]
        if node.operator == "not":
            return np.where(unknown[0], np.nan, (parts[0] == 0).astype(np.float64))
        ends = 0.0 if node.operator == "and" else 1.0  # what settles it, whatever the others are
        settled = np.any([~u & ((p != 0) == bool(ends)) for p, u in zip(parts, unknown, strict=True)], axis=0)
        return np.where(settled, ends, np.where(np.any(unknown, axis=0), np.nan, 1.0 - ends))
    assert isinstance(node, Apply)
    inner = {f"{i}": np.asarray(_value(one, frame, present)) for i, one in enumerate(node.arguments)}
    return apply_arithmetic(Apply(node.function, tuple(Name(key) for key in inner)), inner)


def _compared(node: Compare, frame: pd.DataFrame, present: Bools) -> Any:
    operator, left, right = _ordered(node)
    if isinstance(left, Name) and isinstance(right, Text | Number):
        series = column(frame, left.name)
        dtype = series.dtype
        if isinstance(dtype, pd.CategoricalDtype) and dtype.categories.dtype != bool:
            truth = np.append(_truth(dtype.categories, operator, _written(right)), np.nan)
            codes = series.cat.codes.to_numpy()
            present &= codes >= 0
            return truth[codes]
        if isinstance(right, Text) and not pd.api.types.is_datetime64_any_dtype(dtype):
            there = series.notna().to_numpy()
            present &= there
            same = (series == right.value).fillna(False).to_numpy(dtype=np.bool_)
            return np.where(there, (same if operator == "==" else ~same).astype(np.float64), np.nan)
    a, b = _value(left, frame, present), _days(right) if isinstance(right, Text) else _value(right, frame, present)
    return np.where(np.isnan(a) | np.isnan(b), np.nan, _OPERATORS[operator](a, b).astype(np.float64))


def _ordered(node: Compare) -> tuple[str, Node, Node]:
    """A comparison with the column on its left, if one operand is a text or a number."""
    if isinstance(node.left, Text | Number):
        return _MIRRORED.get(node.operator, node.operator), node.right, node.left
    return node.operator, node.left, node.right


def _truth(levels: pd.Index, operator: str, level: str) -> Floats:
    """For each level whether it compares so with one of them."""
    labels = [label_of(value) for value in levels.tolist()]
    at = labels.index(level) if level in labels else -1  # a partition may lack it
    return np.asarray(_OPERATORS[operator](np.arange(len(levels)), at), dtype=np.float64)


def _written(node: Text | Number) -> str:
    return node.value if isinstance(node, Text) else label_of(node.value)


def _days(text: Text) -> np.float64:
    return np.float64(np.datetime64(text.value, "us").astype(np.int64) / 86_400e6)


def compared_with_values(node: Node) -> set[str]:
    """Columns that stand beside a text or a number."""
    if isinstance(node, Compare):
        _, left, right = _ordered(node)
        if isinstance(left, Name) and isinstance(right, Text | Number):
            return {left.name}
        return compared_with_values(node.left) | compared_with_values(node.right)
    inner = node.arguments if isinstance(node, Apply | Logic) else ()
    return {name for one in inner for name in compared_with_values(one)}


def check_comparisons(label: str, node: Node, levels: Mapping[str, pd.Index | None], dtypes: Mapping[str, str]) -> None:
    """Refuse arithmetic with levels, and comparisons with what is none of them.

    Parameters
    ----------
    label
        Of the variable, for the message.
    node
        What is computed.
    levels
        Of each column; None of numbers.
    dtypes
        Of each column what order its values have: `ordered` or `nominal` levels, `boolean`, `number` or `date`.

    Raises
    ------
    SpecError
        With the levels that there are.
    """
    if isinstance(node, Compare):
        operator, left, right = _ordered(node)
        if isinstance(left, Name) and isinstance(right, Text | Number):
            _check_literal(label, operator, left.name, right, levels[left.name], dtypes[left.name])
            return
    inner: tuple[Node, ...] = ()
    if isinstance(node, Compare):
        inner = (node.left, node.right)
    elif isinstance(node, Apply | Logic):
        inner = node.arguments
    elif isinstance(node, Name) and dtypes[node.name] in {"ordered", "nominal"}:
        raise SpecError(
            f"{label} computes with {node.name!r}, a column of levels",
            need="columns of numbers",
            fix=f'compare it with a level: I({node.name} == "...")',
        )
    for one in inner:
        check_comparisons(label, one, levels, dtypes)


def _check_literal(
    label: str, operator: str, name: str, right: Text | Number, levels: pd.Index | None, kind: str
) -> None:
    if kind in {"ordered", "nominal"} and levels is not None:
        if operator in _ORDERING and kind == "nominal":
            raise SpecError(
                f"{label} asks which levels of {name!r} are larger, and they have no order",
                need="== or !=, or a column declared as ordered",
            )
        check_level(name, _written(right), levels)
    elif isinstance(right, Text) and kind == "date":
        try:
            np.datetime64(right.value, "us")
        except ValueError:
            raise SpecError(f"{label} compares {name!r} with a text that is not a date", need='"2020-12-31"') from None
    elif kind == "date":
        raise SpecError(f"{label} compares {name!r}, a date, with a number", need='a date in quotes: "2020-12-31"')
    elif isinstance(right, Text):
        raise SpecError(
            f"{label} compares {name!r} with a text, and it is a column of {kind}s",
            need="TRUE or FALSE" if kind == "boolean" else "a number without quotes",
            fix=f"if its numbers are codes, declare {name!r} as nominal in the codebook",
        )


def check_level(name: str, level: str, levels: pd.Index, *, public: bool = True) -> int:
    """The position of a level that a formula names.

    Parameters
    ----------
    name, level
        The column, and what is written.
    levels
        Its levels.
    public
        Whether they may be shown: levels of a type, not numbers that were found.

    Raises
    ------
    SpecError, DataError
        If it is none of them: of a type, or of the numbers that were found.
    """
    known = [label_of(value) for value in levels.tolist()]
    if level in known:
        return known.index(level)
    shown = ", ".join(known[:SHOWN_LEVELS]) + (f" and {len(known) - SHOWN_LEVELS} more" * (len(known) > SHOWN_LEVELS))
    said = f"{level[:60]!r} is not a level of {name!r}"
    if not public:  # what occurs is a matter of the data: one set may have it and another not
        raise DataError(said, need="a value that occurs in every set")
    raise SpecError(f"{said}{nearest(level, known)}", need=f"one of {shown}")
