"""A comparison of two releases as rows of figures, which text and page write in their own ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replicant.view.figures import brief, day, measured, number, probability, share, signed

__all__ = ["Row", "column_rows", "headline", "term_rows"]

_MOST_NAMED = 4


@dataclass(frozen=True)
class Row:
    """One figure of two releases, in words.

    Attributes
    ----------
    column
        Its column.
    what
        The measure: `mean`, `missing`, or a share of a level.
    a, b, difference, error, p
        Figures; empty where there are none.
    note
        New or vanished columns and levels, a changed type.
    differs
        Whether it counts as a difference.
    """

    column: str
    what: str
    a: str
    b: str
    difference: str
    error: str
    p: str
    note: str = ""
    differs: bool = False


def headline(found: Mapping[str, Any]) -> str:
    """What a comparison comes to, in a sentence."""
    whole, differing, columns = found["whole"], found["differing"], len(found["columns"])
    parts = []
    if whole is not None and whole["pmse_ratio"] is not None:
        parts.append(f"pMSE ratio {number(whole['pmse_ratio'], 2)}")
    elif whole is not None and whole["pmse"] is not None:
        parts.append(f"pMSE {brief(whole['pmse'])}")
    if whole is not None and whole["p_value"] is not None:
        parts.append(f"p {probability(whole['p_value'])}")
    which = f"{len(differing)} of {columns} columns differ{'s' if len(differing) == 1 else ''}: {_some(differing)}"
    parts.append(which if differing else f"none of {columns} columns differs")
    return "; ".join(parts)


def column_rows(found: Mapping[str, Any]) -> list[Row]:
    """A row for each column: of numbers the mean, of levels the share that differs most; p is adjusted."""
    rows = []
    for column in found["columns"]:
        terms = [term for term in found["terms"] if term["column"] == column["column"]]
        shown = [term for term in terms if term["measure"] != "missing"]
        # What differs may be the missing cells alone.
        most = max(shown or terms, key=_size, default=None)
        note, differs = _note(column), column["column"] in found["differing"]
        p = "" if column["p_adjusted"] is None else probability(column["p_adjusted"])
        if most is None:
            rows.append(Row(column["column"], "", "", "", "", "", p, note, differs))
            continue
        rows.append(Row(column["column"], *_figures(most, _kind(column)), p, note, differs))
    return rows


def term_rows(found: Mapping[str, Any]) -> list[Row]:
    """A row for each term, as it is; p is not adjusted."""
    kinds = {column["column"]: _kind(column) for column in found["columns"]}
    rows = []
    for term in found["terms"]:
        p = "" if term["p_value"] is None else probability(term["p_value"])
        rows.append(Row(term["column"], *_figures(term, kinds[term["column"]]), p))
    return rows


def _size(term: Mapping[str, Any]) -> float:
    return abs(term["difference"]) if term["difference"] is not None else -1.0


def _kind(column: Mapping[str, Any]) -> str:
    return "date" if column["kind_a"] == column["kind_b"] == "date" else "number"


def _figures(term: Mapping[str, Any], kind: str) -> tuple[str, str, str, str, str]:
    a, b, apart, error = (term[key] for key in ("a", "b", "difference", "std_error"))
    if a is None or b is None or apart is None:
        return term["level"] or term["measure"], "", "", "", ""
    if term["measure"] != "mean":
        what = f"share of {term['level']}" if term["measure"] == "share" else "missing"
        around = "" if error is None else f"{100 * error:.1f}"
        return what, share(a), share(b), f"{signed(100 * apart, 1)} pt", around
    if kind == "date":
        return "mean", day(a), day(b), f"{signed(apart, 0)} days", "" if error is None else number(error, 0)
    written, around = measured(apart, error)
    decimals = len(written.partition(".")[2])
    sign = "+" if apart > 0 and float(written.replace(",", "")) else ""
    return "mean", number(a, decimals), number(b, decimals), f"{sign}{written}", around


def _note(column: Mapping[str, Any]) -> str:
    if column["change"] in {"new", "vanished"}:
        return f"{column['change']} column"
    parts = []
    if column["change"] == "type":
        kinds = (column["kind_a"], column["kind_b"])
        parts.append(f"{kinds[0]}, now {kinds[1]}" if kinds[0] != kinds[1] else "stored as another type")
    for key, word in (("new_levels", "new"), ("vanished_levels", "vanished")):
        if column[key]:
            parts.append(f"{word}: {_some(column[key])}")
    return "; ".join(parts)


def _some(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
