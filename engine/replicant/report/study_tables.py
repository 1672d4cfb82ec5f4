"""The tables of a study's page: terms by arm, columns described, correlations as a matrix, published numbers beside."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from replicant.report.cells import LIMIT, Cell, coverage, distance, with_error
from replicant.report.study_view import Arm, Estimand, Published, Study
from replicant.view.figures import measured, number, signed

__all__ = ["TINT", "Beside", "Group", "Head", "Matrix", "Tables", "agreement", "tables"]

TINT = 0.45  # darkest tint behind a number, so that the number keeps its contrast
MAPPED = 40  # columns of a matrix at most

_HEADINGS = {"std_error": "std. error", "p_value": "p"}
# What stands in the table itself; all other fields are in one that opens.
_FIRST = {
    "model": ("bias", "coverage"),
    "correlation": ("bias", "coverage"),
    "discriminate": ("estimate", "std_error", "p_value"),
    "means": ("estimate", "bias"),
    "counts": ("estimate", "bias"),
    "utility": ("estimate", "difference"),
    "disclosure": ("estimate", "baseline"),
}
_FOLDED = frozenset({"describe", "densities"})  # their long table opens; something else is to be read first


@dataclass(frozen=True)
class Head:
    """An arm above its columns."""

    arm: Arm
    columns: Sequence[str]


@dataclass(frozen=True)
class Group:
    """Rows that share a name, each with the word that sets it apart: an arm's mark, or a text."""

    name: str
    rows: Sequence[tuple[Arm | str, Sequence[Cell]]]


@dataclass(frozen=True)
class Long:
    """Terms as rows, a group of columns for each arm, the truth first where there is one."""

    caption: str
    heads: Sequence[Head]
    truth: bool
    rows: Sequence[tuple[str, Sequence[Cell]]]


@dataclass(frozen=True)
class Matrix:
    """The lower triangle of a matrix: names of rows and columns, and cells with `rise` or `fall` and how strongly."""

    caption: str
    arm: Arm | None
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[tuple[Cell, str, str]]]]


@dataclass(frozen=True)
class Beside:
    """Our numbers beside published ones."""

    summary: str
    heads: Sequence[Head]
    groups: Sequence[Group]


@dataclass(frozen=True)
class Tables:
    """All tables of one estimand."""

    statistics: Sequence[str] = ()
    described: Sequence[Group] = ()
    matrices: Sequence[Matrix] = ()
    first: Long | None = None
    rest: Long | None = None
    beside: Beside | None = None
    failed: str = field(default="")


def tables(study: Study, estimand: Estimand) -> Tables:
    """What one estimand shows."""
    if not estimand.arms or not estimand.terms:
        return Tables()
    fields = estimand.fields
    first = [name for name in _FIRST.get(estimand.kind, fields) if name in fields] or list(fields)
    if estimand.kind in _FOLDED:
        first = []
    rest = [name for name in fields if name not in first]
    if "std_error" in rest and any(
        estimand.value(term, arm, "sd") is not None for term in estimand.terms for arm in estimand.arms
    ):
        rest.insert(rest.index("std_error") + 1, "sd")
    statistics = list(dict.fromkeys(estimand.extra(term, "statistic") for term in estimand.terms))
    return Tables(
        statistics=statistics,
        described=_described(estimand, statistics) if estimand.kind == "describe" else (),
        matrices=_matrices(estimand) if estimand.kind == "correlation" else (),
        first=_long(study, estimand, first) if first else None,
        rest=_long(study, estimand, rest) if rest else None,
        beside=_beside(estimand),
        failed=", ".join(f"{arm.label} {count:,}" for arm in estimand.arms if (count := estimand.failed(arm))),
    )


def agreement(study: Study) -> list[list[str]]:
    """How far from published numbers ours are, over all estimands: a row for each source and arm."""
    found: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for estimand in study.estimands:
        for theirs in estimand.published:
            found.setdefault((theirs.source, theirs.arm), []).extend(
                (z, f"{estimand.title}: {term}, {_HEADINGS.get(name, name)}")
                for (term, name), (_, _, z) in theirs.values.items()
                if z is not None and term in estimand.terms
            )
    labels = {arm.name: arm.label for arm in study.arms}
    rows: list[list[str]] = []
    for (source, name), all_of in found.items():
        if all_of and name in labels:
            z, at = max(all_of, key=lambda pair: abs(pair[0]))
            beyond = sum(abs(z) > LIMIT for z, _ in all_of)
            spread = math.sqrt(sum(z * z for z, _ in all_of) / len(all_of))
            rows.append(
                [source, labels[name], f"{len(all_of):,}", f"{beyond:,}", f"{spread:.2f}", f"{signed(z, 1)} ({at})"]
            )
    return rows


def _long(study: Study, estimand: Estimand, fields: Sequence[str]) -> Long:
    names = [_HEADINGS.get(name, name) for name in fields]
    true = any(estimand.truth(term) is not None for term in estimand.terms)
    rows = [
        (
            term,
            [
                *([_truth(estimand, term)] if true else []),
                *(_cell(study, estimand, term, arm, name) for arm in estimand.arms for name in fields),
            ],
        )
        for term in estimand.terms
    ]
    caption = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    return Long(caption[0].upper() + caption[1:], [Head(arm, names) for arm in estimand.arms], true, rows)


def _cell(study: Study, estimand: Estimand, term: str, arm: Arm, name: str) -> Cell:
    value, error = estimand.value(term, arm, name), estimand.error(term, arm, name)
    if name == "coverage":
        return coverage(value, error, study.level, estimand.value(term, arm, "replicates"))
    return with_error(value, error)


def _truth(estimand: Estimand, term: str) -> Cell:
    """The truth, to the digits of the estimates beside it."""
    truth = estimand.truth(term)
    if truth is None:
        return Cell()
    errors = [
        error
        for arm in estimand.arms
        for name in ("estimate", "bias")
        if (error := estimand.error(term, arm, name)) is not None and error > 0
    ]
    return Cell(measured(truth, min(errors, default=None))[0])


def _described(estimand: Estimand, statistics: Sequence[str]) -> list[Group]:
    """Columns as groups of rows, statistics as columns: each column's truth with the arms under it, as in Table 2."""
    terms = {(estimand.extra(term, "column"), estimand.extra(term, "statistic")): term for term in estimand.terms}
    groups = []
    for column in dict.fromkeys(column for column, _ in terms):
        own = [terms.get((column, statistic)) for statistic in statistics]
        rows: list[tuple[Arm | str, list[Cell]]] = [
            ("truth", [Cell() if term is None else _truth(estimand, term) for term in own])
        ]
        for arm in estimand.arms:
            cells = [
                Cell()
                if term is None
                else with_error(estimand.value(term, arm, "estimate"), estimand.error(term, arm, "estimate"))
                for term in own
            ]
            rows.append((arm, cells))
        groups.append(Group(column, rows))
    return groups


def _matrices(estimand: Estimand) -> list[Matrix]:
    """The true correlations, and the bias of every arm; the matrices of bias share one scale."""
    pairs = {
        frozenset((estimand.extra(term, "column"), estimand.extra(term, "other"))): term for term in estimand.terms
    }
    columns = list(dict.fromkeys(estimand.extra(term, end) for end in ("column", "other") for term in estimand.terms))
    if len(columns) > MAPPED:
        return []
    truths = {pair: estimand.truth(term) for pair, term in pairs.items()}
    biases = {arm: {pair: estimand.value(term, arm, "bias") for pair, term in pairs.items()} for arm in estimand.arms}
    most = max((abs(bias) for of in biases.values() for bias in of.values() if bias is not None), default=0.0)
    maps = [("Truth", None, truths, 1.0, 2), *(("Bias", arm, of, most or 1.0, 3) for arm, of in biases.items())]
    return [
        _matrix(caption, arm, columns, of, top, digits)
        for caption, arm, of, top, digits in maps
        if any(value is not None for value in of.values())
    ]


def _matrix(
    caption: str,
    arm: Arm | None,
    columns: Sequence[str],
    values: dict[frozenset[str], float | None],
    most: float,
    digits: int,
) -> Matrix:
    rows = []
    for i, row in enumerate(columns[1:]):
        cells = []
        for column in columns[: i + 1]:
            value = values.get(frozenset((row, column)))
            text = "" if value is None else _bare(value, digits)
            tint = TINT * min(1.0, abs(value or 0.0) / most)
            cells.append((Cell(text), "rise" if (value or 0.0) > 0 else "fall", f"{100 * tint:.0f}%"))
        rows.append((row, cells))
    return Matrix(caption, arm, columns[:-1], rows)


def _bare(value: float, digits: int) -> str:
    """A number of a matrix, short: without the zero before the point."""
    written = number(value, digits)
    if not float(written):
        return "0"
    return written.replace("0.", ".", 1) if abs(value) < 1 and "0." in written else written


def _beside(estimand: Estimand) -> Beside | None:
    """Ours beside what others published, with the difference in Monte-Carlo standard errors."""
    sources: dict[Arm, list[Published]] = {
        arm: own for arm in estimand.arms if (own := [one for one in estimand.published if one.arm == arm.name])
    }
    known = {key for found in estimand.published for key in found.values}
    groups, counted = [], Counter[bool]()
    for term in estimand.terms:
        lines: list[tuple[Arm | str, list[Cell]]] = []
        for name in (name for name in estimand.fields if (term, name) in known):
            cells = []
            for arm, own in sources.items():
                error = estimand.error(term, arm, name)
                cells.append(with_error(estimand.value(term, arm, name), error))
                for found in own:
                    theirs, spread, z = found.values.get((term, name), (None, None, None))
                    # A published number without an error has the digits of ours.
                    theirs_cell = with_error(theirs, spread or error)
                    cells += [theirs_cell if spread else Cell(theirs_cell.text), distance(z)]
                    counted.update([] if z is None else [abs(z) > LIMIT])
            lines.append((_HEADINGS.get(name, name), cells))
        if lines:
            groups.append(Group(term, lines))
    if not sources or not groups:
        return None
    total, beyond = counted.total(), counted[True]
    summary = f"{total - beyond} of {total} within {LIMIT:g} Monte-Carlo standard errors" if total else ""
    heads = [Head(arm, ["ours", *(word for one in own for word in (one.source, "z"))]) for arm, own in sources.items()]
    return Beside(summary, heads, groups)
