"""The tables of a study's page: one per estimand with a column group per arm, and published numbers beside ours."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from replicant.report.page import folded, table
from replicant.report.study_view import Arm, Estimand, Published, Study
from replicant.view import svg
from replicant.view.figures import measured, number, signed
from replicant.view.markup import escape

__all__ = ["agreement", "badge", "coverage", "estimand_tables", "plain_table", "said", "with_error"]

LIMIT = 3.0  # Monte-Carlo standard errors from a published number that are marked

_HEADINGS = {
    "estimate": "estimate",
    "bias": "bias",
    "coverage": "coverage",
    "std_error": "std. error",
    "width": "width",
    "difference": "difference",
    "statistic": "statistic",
    "df": "df",
    "p_value": "p",
    "sd": "sd",
}
# What stands in the table itself; all other fields are in one that opens.
_FIRST = {
    "model": ("bias", "coverage"),
    "correlation": ("bias", "coverage"),
    "discriminate": ("estimate", "std_error", "p_value"),
    "means": ("estimate", "bias"),
    "counts": ("estimate", "bias"),
}
_FOLDED = frozenset({"describe", "densities"})  # their long table opens; something else is to be read first
_NOTHING = '<td class="none"><span aria-hidden="true">–</span><span class="unseen">none</span></td>'
_MATRIX = 15  # columns of a correlation table at most


def estimand_tables(study: Study, estimand: Estimand, place: int) -> str:
    """All tables of one estimand.

    Parameters
    ----------
    study
        The whole study.
    estimand
        One of its estimands.
    place
        Its number on the page, for identifiers.
    """
    if not estimand.arms or not estimand.terms:
        return '<p class="soft">No numbers.</p>'
    fields = estimand.fields
    first = [name for name in _FIRST.get(estimand.kind, fields) if name in fields] or list(fields)
    if estimand.kind in _FOLDED:
        first = []
    rest = [name for name in fields if name not in first]
    if "std_error" in rest and any(
        estimand.value(term, arm, "sd") is not None for term in estimand.terms for arm in estimand.arms
    ):
        rest.insert(rest.index("std_error") + 1, "sd")
    parts = []
    if estimand.kind == "describe":
        parts.append(_described(estimand, f"d{place}"))
    if first:
        parts.append(_long(study, estimand, first, f"t{place}"))
    if rest:
        words = ", ".join(_HEADINGS.get(name, name) for name in rest)
        parts.append(folded(f"Term by term: {words}", _long(study, estimand, rest, f"r{place}")))
    if estimand.kind == "correlation":
        parts += _matrices(estimand, f"m{place}")
    if estimand.published:
        parts.append(_compared(estimand, f"c{place}"))
    return "".join(parts)


def with_error(value: float | None, error: float | None) -> str:
    """A number with its error as small text."""
    if value is None:
        return "–"
    written, around = measured(value, error)
    return f"{written} <small>±{around.replace('<', '&lt;')}</small>" if around else written


def badge(sign: str, words: str) -> str:
    """A sign that says by its shape what its colour says, with words for those who hear the page."""
    return f'<b class="off"><span aria-hidden="true">{sign}</span><span class="unseen"> {escape(words)} </span></b>'


def coverage(value: float | None, error: float | None, level: float, replicates: float | None = None) -> str:
    """A coverage with its error, marked where it is off its level by more than two errors.

    Parameters
    ----------
    value, error
        The coverage; None where there is none.
    level
        What it should be.
    replicates
        Of a single interval: how many. Near one its own error is too small to go by, and at one it is none; then that
        of a perfect interval counts. None for a mean over intervals.
    """
    if value is None:
        return "–"
    perfect = math.sqrt(level * (1 - level) / replicates) if replicates else 0.0
    beyond = 2 * max(error or 0.0, perfect)
    sign = ""
    if beyond and abs(value - level) > beyond:
        sign = badge("▼", f"below {level:g}") if value < level else badge("▲", f"above {level:g}")
    return sign + (with_error(value, error) if error else number(value, 3))


def plain_table(caption: str, name: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of escaped cells; the first of a row names it."""
    top = "".join(f'<th scope="col">{escape(word)}</th>' for word in head)
    body = "".join(f'<tr><th scope="row">{escape(row[0])}</th>{"".join(map(_words, row[1:]))}</tr>' for row in rows)
    return table(name, caption, f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody>", "words")


def _words(cell: str) -> str:
    """A cell of words, which breaks into lines where it is long."""
    return f'<td class="long">{escape(cell)}</td>' if len(cell) > 60 else f"<td>{escape(cell)}</td>"


def said(value: Any) -> str:
    """A setting in words."""
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {said(part)}" for key, part in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(said(part) for part in value)
    return value if isinstance(value, str) else json.dumps(value, default=str)


def agreement(study: Study) -> str:
    """How far from published numbers ours are, over all estimands: a row per source and arm, or nothing."""
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
            z, where = max(all_of, key=lambda pair: abs(pair[0]))
            beyond = sum(abs(z) > LIMIT for z, _ in all_of)
            spread = math.sqrt(sum(z * z for z, _ in all_of) / len(all_of))
            rows.append(
                [source, labels[name], f"{len(all_of):,}", f"{beyond:,}", f"{spread:.2f}", f"{signed(z, 1)} ({where})"]
            )
    if not rows:
        return ""
    head = ["source", "arm", "numbers", f"beyond {LIMIT:g} errors", "root mean square", "largest"]
    return plain_table("Differences from published numbers, in Monte-Carlo standard errors", "agree", head, rows)


def _arm(arm: Arm) -> str:
    """An arm's mark and name; a long name is cut by the page and told whole where the pointer rests."""
    drawn = svg.picture(12, 12, f"{arm.shape} for {arm.label}", "The mark of this arm.", svg.mark(arm.shape, 6, 6))
    return f'<span class="arm {arm.style}" title="{escape(arm.label)}">{drawn}{escape(arm.label)}</span>'


def _long(study: Study, estimand: Estimand, fields: Sequence[str], name: str) -> str:
    """Terms as rows, a group of columns per arm, the truth first."""
    true = any(estimand.truth(term) is not None for term in estimand.terms)
    span = len(fields)
    groups = "".join(f'<th scope="colgroup" colspan="{span}">{_arm(arm)}</th>' for arm in estimand.arms)
    heads = "".join(f'<th scope="col">{escape(_HEADINGS.get(field, field))}</th>' for field in fields)
    own = f"<colgroup>{'<col>' * span}</colgroup>" * len(estimand.arms)
    spans = f"<colgroup>{'<col>' * (2 if true else 1)}</colgroup>{own}"
    truth = '<th scope="col" rowspan="2">truth</th>' if true else ""
    head = (
        f'{spans}<thead><tr><th scope="col" rowspan="2">term</th>{truth}{groups}</tr>'
        f"<tr>{heads * len(estimand.arms)}</tr></thead>"
    )
    rows = []
    for term in estimand.terms:
        cells = [_true(estimand, term)] if true else []
        for arm in estimand.arms:
            cells += [_cell(study, estimand, term, arm, field, i == 0) for i, field in enumerate(fields)]
        rows.append(f'<tr><th scope="row">{escape(term)}</th>{"".join(cells)}</tr>')
    caption = f"{estimand.title}: {', '.join(_HEADINGS.get(field, field) for field in fields)}"
    return table(name, caption, f"{head}<tbody>{''.join(rows)}</tbody>")


def _cell(study: Study, estimand: Estimand, term: str, arm: Arm, field: str, leads: bool) -> str:
    value, error = estimand.value(term, arm, field), estimand.error(term, arm, field)
    if value is None:
        return _NOTHING.replace('"none"', '"none lead"') if leads else _NOTHING
    replicates = estimand.value(term, arm, "replicates")
    written = coverage(value, error, study.level, replicates) if field == "coverage" else with_error(value, error)
    return f'<td class="lead">{written}</td>' if leads else f"<td>{written}</td>"


def _true(estimand: Estimand, term: str) -> str:
    """The truth, to the digits of the estimates beside it."""
    truth = estimand.truth(term)
    if truth is None:
        return _NOTHING
    errors = [
        error
        for arm in estimand.arms
        for name in ("estimate", "bias")
        if (error := estimand.error(term, arm, name)) is not None and error > 0
    ]
    return f"<td>{measured(truth, min(errors, default=None))[0]}</td>"


def _described(estimand: Estimand, name: str) -> str:
    """Columns as groups of rows, statistics as columns: each column's truth with the arms under it, as in Table 2."""
    columns = list(dict.fromkeys(estimand.extra(term, "column") for term in estimand.terms))
    statistics = list(dict.fromkeys(estimand.extra(term, "statistic") for term in estimand.terms))
    terms = {(estimand.extra(term, "column"), estimand.extra(term, "statistic")): term for term in estimand.terms}
    heads = "".join(f'<th scope="col">{escape(statistic)}</th>' for statistic in statistics)
    bodies = []
    for column in columns:
        own = [terms.get((column, statistic)) for statistic in statistics]
        truth = "".join(_NOTHING if term is None else _true(estimand, term) for term in own)
        rows = [
            f'<tr><th scope="rowgroup" rowspan="{1 + len(estimand.arms)}">{escape(column)}</th>'
            f'<th scope="row">truth</th>{truth}</tr>'
        ]
        for arm in estimand.arms:
            cells = "".join(
                _NOTHING
                if term is None or (value := estimand.value(term, arm, "estimate")) is None
                else f"<td>{with_error(value, estimand.error(term, arm, 'estimate'))}</td>"
                for term in own
            )
            rows.append(f'<tr><th scope="row">{_arm(arm)}</th>{cells}</tr>')
        bodies.append(f"<tbody>{''.join(rows)}</tbody>")
    head = f'<thead><tr><th scope="col">column</th><th scope="col">arm</th>{heads}</tr></thead>'
    return table(name, estimand.title, head + "".join(bodies), "grouped")


def _matrices(estimand: Estimand, name: str) -> list[str]:
    """The correlations of each synthetic arm as a matrix: truth below the diagonal, estimate and bias above."""
    pairs = {
        frozenset((estimand.extra(term, "column"), estimand.extra(term, "other"))): term for term in estimand.terms
    }
    columns = list(dict.fromkeys(estimand.extra(term, end) for end in ("column", "other") for term in estimand.terms))
    if len(columns) > _MATRIX:
        return []
    heads = '<td class="corner"></td>' + "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    tables = []
    for i, arm in enumerate(arm for arm in estimand.arms if not arm.real):
        rows = []
        for down, column in enumerate(columns):
            cells = []
            for across, other in enumerate(columns):
                term = pairs.get(frozenset((column, other)))
                if down == across or term is None:
                    cells.append('<td class="corner"></td>')
                elif across < down:
                    cells.append(_true(estimand, term))
                else:
                    value, bias = estimand.value(term, arm, "estimate"), estimand.value(term, arm, "bias")
                    cells.append(
                        _NOTHING
                        if value is None or bias is None
                        else f"<td>{number(value, 3)} <small>({number(bias, 3)})</small></td>"
                    )
            rows.append(f'<tr><th scope="row">{escape(column)}</th>{"".join(cells)}</tr>')
        caption = f"{estimand.title}, {arm.label}: truth below the diagonal, above it the estimate (bias)"
        content = f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody>"
        tables.append(folded(f"As a matrix: {arm.label}", table(f"{name}-{i}", caption, content)))
    return tables


def _compared(estimand: Estimand, name: str) -> str:
    """Ours beside what others published, with the difference in Monte-Carlo standard errors."""
    sources: dict[str, list[Published]] = {
        arm.name: [found for found in estimand.published if found.arm == arm.name] for arm in estimand.arms
    }
    arms = [arm for arm in estimand.arms if sources[arm.name]]
    known = {key for found in estimand.published for key in found.values}
    rows = {term: [field for field in estimand.fields if (term, field) in known] for term in estimand.terms}
    rows = {term: fields for term, fields in rows.items() if fields}
    if not arms or not rows:
        return ""
    spans = [1 + 2 * len(sources[arm.name]) for arm in arms]
    groups = "".join(
        f'<th scope="colgroup" colspan="{span}">{_arm(arm)}</th>' for arm, span in zip(arms, spans, strict=True)
    )
    heads = "".join(
        '<th scope="col">ours</th>'
        + "".join(f'<th scope="col">{escape(found.source)}</th><th scope="col">z</th>' for found in sources[arm.name])
        for arm in arms
    )
    cols = "<colgroup><col><col></colgroup>" + "".join(f"<colgroup>{'<col>' * span}</colgroup>" for span in spans)
    bodies, counted = [], Counter[bool]()
    for term, fields in rows.items():
        lines = []
        for i, field in enumerate(fields):
            cells = []
            for arm in arms:
                value = estimand.value(term, arm, field)
                error = estimand.error(term, arm, field)
                cells.append(f'<td class="lead">{with_error(value, error)}</td>')
                for found in sources[arm.name]:
                    theirs, spread, z = found.values.get((term, field), (None, None, None))
                    cells.append(_theirs(theirs, spread, error) + _distance(z))
                    counted.update([] if z is None else [abs(z) > LIMIT])
            term_cell = f'<th scope="rowgroup" rowspan="{len(fields)}">{escape(term)}</th>' if i == 0 else ""
            word = escape(_HEADINGS.get(field, field))
            lines.append(f'<tr>{term_cell}<th scope="row">{word}</th>{"".join(cells)}</tr>')
        bodies.append(f"<tbody>{''.join(lines)}</tbody>")
    total, beyond = counted.total(), counted[True]
    told = f": {total - beyond} of {total} within {LIMIT:g} Monte-Carlo standard errors" if total else ""
    head = (
        f'{cols}<thead><tr><th scope="col" rowspan="2">term</th><th scope="col" rowspan="2">number</th>{groups}</tr>'
        f"<tr>{heads}</tr></thead>"
    )
    caption = f"{estimand.title}: beside published numbers"
    drawn = table(name, caption, head + "".join(bodies), "grouped")
    return folded(f"Beside published numbers{told}", drawn, opened=beyond > 0)


def _theirs(value: float | None, error: float | None, ours: float | None) -> str:
    """A published number; where it comes without an error it has the digits of ours."""
    if value is None:
        return _NOTHING
    return f"<td>{with_error(value, error) if error else measured(value, ours)[0]}</td>"


def _distance(z: float | None) -> str:
    if z is None:
        return _NOTHING
    sign = badge("●", f"beyond {LIMIT:g}") if abs(z) > LIMIT else ""
    return f"<td>{sign}{signed(z, 1)}</td>"
