"""Distributions on a study's page: of means and counts over replicates, and of the cells, real against synthetic."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from replicant.report.study_panels import LABEL, LANE, RIGHT, ROW, WIDTH, Figure, Panel, divided, key
from replicant.report.study_view import Arm, Estimand, Study, finite
from replicant.view import svg
from replicant.view.figures import share
from replicant.view.svg import Scale, coordinate, line, mark, picture, text

__all__ = ["counts", "densities", "means"]

BINS = 40  # of a histogram at most


def _drawn(estimand: Estimand) -> dict[str, NDArray[np.float64]]:
    """Per arm the values of the replicates, one column per term; a replicate that failed is all NaN."""
    nothing = [None] * len(estimand.terms)
    return {
        arm.name: np.array([values or nothing for values in estimand.draws[arm.name]], dtype=np.float64).reshape(
            -1, len(estimand.terms)
        )
        for arm in estimand.arms
        if estimand.draws.get(arm.name)
    }


def _known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[np.isfinite(values)]


def means(study: Study) -> Figure:
    panels: list[Panel] = []
    arms: list[Arm] = []
    for estimand in study.of("means"):
        drawn = _drawn(estimand)
        own = [arm for arm in estimand.arms if arm.name in drawn]
        arms += [arm for arm in own if arm not in arms]
        for i, term in enumerate(estimand.terms):
            lanes = [(arm, _known(drawn[arm.name][:, i])) for arm in own]
            if any(len(values) for _, values in lanes):
                name = estimand.extra(term, "column") or term
                panels.append(Panel(name, _lanes(name, lanes, estimand.truth(term))))
    caption = (
        "Each area is the distribution over replicates of a column's mean; the mark below it is the mean of those "
        "means. Where the synthesis is valid, all areas lie where the real samples' lies and are as wide."
    )
    return Figure("Sampling distributions of the means", caption, key(arms, "the full data"), panels)


def _lanes(name: str, lanes: Sequence[tuple[Arm, NDArray[np.float64]]], truth: float | None) -> Markup:
    every = np.concatenate([values for _, values in lanes])
    scale = Scale.over([*every[[every.argmin(), every.argmax()]], *([] if truth is None else [truth])], LABEL, RIGHT)
    # More bins for more values, by their cube root: the outline shows the distribution and not the noise.
    most = max(len(values) for _, values in lanes)
    edges = np.linspace(scale.low, scale.high, min(BINS, max(8, round(3 * most ** (1 / 3)))) + 1)
    across = [scale(edge) for edge in edges]
    shares = [np.histogram(values, edges)[0] / max(len(values), 1) for _, values in lanes]
    top = max(float(part.max()) for part in shares) or 1.0
    rows, floor = svg.rows([arm.label for arm, _ in lanes], LABEL - 10, LANE, 4.0)
    floor += 4
    body = [svg.floor_axis(scale, floor, 2), *(row.label for row in rows)]
    marks, described = [], []
    for (arm, values), part, row in zip(lanes, shares, rows, strict=True):
        base = row.top + row.height - 2
        if not len(values):
            body.append(text(LABEL + 4, base - 8, "no values"))
            continue
        outline = svg.steps([(LANE - 6) * float(bar) / top for bar in part], across, base)
        mean = float(values.mean())
        body.append(f'<path class="area {arm.style}" d="{outline}"/>')
        marks.append(f'<g class="{arm.style}">{mark(arm.shape, scale(mean), base)}</g>')
        sd = f", sd {float(values.std(ddof=1)):.3g}" if len(values) > 1 else ""
        described.append(f"{arm.label}: mean {mean:.4g}{sd}")
    if truth is not None:
        body.append(line(scale(truth), 2, scale(truth), floor, "truth"))
        described.append(f"full data {truth:.4g}")
    return picture(
        WIDTH, floor + 16, f"{name}: sampling distributions of the mean", "; ".join(described), "".join(body + marks)
    )


def counts(study: Study) -> Figure:
    panels: list[Panel] = []
    arms: list[Arm] = []
    for estimand in study.of("counts"):
        drawn = _drawn(estimand)
        own = [arm for arm in estimand.arms if arm.name in drawn]
        arms += [arm for arm in own if arm not in arms]
        for column, group in itertools.groupby(
            enumerate(estimand.terms), key=lambda pair: estimand.extra(pair[1], "column")
        ):
            for name, part in divided(column or estimand.title, list(group)):
                levels = [
                    (
                        estimand.extra(term, "level") or term,
                        [(arm, _known(drawn[arm.name][:, i])) for arm in own],
                        estimand.truth(term),
                    )
                    for i, term in part
                ]
                if any(len(values) for _, lanes, _ in levels for _, values in lanes):
                    panels.append(Panel(name, _boxes(name, levels)))
    caption = (
        "Counts of a category over replicates: the mark is the median, the thick line holds the middle half, the thin "
        "one 95 of 100."
    )
    return Figure("Sampling distributions of the category counts", caption, key(arms, "the full data"), panels)


Level = tuple[str, list[tuple[Arm, NDArray[np.float64]]], float | None]


def _boxes(name: str, levels: Sequence[Level]) -> Markup:
    spans = {
        (i, arm.name): np.quantile(values, [0.025, 0.25, 0.5, 0.75, 0.975])
        for i, (_, lanes, _) in enumerate(levels)
        for arm, values in lanes
        if len(values)
    }
    truths = [truth for _, _, truth in levels if truth is not None]
    scale = Scale.over([*(end for span in spans.values() for end in (span[0], span[-1])), *truths], LABEL, RIGHT)
    most = max(len(lanes) for _, lanes, _ in levels)
    rows, floor = svg.rows([level for level, *_ in levels], LABEL - 8, (ROW + 1) * most + 8)
    body, described = [svg.floor_axis(scale, floor, 2), *(row.label for row in rows)], []
    for i, ((level, lanes, truth), row) in enumerate(zip(levels, rows, strict=True)):
        words = []
        if truth is not None:
            body.append(line(scale(truth), row.top + 2, scale(truth), row.top + row.height - 2, "truth"))
        for j, (arm, _) in enumerate(lanes):
            if (i, arm.name) not in spans:
                continue
            y = row.middle + (ROW + 1) * (j + 0.5 - len(lanes) / 2)
            low, quarter, middle, three, high = (scale(float(end)) for end in spans[i, arm.name])
            body.append(
                f'<g class="{arm.style}">{line(low, y, high, y, "thin")}{line(quarter, y, three, y, "thick")}'
                f"{mark(arm.shape, middle, y, 3)}</g>"
            )
            words.append(f"{arm.label} {float(spans[i, arm.name][2]):.4g}")
        if truth is not None:
            words.append(f"full data {truth:.4g}")
        described.append(f"{level}: {', '.join(words)}")
    title = f"{name}: sampling distributions of the counts by level"
    return picture(WIDTH, floor + 16, title, "Medians. " + "; ".join(described), "".join(body))


def densities(study: Study) -> Figure:
    panels: list[Panel] = []
    arms: list[Arm] = []
    for estimand in study.of("densities"):
        own = [arm for arm in estimand.arms if not arm.real]
        arms += [arm for arm in own if arm not in arms]
        for column, group in itertools.groupby(estimand.terms, key=lambda term: estimand.extra(term, "column")):
            terms = list(group)
            if estimand.extra(terms[0], "kind") == "levels":
                panels += [
                    Panel(name, _shares(name, estimand, own, part))
                    for name, part in divided(column or estimand.title, terms)
                ]
            else:
                name = column or estimand.title
                panels.append(Panel(name, _histograms(name, estimand, own, terms)))
    caption = "Areas and bars are the synthetic sets, all replicates together; the line over them is the full data."
    return Figure("Real against synthetic densities", caption, key(arms, "the full data", "outline"), panels)


def _edges(estimand: Estimand, terms: Sequence[str]) -> list[float] | None:
    """Where bins begin and end; None where the results do not say, not in order, or too far apart for a scale."""
    found = [
        (finite(row.get("low")), finite(row.get("high")))
        for term in terms
        for row in [next(filter(None, (estimand.cell(term, arm) for arm in estimand.arms)), {})]
    ]
    inner = [low for low, _ in found[1:]]
    first, last = found[0][0], found[-1][1]
    edges = [float(edge) for edge in (first, *inner, last) if edge is not None]
    in_order = len(edges) == len(terms) + 1 and all(a < b for a, b in itertools.pairwise(edges))
    return edges if in_order and finite(edges[-1] - edges[0]) is not None else None


def _histograms(name: str, estimand: Estimand, arms: Sequence[Arm], terms: Sequence[str]) -> Markup:
    known = _edges(estimand, terms)
    edges = known or [float(i) for i in range(len(terms) + 1)]
    scale = Scale(edges[0], edges[-1], LABEL, RIGHT)
    across = [scale(edge) for edge in edges]
    widths = [b - a for a, b in itertools.pairwise(across)]

    def density(values: Iterable[float | None]) -> list[float]:
        # By the width of its bin, so that areas are shares.
        return [(value or 0.0) / width for value, width in zip(values, widths, strict=True)]

    real = density(estimand.truth(term) for term in terms)
    drawn = {arm.name: density(estimand.value(term, arm, "estimate") for term in terms) for arm in arms}
    top = max([*real, *itertools.chain.from_iterable(drawn.values())]) or 1.0
    rows, floor = svg.rows([arm.label for arm in arms], LABEL - 10, LANE, 4.0)
    floor += 4
    body = [svg.floor_axis(scale, floor, 2, None if known else []), *(row.label for row in rows)]
    described = []
    for arm, row in zip(arms, rows, strict=True):
        base = row.top + row.height - 2
        area = svg.steps([(LANE - 6) * bar / top for bar in drawn[arm.name]], across, base)
        outline = svg.steps([(LANE - 6) * bar / top for bar in real], across, base)
        body.append(f'<path class="area {arm.style}" d="{area}"/><path class="real outline" d="{outline}"/>')
        described.append(f"{arm.label}: {_apart(estimand, arm, terms)}")
    title = f"{name}: real and synthetic density"
    return picture(WIDTH, floor + 16, title, _DISTANCE + "; ".join(described), "".join(body))


_DISTANCE = "Half the sum of the absolute differences of shares. "


def _apart(estimand: Estimand, arm: Arm, terms: Sequence[str]) -> str:
    pairs = [(estimand.truth(term) or 0.0, estimand.value(term, arm, "estimate") or 0.0) for term in terms]
    return share(sum(abs(a - b) for a, b in pairs) / 2)


def _shares(name: str, estimand: Estimand, arms: Sequence[Arm], terms: Sequence[str]) -> Markup:
    known = [estimand.truth(term) or 0.0 for term in terms]
    known += [estimand.value(term, arm, "estimate") or 0.0 for term in terms for arm in arms]
    scale = Scale(0.0, 1.05 * max(known) or 1.0, LABEL, RIGHT)
    levels = [estimand.extra(term, "level") or term for term in terms]
    rows, floor = svg.rows(levels, LABEL - 8, (ROW + 2) * len(arms) + 8)
    marks = [(value, f"{100 * value:g} %") for value, _ in svg.ticks(scale.low, scale.high)]
    body, described = [svg.floor_axis(scale, floor, 2, marks), *(row.label for row in rows)], []
    for term, level, row in zip(terms, levels, rows, strict=True):
        truth = estimand.truth(term)
        words = [] if truth is None else [f"real {share(truth)}"]
        for j, arm in enumerate(arms):
            value = estimand.value(term, arm, "estimate")
            if value is None:
                continue
            y = row.middle + (ROW + 2) * (j - len(arms) / 2) + 1
            body.append(
                f'<g class="{arm.style}"><rect class="area" x="{LABEL}" y="{coordinate(y)}" '
                f'width="{coordinate(scale(value) - LABEL)}" height="{ROW}"/>'
                f"{mark(arm.shape, scale(value), y + ROW / 2)}</g>"
            )
            words.append(f"{arm.label} {share(value)}")
        if truth is not None:
            x, end = scale(truth), row.top + row.height - 2
            body.append(f'<g class="real">{line(x, row.top + 2, x, end, "outline")}</g>')
        described.append(f"{level}: {', '.join(words)}")
    title = f"{name}: real and synthetic shares of its levels"
    return picture(WIDTH, floor + 16, title, "; ".join(described), "".join(body))
