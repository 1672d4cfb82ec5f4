"""Columns made from raw ones: `source` says which, `labels` turn raw values into labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError, nearest
from replicant.table.codebook import ColumnSpec, Label
from replicant.table.dtypes import ColumnType
from replicant.table.factor import Factor, Nature
from replicant.table.kinds import Kind

__all__ = ["plan_columns", "relabel"]


def plan_columns(names: list[str], specs: Mapping[str, ColumnSpec]) -> list[tuple[str, str]]:
    """Columns of the table and the raw column each is made from, in order.

    A column made from another stands where that one stood. A raw column that is only a source, and of which the
    codebook says nothing under its own name, gives way to what is made from it.

    Raises
    ------
    SpecError
        The codebook names a column that is neither in the data nor made from one that is.
    """
    known = set(names)
    made: dict[str, list[str]] = {}
    for name, spec in specs.items():
        source = spec.source or name
        if source not in known:
            where = f"columns.{name}.source names" if spec.source else "the codebook names"
            raise SpecError(
                f"{where} a column {source!r} that the data do not have{nearest(source, names)}",
                need=f"one of the {len(names)} columns of the data",
                fix="correct the name, or give `source`, the raw column it is made from",
            )
        if source != name:
            if name in known:
                raise SpecError(
                    f"columns.{name} is made from {source!r}, but the data have a column {name!r} too",
                    fix="give the new column another name, or leave the old one out",
                )
            made.setdefault(source, []).append(name)
    out: list[tuple[str, str]] = []
    for name in names:
        if name in specs or name not in made:
            out.append((name, name))
        out.extend((new, name) for new in made.get(name, ()))
    return out


def relabel(name: str, factor: Factor, spec: ColumnSpec) -> Factor:
    """The column with its raw values replaced by their labels.

    For a categorical kind it becomes a pandas categorical whose categories are the levels: `levels` if given, otherwise
    the labels in the order in which they are listed. For a numeric kind the labels must be numbers.

    Raises
    ------
    DataError
        Some raw values have no label.
    SpecError
        `levels` lacks a label; or a numeric kind was declared and the labels are not numbers.
    """
    labels = spec.labels or {}
    numeric = spec.kind is not None and spec.kind.is_numeric
    if numeric:
        labels = {**{code: code for code in spec.missing_codes}, **labels}
    raw = factor.uniques.tolist()
    occurs = np.bincount(factor.codes + 1, minlength=len(raw) + 1)[1:]
    # Unused categories need no label.
    without = [place for place, value in enumerate(raw) if value not in labels and occurs[place]]
    if without:
        raise _unlabelled(name, raw, without, int(occurs[without].sum()), labels)
    texts: list[Any] = [labels.get(value) for value in raw]
    return _numeric(name, factor, texts) if numeric else _categorical(name, factor, spec, texts, labels)


def _categorical(
    name: str, factor: Factor, spec: ColumnSpec, texts: list[Any], labels: Mapping[Label, Label]
) -> Factor:
    levels = list(dict.fromkeys(labels.values())) if spec.levels is None else spec.levels
    place = {level: at for at, level in enumerate(levels)}
    lacking = {label for label in labels.values() if label not in place}
    if lacking:
        raise SpecError(
            f"columns.{name}.levels lacks {len(lacking)} of the labels", fix=f"list every label of {name!r} once"
        )
    dtype = pd.CategoricalDtype(levels, ordered=spec.kind is Kind.ORDERED)
    return Factor(
        _mapped(factor, [place.get(text, -1) for text in texts]), dtype.categories, Nature.CATEGORY, ColumnType(dtype)
    )


def _numeric(name: str, factor: Factor, texts: list[Any]) -> Factor:
    wrong = sum(not isinstance(text, (int, float)) for text in texts if text is not None)
    if wrong:
        raise SpecError(
            f"columns.{name} is declared numeric, but {wrong} of its labels are not numbers",
            fix=f"give numbers as labels, or declare {name!r} ordered or nominal",
        )
    uniques = np.array(sorted({float(text) for text in texts if text is not None}))
    codes = _mapped(factor, [-1 if text is None else int(np.searchsorted(uniques, text)) for text in texts])
    if (np.rint(uniques) == uniques).all() and len(codes) and codes.min() >= 0:
        uniques = uniques.astype(np.int64)
    return Factor(codes, uniques, Nature.NUMBER, ColumnType(uniques.dtype))


def _mapped(factor: Factor, places: list[int]) -> Any:
    return np.array([*places, -1], dtype=np.int32).take(factor.codes)


def _unlabelled(name: str, raw: list[Any], without: list[int], cells: int, labels: Mapping[Label, Label]) -> DataError:
    keys, found = {_spoken(key) for key in labels}, {_spoken(raw[place]) for place in without}
    fix = f"add them under columns.{name}.labels"
    if not keys & found:
        fix = f"the keys of labels are {_listed(keys)}, the values are {_listed(found)}: quote or unquote the keys"
    return DataError(
        f"column {name!r}: {len(without)} distinct values, in {cells} cells, have no label",
        need="a label for every raw value",
        fix=fix,
    )


def _spoken(value: Any) -> str:
    return "true/false" if isinstance(value, bool) else "numbers" if isinstance(value, (int, float)) else "text"


def _listed(words: set[str]) -> str:
    return " and ".join(sorted(words)) or "none"
