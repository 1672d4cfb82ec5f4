"""The sheet `codebook` of our own workbooks: what each column is, one line a column and one line a level or code.

| column | kind | label | decimals | value | meaning | missing |
"""

from __future__ import annotations

from typing import Any

from replicant.table.codebook import ColumnSpec, as_spec
from replicant.table.workbook.sheet import CODEBOOK

__all__ = ["HEADER", "codebook_of"]

HEADER = ("column", "kind", "label", "decimals", "value", "meaning", "missing")


def codebook_of(book: Any) -> dict[str, ColumnSpec]:
    """What the sheet says, by column; nothing where a workbook has no such sheet, or another of that name.

    Parameters
    ----------
    book
        As calamine opens it.

    Raises
    ------
    SpecError
        Somebody has changed it, and a column cannot be what it says.
    """
    if CODEBOOK not in book.sheet_names:
        return {}
    rows = book.get_sheet_by_name(CODEBOOK).to_python()
    if not rows or tuple(rows[0]) != HEADER:
        return {}
    columns: dict[str, dict[str, Any]] = {}
    for name, kind, label, decimals, cell, meaning, missing in rows[1:]:
        spec = columns.setdefault(str(name), {})
        if kind:
            spec |= {
                "kind": kind,
                "label": str(label) or None,
                "decimals": None if decimals == "" else _value(decimals),
            }
            continue
        value = _value(cell)
        if missing:
            spec.setdefault("missing_codes", {})[value] = str(meaning)
        else:
            spec.setdefault("levels", []).append(value)
    return {name: as_spec(name, _settled(spec)) for name, spec in columns.items()}


def _value(cell: Any) -> Any:
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


def _settled(spec: dict[str, Any]) -> dict[str, Any]:
    codes = spec.get("missing_codes")
    if codes is not None and not any(codes.values()):
        spec["missing_codes"] = list(codes)
    return {key: value for key, value in spec.items() if value is not None}
