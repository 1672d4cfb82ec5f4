"""Published figures beside those of a study, with their difference in Monte-Carlo standard errors."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from replicant.errors import DataError, SpecError, nearest
from replicant.spec.study import PublishedSpec

__all__ = ["compare"]

_FIELD = re.compile(r"\{([^{}]*)\}")


def compare(spec: PublishedSpec, folder: Path, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One source's figures by term and field.

    Parameters
    ----------
    spec
        The file, and the meaning of its columns.
    folder
        The folder of the file.
    rows
        The study's figures of one table; only those of the arm in question are compared.

    Returns
    -------
    dict
        `source`, `arm`, and `values`: for each term and field `value`, `error` (None where none was published) and
        `z`: ours minus theirs, in standard errors of the difference. A published figure without
        an error is given that of the study.

    Raises
    ------
    SpecError, DataError
        The file or a column does not exist.
    """
    ours = {str(row["term"]): row for row in rows if row["arm"] == spec.arm}
    values: dict[str, dict[str, Any]] = {}
    for line in _lines(spec, folder / spec.file):
        found = _term(spec.term, line, spec.file)
        term = spec.terms.get(found, found)
        if term not in ours:
            continue
        for name, (column, *error) in spec.fields.items():
            theirs = _number(_cell(line, column, spec.file))
            if theirs is None:
                continue
            spread = _number(_cell(line, error[0], spec.file)) if error else None
            z = _distance(ours[term].get(name), ours[term].get(f"{name}_error"), theirs, spread)
            values.setdefault(term, {})[name] = {"value": theirs, "error": spread, "z": z}
    return {"source": spec.source, "arm": spec.arm, "values": values}


def _lines(spec: PublishedSpec, path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for line in csv.DictReader(file, restval=""):
                line.pop(None, None)  # cells beyond the header
                yield line
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"the published figures in {spec.file!r} cannot be read ({type(error).__name__})",
            need="a CSV file with a header",
            fix="set study.reference to its folder, or to null to leave them out",
        ) from None


def _term(template: str, line: Mapping[str, str], file: str) -> str:
    return _FIELD.sub(lambda match: _cell(line, match[1], file), template)


def _cell(line: Mapping[str, str], column: str, file: str) -> str:
    if column not in line:
        raise SpecError(f"{file!r} has no column {column!r}{nearest(column, line)}", need="a column of the file")
    return line[column]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _distance(ours: float | None, error: float | None, theirs: float, spread: float | None) -> float | None:
    if ours is None or error is None:
        return None
    whole = math.hypot(error, error if spread is None else spread)
    if whole == 0:
        return 0.0 if math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12) else None
    return (ours - theirs) / whole
