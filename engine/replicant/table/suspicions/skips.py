"""Skip patterns: a column that is missing when another says so, always or nearly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from replicant.table.column import Column
from replicant.table.infer import numbers_in_text
from replicant.table.kinds import Kind
from replicant.table.suspicions.by_design import Design, by_design
from replicant.table.suspicions.forms import quoted
from replicant.table.suspicions.model import Suspicion, coded
from replicant.table.table import Table

__all__ = ["skip_suspicions"]

_FEW = 30
_SHOWN = 6

Mask = npt.NDArray[np.bool_]


def skip_suspicions(table: Table, codes: Sequence[Suspicion] = ()) -> list[Suspicion]:
    """Columns whose missing cells follow from another column, `codes` being what is suspected of codes of missing."""
    found, masks = [], {column.name: _missing(column, codes) for column in table.columns}
    seen: dict[bytes, str] = {}
    designs: dict[bytes, Design | None] = {}
    for column in table.columns:
        mask = masks[column.name]
        share = float(mask.mean())
        if not 0.005 < share < 0.995:
            continue
        mark = np.packbits(mask).tobytes()
        if mark in seen:
            text = f"missing exactly where {seen[mark]} is"
        else:
            seen[mark] = column.name
            text = next((t for other in table.columns if (t := _follows(column, mask, other, masks[other.name]))), "")
            designs[mark] = by_design(column.name, mask, table.columns, masks)
        design = designs[mark]
        if text:
            text = f"{text}: a skip pattern; trees keep it"
        elif design is not None:
            text = f"{design.shares}: not applicable there, it seems"
        if text:
            found.append(_suspicion(column.name, text, design))
    return found


def _suspicion(name: str, text: str, design: Design | None) -> Suspicion:
    """What is suspected, and how an imputation is to leave these cells missing."""
    if design is None:
        return Suspicion(name, "skip", text, sure=False)
    text += f"; an imputation keeps it by missing: {{{_name(name)}: {{when: {_in_yaml(design.when)}, as: keep}}}}"
    settings: dict[str, object] = {f"imputation.missing.{name}": {"when": design.when, "as": "keep"}}
    rules = [f"if {design.when}: {quoted(name)} is missing"] if design.inside == 1 else []
    if design.outside == 0:
        rules.append(f"if not ({design.when}): {quoted(name)} is not missing")
    if rules:
        settings["synthesis.rules"] = rules
    return Suspicion(name, "skip", text, settings=settings, sure=False)


def _name(name: str) -> str:
    return name if name.replace(" ", "_").isidentifier() else _in_yaml(name)


def _in_yaml(text: str) -> str:
    return f'"{text}"' if '"' not in text else "'" + text.replace("'", "''") + "'"


def _missing(column: Column, codes: Sequence[Suspicion]) -> Mask:
    """Missing cells; a code or a word among numbers is one too."""
    mask: Mask = column.codes < 0
    if column.is_numeric:
        mask = mask | ((column.codes >= 0) & coded(column, codes)[np.maximum(column.codes, 0)])
    if column.kind is Kind.NOMINAL and column.why == "text" and column.size > 2:
        numbers = numbers_in_text(np.array([str(text) for text in column.originals], dtype=object))
        words = np.flatnonzero(np.isnan(numbers))
        if 0 < len(words) <= 3 and len(words) < column.size - 1:
            mask = mask | np.isin(column.codes, words)
    return mask


def _follows(column: Column, mask: Mask, other: Column, missing: Mask) -> str:
    if other.name == column.name or other.size < 2 or other.kind in (Kind.IDENTIFIER, Kind.DATE):
        return ""
    if other.size <= _FEW:
        state = np.where(missing, other.size, np.maximum(other.codes, 0))
        total = np.bincount(state, minlength=other.size + 1)
        gone = np.bincount(state, mask, minlength=other.size + 1)
        exact = ((gone == 0) | (gone == total)).all()
        off = np.flatnonzero((gone == total) & (total > 0))
        on = np.flatnonzero((gone == 0) & (total > 0))
        if not exact or not len(off) or not len(on) or (len(on) == 1 and on[0] == other.size):
            return ""
        names = ["missing" if i == other.size else str(other.originals[i]) for i in off]
        if len(names) <= _SHOWN:
            return f"missing exactly when {other.name} is {' or '.join(names)}"
        rest = [str(other.originals[i]) for i in on if i < other.size]
        return f"missing exactly when {other.name} is not {' or '.join(rest)}" if len(rest) <= _SHOWN else ""
    if not other.is_numeric or missing.any():
        return ""
    codes = other.codes
    if codes[mask].max() < codes[~mask].min():
        return f"missing exactly in the rows of the lowest {other.name}"
    return f"missing exactly in the rows of the highest {other.name}" if codes[mask].min() > codes[~mask].max() else ""
