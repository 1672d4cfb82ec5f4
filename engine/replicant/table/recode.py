"""Columns made from raw ones: `source` says which, `labels` turn raw values into labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError, nearest
from replicant.events import Event
from replicant.table.codebook import Code, ColumnSpec, Label
from replicant.table.dtypes import ColumnType
from replicant.table.factor import Factor, Nature
from replicant.table.kinds import Kind

__all__ = ["Recoding", "check_labels", "dropped", "listed", "plan_columns", "recoding", "relabel"]


def plan_columns(
    names: list[str], specs: Mapping[str, ColumnSpec], drop: Collection[str] = ()
) -> list[tuple[str, str]]:
    """Columns of the table and the raw column each is made from, in order.

    A column made from another stands where that one stood. A raw column that is only a source, and of which the
    codebook says nothing under its own name, gives way to what is made from it. Those in `drop` are left out.

    Raises
    ------
    SpecError
        The codebook names a column that is neither in the data nor made from one that is, or `drop` one that is not
        there.
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
    return _without(out, drop) if drop else out


def _without(columns: list[tuple[str, str]], drop: Collection[str]) -> list[tuple[str, str]]:
    names = [name for name, _ in columns]
    unknown = [name for name in drop if name not in names]
    if unknown:
        raise SpecError(
            f"drop names {unknown[0]!r}, which is not a column{nearest(unknown[0], names)}",
            need=f"some of the {len(names)} columns of the table",
            fix="correct the name, or take it out",
        )
    left = [(name, source) for name, source in columns if name not in set(drop)]
    if not left:
        raise SpecError("drop names every column", need="at least one column to synthesize", fix="keep some")
    return left


def dropped(drop: Collection[str]) -> tuple[Event, ...]:
    """What is said of columns that are left out."""
    return tuple(Event("dropped_column", name, "left out of the table, as asked") for name in drop)


@dataclass(frozen=True, slots=True)
class Recoding:
    """What the raw values of a column become.

    Attributes
    ----------
    labels
        Raw value to label; coded missing values are among them.
    levels
        The labels in their order, each once, without those of coded missing values.
    missing
        Coded missing values as declared, with their labels, which differ from all other labels.
    """

    labels: Mapping[Any, Any]
    levels: list[Any]
    missing: Mapping[Code, Any]


def recoding(spec: ColumnSpec) -> Recoding | None:
    """What a column's labels say; None where they replace no value.

    Labels of coded missing values alone say what these mean, and replace nothing.
    """
    said, codes = spec.labels or {}, spec.missing_codes
    # A code may be given as it is in the raw column, or by its label; manifests have both, and name the second.
    by_label = {code for code in codes if said.get(code, code) == code and code in said.values()}
    labels = {raw: label for raw, label in said.items() if raw not in codes and label not in by_label}
    if not labels:
        return None
    numeric = spec.kind is not None and spec.kind.is_numeric
    missing = dict(zip(codes, codes, strict=True)) if numeric else _shown(spec, labels, by_label)
    known: dict[Any, Any] = {str(code): label for code, label in missing.items()} | said | missing
    given = list(dict.fromkeys(labels.values())) if spec.levels is None else spec.levels
    by_raw = said.keys() | set(codes)
    if by_raw.issuperset(given) and not set(labels.values()).issuperset(given):  # levels by their raw values
        given = list(dict.fromkeys(labels.get(level, level) for level in given))
    levels = [level for level in given if level not in codes and level not in missing.values()]
    return Recoding(known, levels, missing)


def relabel(name: str, factor: Factor, spec: ColumnSpec) -> tuple[Factor, ColumnSpec]:
    """The column with its raw values replaced by their labels, and what then holds of it.

    For a categorical kind it becomes a pandas categorical whose categories are the levels: `levels` if given, otherwise
    the labels in the order in which they are listed. Coded missing values follow them, each by its label, by what
    `missing_codes` says of it, or as it is. For a numeric kind the labels must be numbers.

    Raises
    ------
    DataError
        Some raw values have no label.
    SpecError
        `levels` lacks a label; or a numeric kind was declared and the labels are not numbers.
    """
    found = recoding(spec)
    if found is None:
        return factor, spec.model_copy(update={"labels": None})
    raw = factor.uniques.tolist()
    occurs = factor.counts
    # Unused categories need no label.
    without = [position for position, value in enumerate(raw) if value not in found.labels and occurs[position]]
    if without:
        raise _unlabelled(name, raw, without, int(occurs[without].sum()), spec.labels or {})
    texts: list[Any] = [found.labels.get(value) for value in raw]
    if spec.kind is not None and spec.kind.is_numeric:
        return _numeric(name, factor, texts), spec
    made = _categorical(name, factor, spec, texts, found)
    known = {"missing_codes": list(found.missing.values())}
    return made, spec.model_copy(update=known | ({} if spec.levels is None else {"levels": found.levels}))


def check_labels(name: str, spec: ColumnSpec, counts: Mapping[Any, int]) -> None:
    """Refuse labels of values that do not occur, unless their levels are listed: a slip of the pen looks like that.

    Parameters
    ----------
    name
        Of the column.
    spec
        What the user says of it.
    counts
        Cells by level.

    Raises
    ------
    DataError
        There are such labels.
    """
    if not spec.labels or spec.levels is not None:
        return
    unused = sum(count == 0 for count in counts.values())
    if unused:
        raise DataError(
            f"columns.{name}.labels: {unused} of the {len(counts)} labels are of values that do not occur",
            need="labels of values that are in the data",
            fix=f"correct or remove them; list all labels under columns.{name}.levels to keep levels that nobody has",
        )


def listed(spec: ColumnSpec) -> ColumnSpec:
    """The same with the levels from its labels: for a partition of a table, in which not all of them need occur."""
    found = None if spec.levels is not None else recoding(spec)
    if found is None or (spec.kind is not None and spec.kind.is_numeric):
        return spec
    return spec.model_copy(update={"levels": found.levels})


def _shown(spec: ColumnSpec, labels: Mapping[Label, Label], by_label: Collection[Code]) -> dict[Code, Label]:
    """The label of each coded missing value of a categorical column, distinct from all others."""
    texts = any(isinstance(label, str) for label in labels.values())
    taken: set[Label] = set(labels.values())
    out: dict[Code, Label] = {}
    for code in spec.missing_codes:
        plain = code if code in by_label or not texts else str(code)
        label = (spec.labels or {}).get(code, spec.missing_labels.get(code, plain))
        if label in taken:
            label = f"{label} ({code})"
        taken.add(label)
        out[code] = label
    return out


def _categorical(name: str, factor: Factor, spec: ColumnSpec, texts: list[Any], found: Recoding) -> Factor:
    known = {*found.levels, *found.missing.values()}
    lacking = {label for label in found.labels.values() if label not in known}
    if lacking:
        raise SpecError(
            f"columns.{name}.levels lacks {len(lacking)} of the labels",
            need="every label, or every raw value that has one, once",
            fix=f"list them all under columns.{name}.levels, or leave levels out: the order of labels holds",
        )
    index = {level: at for at, level in enumerate([*found.levels, *found.missing.values()])}
    dtype = pd.CategoricalDtype(list(index), ordered=spec.kind is Kind.ORDERED)
    return Factor(
        _mapped(factor, [index.get(text, -1) for text in texts]),
        dtype.categories,
        Nature.CATEGORY,
        ColumnType(dtype),
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


def _mapped(factor: Factor, positions: list[int]) -> Any:
    return np.array([*positions, -1], dtype=np.int32).take(factor.codes)


def _unlabelled(name: str, raw: list[Any], without: list[int], cells: int, labels: Mapping[Label, Label]) -> DataError:
    keys, found = {_spoken(key) for key in labels}, {_spoken(raw[position]) for position in without}
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
