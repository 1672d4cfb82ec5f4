"""A comparison of two releases in HTML: what a page of its own and the index of a bulk show of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replicant.report.drift_rows import Row, column_rows, term_rows
from replicant.report.page import folded, table, unseen
from replicant.view.markup import escape

__all__ = ["comparison"]


def comparison(found: Mapping[str, Any], name: str) -> str:
    """A table of columns, and one of all terms that opens.

    Parameters
    ----------
    found
        From `Drift.as_dict`.
    name
        Its identifier on the page.
    """
    notes = "".join(f"<p>{escape(message)}</p>" for message in found["messages"])
    a, b = found["a"], found["b"]
    columns = _table(f"{name}-c", f"Columns of {a} and {b}; p is adjusted for all of them", found, column_rows(found))
    terms = _table(f"{name}-t", f"Means, shares and missing cells of {a} and {b}", found, term_rows(found))
    return f"{columns}{folded('All means, shares and missing cells', terms)}{notes}"


def _table(name: str, caption: str, found: Mapping[str, Any], rows: list[Row]) -> str:
    noted = any(row.note for row in rows)
    head = ["column", "measure", "difference", "p", found["a"], found["b"], *(["changed"] if noted else [])]
    top = "".join(f'<th scope="col">{escape(word)}</th>' for word in head)
    body = "".join(_row(row, noted) for row in rows)
    return table(name, caption, f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody>", "figures")


def _row(row: Row, noted: bool) -> str:
    sign = f'<b class="off"><span aria-hidden="true">●</span>{unseen("differs")}</b>' if row.differs else ""
    error = f" <small>±{escape(row.error)}</small>" if row.error else ""
    # What is to be read first stands first: a narrow screen shows no more.
    cells = [escape(row.what), f"{escape(row.difference)}{error}", escape(row.p), escape(row.a), escape(row.b)]
    cells += [escape(row.note)] if noted else []
    written = "".join(f"<td{' class=long' if len(cell) > 80 else ''}>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row">{sign}{escape(row.column)}</th>{written}</tr>'
