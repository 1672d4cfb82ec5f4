"""Utility against identical cells on a study's page: one mark per variant."""

from __future__ import annotations

import itertools

from replicant.report.study_panels import RIGHT, WIDTH, Figure, Panel, key
from replicant.report.study_terms import in_sds
from replicant.report.study_view import Arm, Study
from replicant.view import svg
from replicant.view.figures import share
from replicant.view.svg import Scale, line, mark, picture, text

__all__ = ["plane"]

LEFT, TOP, FLOOR = 44.0, 22.0, 222.0


def plane(study: Study) -> Figure:
    """The pMSE ratio, or the mean bias where some variant has none, against the share of identical cells."""
    utility = {arm: value for arm in study.variants if (value := study.figure(arm, "pmse_ratio")) is not None}
    words, ideal, less = "pMSE ratio", 1.0, "1 where the rows cannot be told apart"
    if len(utility) < len(study.variants):
        utility, words, ideal, less = _biases(study), "mean |bias| in standard deviations", 0.0, "0 where there is none"
    points = [
        (arm, same, utility[arm])
        for arm in study.variants
        if (same := study.figure(arm, "identical_cells")) is not None and arm in utility
    ]
    caption = (
        f"Left is away from the real rows, low is useful: {words}, {less} (dashed line). Cells are those of drawn "
        "columns, of the continuous ones where there are any: categories are often equal by chance."
    )
    heading = "Utility against identical cells"
    if not points:
        return Figure(heading, caption, (), ())
    across = Scale(0.0, min(1.0, max(0.1, 1.15 * max(same for _, same, _ in points))), LEFT, RIGHT)
    ys = [ideal, *(value for *_, value in points)]
    margin = 0.1 * (max(ys) - min(ys)) or 1.0
    up = Scale(max(0.0, min(ys) - margin), max(ys) + margin, FLOOR, TOP)
    marks = [(value, f"{100 * value:g} %") for value, _ in svg.ticks(across.low, across.high)]
    body = [svg.floor_axis(across, FLOOR, TOP, marks)]
    for value, label in svg.ticks(up.low, up.high):
        body.append(line(LEFT, up(value), RIGHT, up(value), "grid"))
        body.append(text(LEFT - 6, up(value) + 4, label, anchor="end"))
    body.append(line(LEFT, up(ideal), RIGHT, up(ideal), "truth"))
    body.append(text(0, 12, words))
    body.append(text((LEFT + RIGHT) / 2, FLOOR + 27, "cells identical to the real row's", anchor="middle"))
    body += [f'<g class="{arm.style}">{mark(arm.shape, across(x), up(y), 5)}</g>' for arm, x, y in points]
    described = (f"{arm.label}: {words} {y:.3g}, identical cells {share(x)}" for arm, x, y in points)
    drawn = picture(WIDTH, FLOOR + 34, f"{words} against identical cells", "; ".join(described), "".join(body))
    return Figure(heading, caption, key((arm for arm, *_ in points), less), [Panel("One mark per variant", drawn)])


def _biases(study: Study) -> dict[Arm, float]:
    """Per variant the mean size of its bias, in standard deviations of the real samples' estimates."""
    found: dict[Arm, list[float]] = {arm: [] for arm in study.variants}
    for estimand, arm in itertools.product(study.of("model", "correlation"), study.variants):
        values = (in_sds(estimand, term, study.real, estimand.value(term, arm, "bias")) for term in estimand.terms)
        found[arm] += [abs(value) for value in values if value is not None]
    return {arm: sum(values) / len(values) for arm, values in found.items() if values}
