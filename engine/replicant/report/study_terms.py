"""Terms against a line on a study's page: coverage against its level, bias against none."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from replicant.report.study_panels import LABEL, RIGHT, ROW, WIDTH, figure, key, named, panel, parted
from replicant.report.study_view import Arm, Estimand, Study
from replicant.view import svg
from replicant.view.markup import escape
from replicant.view.svg import Scale, coordinate, line, mark, picture, text

__all__ = ["bias", "coverage", "in_sds"]

TERMS = 48  # of one estimand

Value = Callable[[str, Arm], float | None]


@dataclass(frozen=True)
class _Against:
    """What dots are drawn against: a line, a band about it, and words for the axis."""

    line: float
    band: float
    words: str
    decimals: int


def coverage(study: Study) -> str:
    level, count = study.level, max(study.replicates, 1)
    against = _Against(level, 2 * math.sqrt(level * (1 - level) / count), "coverage", 3)
    of = [estimand for estimand in study.of("model", "correlation") if "coverage" in estimand.fields]
    panels, arms, left = _dotted(
        of,
        lambda estimand: lambda term, arm: estimand.value(term, arm, "coverage"),
        lambda estimand: lambda term, arm: estimand.error(term, arm, "coverage"),
        against,
    )
    caption = (
        f"Share of the intervals that hold the truth; bars are two Monte-Carlo standard errors. The line is {level:g}, "
        f"the band two errors of a perfect interval about it in {study.replicates:,} replicates.{left}"
    )
    return figure(caption, key(arms, ("truth", f"{level:g}", "dashed line")), panels)


def bias(study: Study) -> str:
    of = [estimand for estimand in study.of("model", "correlation") if "bias" in estimand.fields]
    real = next((arm for arm in study.arms if arm.real), None)
    if real is None:
        return ""
    against = _Against(0.0, 0.0, "bias in standard deviations", 2)
    panels, arms, left = _dotted(
        of,
        lambda estimand: lambda term, arm: in_sds(estimand, term, real, estimand.value(term, arm, "bias")),
        lambda estimand: lambda term, arm: in_sds(estimand, term, real, estimand.error(term, arm, "bias")),
        against,
    )
    caption = (
        "Bias in units of the standard deviation of the real samples' own estimate: at 0.2 and less it hardly shows in "
        f"coverage. Bars are two Monte-Carlo standard errors.{left}"
    )
    return figure(caption, key(arms, ("truth", "no bias", "dashed line")), panels)


def in_sds(estimand: Estimand, term: str, real: Arm, value: float | None) -> float | None:
    """A difference in units of what the estimate varies by from one real sample to the next."""
    sd = estimand.value(term, real, "sd")
    return value / sd if value is not None and sd else None


def _dotted(
    of: Sequence[Estimand],
    value: Callable[[Estimand], Value],
    error: Callable[[Estimand], Value],
    against: _Against,
) -> tuple[list[str], list[Arm], str]:
    """Panels of dots on one scale, the arms in them, and what was left out, in words."""
    arms = list(dict.fromkeys(arm for estimand in of for arm in estimand.arms))
    kept: list[tuple[Estimand, list[str]]] = []
    ends, left = [against.line - 1.2 * against.band, against.line + 1.2 * against.band], ""
    for estimand in of:
        at, around = value(estimand), error(estimand)
        off = {
            term: max(abs(found - against.line) for found in here)
            for term in estimand.terms
            if (here := [found for arm in estimand.arms if (found := at(term, arm)) is not None])
        }
        farthest = set(sorted(off, key=lambda term: -off[term])[:TERMS])
        terms = [term for term in off if term in farthest]
        if len(terms) < len(off):
            left += f" {escape(estimand.title)}: the {TERMS} of {len(off)} terms farthest from the line."
        for term, arm in itertools.product(terms, estimand.arms):
            if (found := at(term, arm)) is not None:
                spread = 2 * (around(term, arm) or 0.0)
                ends += [found - spread, found + spread]
        if terms:
            kept.append((estimand, terms))
    scale = Scale.over(ends, LABEL, RIGHT, pad=0.03)
    panels = [
        panel(name, _dots(name, estimand.arms, part, value(estimand), error(estimand), scale, against))
        for estimand, terms in kept
        for name, part in parted(estimand.title, terms)
    ]
    return panels, arms, left


def _dots(
    name: str, arms: Sequence[Arm], terms: Sequence[str], value: Value, error: Value, scale: Scale, against: _Against
) -> str:
    block = ROW * len(arms) + 8
    floor = 2 + block * len(terms)
    body = []
    if against.band:
        low, high = scale(against.line - against.band), scale(against.line + against.band)
        body.append(
            f'<rect class="band" x="{coordinate(low)}" y="2" width="{coordinate(high - low)}" '
            f'height="{coordinate(floor - 2)}"/>'
        )
    body += [svg.floor_axis(scale, floor, 2), line(scale(against.line), 2, scale(against.line), floor, "truth")]
    told = []
    for i, term in enumerate(terms):
        top = 2 + block * i
        body.append(named(term, top, block))
        if i:
            body.append(line(0, top, RIGHT, top, "grid"))
        words = []
        for j, arm in enumerate(arms):
            found, spread = value(term, arm), error(term, arm)
            if found is None:
                continue
            y = top + 4 + ROW * (j + 0.5)
            bar = line(scale(found - 2 * spread), y, scale(found + 2 * spread), y, "thin") if spread is not None else ""
            body.append(f'<g class="{arm.style}">{bar}{mark(arm.shape, scale(found), y, 3.2)}</g>')
            words.append(f"{arm.label} {found:.{against.decimals}f}")
        told.append(f"{term}: {', '.join(words)}")
    body.append(text((LABEL + RIGHT) / 2, floor + 26, against.words, anchor="middle"))
    return picture(WIDTH, floor + 32, f"{name}: {against.words} by term", "; ".join(told), "".join(body))
