"""Terms against a line on a study's page: coverage against its level, bias against none."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from replicant.report.study_panels import LABEL, RIGHT, ROW, WIDTH, Figure, Panel, divided, key
from replicant.report.study_view import Arm, Estimand, Study
from replicant.view import svg
from replicant.view.svg import Scale, coordinate, line, mark, picture, text

__all__ = ["bias", "coverage", "in_sds"]

TERMS = 48  # of one estimand

Value = Callable[[Estimand, str, Arm], float | None]


@dataclass(frozen=True)
class _Dots:
    """Numbers of terms with their errors, and the line that they are drawn against.

    Attributes
    ----------
    value, error
        Of an estimand's term and arm.
    line, band
        What they should be, and how far from it they may be by chance.
    words, decimals
        What they are called and how they are written.
    """

    value: Value
    error: Value
    line: float
    band: float
    words: str
    decimals: int


def coverage(study: Study) -> Figure:
    """Coverage of every term's interval."""
    level, count = study.level, max(study.replicates, 1)
    dots = _Dots(
        lambda estimand, term, arm: estimand.value(term, arm, "coverage"),
        lambda estimand, term, arm: estimand.error(term, arm, "coverage"),
        level,
        2 * math.sqrt(level * (1 - level) / count),
        "coverage",
        3,
    )
    of = [estimand for estimand in study.of("model", "correlation") if "coverage" in estimand.fields]
    caption = (
        f"Share of the intervals that contain the truth; bars are two Monte-Carlo standard errors. The dashed line is "
        f"{level:g}; the band is two errors of a perfect interval about it in {study.replicates:,} replicates."
    )
    return _figure("Coverage by term", caption, f"{level:g}, as it should be", of, dots)


def bias(study: Study) -> Figure:
    """Bias of every term."""
    real = study.real
    dots = _Dots(
        lambda estimand, term, arm: in_sds(estimand, term, real, estimand.value(term, arm, "bias")),
        lambda estimand, term, arm: in_sds(estimand, term, real, estimand.error(term, arm, "bias")),
        0.0,
        0.2,
        "bias in standard deviations",
        2,
    )
    of = [estimand for estimand in study.of("model", "correlation") if "bias" in estimand.fields and real]
    caption = (
        "Bias in standard deviations of the real samples' own estimate; bars are two Monte-Carlo standard errors. "
        "Within the band, at 0.2 and less, it hardly shows in coverage."
    )
    return _figure("Bias by term", caption, "no bias", of, dots)


def in_sds(estimand: Estimand, term: str, real: Arm | None, value: float | None) -> float | None:
    """A difference in units of what the estimate varies by from one real sample to the next."""
    sd = estimand.value(term, real, "sd") if real else None
    return value / sd if value is not None and sd else None


def _figure(heading: str, caption: str, truth: str, of: Sequence[Estimand], dots: _Dots) -> Figure:
    """Panels of dots on one scale; of many terms those farthest from the line."""
    shown: list[tuple[Estimand, list[str]]] = []
    ends = [dots.line - 1.2 * dots.band, dots.line + 1.2 * dots.band]
    for estimand in of:
        off = {
            term: max(abs(found - dots.line) for found in here)
            for term in estimand.terms
            if (here := [found for arm in estimand.arms if (found := dots.value(estimand, term, arm)) is not None])
        }
        farthest = set(sorted(off, key=lambda term: -off[term])[:TERMS])
        terms = [term for term in off if term in farthest]
        if len(terms) < len(off):
            caption += f" {estimand.title}: the {TERMS} of {len(off)} terms farthest from the line."
        for term, arm in itertools.product(terms, estimand.arms):
            if (found := dots.value(estimand, term, arm)) is not None:
                spread = 2 * (dots.error(estimand, term, arm) or 0.0)
                ends += [found - spread, found + spread]
        shown += [(estimand, terms)] if terms else []
    scale = Scale.over(ends, LABEL, RIGHT, pad=0.03)
    panels = [
        Panel(name, _drawn(name, estimand, group, scale, dots))
        for estimand, terms in shown
        for name, group in divided(estimand.title, terms)
    ]
    return Figure(heading, caption, key(dict.fromkeys(arm for one in of for arm in one.arms), truth), panels)


def _drawn(name: str, estimand: Estimand, terms: Sequence[str], scale: Scale, dots: _Dots) -> Markup:
    arms = estimand.arms
    rows, floor = svg.rows(terms, LABEL - 8, ROW * len(arms) + 8)
    low, high = scale(dots.line - dots.band), scale(dots.line + dots.band)
    body = [
        f'<rect class="band" x="{coordinate(low)}" y="2" width="{coordinate(high - low)}" '
        f'height="{coordinate(floor - 2)}"/>',
        svg.floor_axis(scale, floor, 2),
        line(scale(dots.line), 2, scale(dots.line), floor, "truth"),
    ]
    described = []
    for i, (term, row) in enumerate(zip(terms, rows, strict=True)):
        body.append(row.label)
        if i:
            body.append(line(0, row.top, RIGHT, row.top, "grid"))
        words = []
        for j, arm in enumerate(arms):
            found, spread = dots.value(estimand, term, arm), dots.error(estimand, term, arm)
            if found is None:
                continue
            y = row.middle + ROW * (j + 0.5 - len(arms) / 2)
            bar = line(scale(found - 2 * spread), y, scale(found + 2 * spread), y, "thin") if spread is not None else ""
            body.append(f'<g class="{arm.style}">{bar}{mark(arm.shape, scale(found), y, 3.2)}</g>')
            words.append(f"{arm.label} {found:.{dots.decimals}f}")
        described.append(f"{term}: {', '.join(words)}")
    body.append(text((LABEL + RIGHT) / 2, floor + 26, dots.words, anchor="middle"))
    return picture(WIDTH, floor + 32, f"{name}: {dots.words} by term", "; ".join(described), "".join(body))
