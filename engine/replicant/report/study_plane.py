"""Utility against identical cells on a study's page: one mark per variant."""

from __future__ import annotations

import itertools

from replicant.report.plane import Axis, Point
from replicant.report.plane import plane as drawn_plane
from replicant.report.study_panels import WIDTH, Figure, Panel, key
from replicant.report.study_terms import in_sds
from replicant.report.study_view import Arm, Study

__all__ = ["plane"]


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
    drawn = drawn_plane(
        [Point(arm.label, y, x, look=(arm.style, arm.shape)) for arm, x, y in points],
        utility=Axis(words, ideal),
        disclosure=Axis("cells identical to the real row's", is_share=True),
        names=False,
        size=(WIDTH, 256.0),
    )
    return Figure(
        heading, caption, key((arm for arm, *_ in points), less), [Panel("One mark per variant", drawn.svg())]
    )


def _biases(study: Study) -> dict[Arm, float]:
    """Per variant the mean size of its bias, in standard deviations of the real samples' estimates."""
    found: dict[Arm, list[float]] = {arm: [] for arm in study.variants}
    for estimand, arm in itertools.product(study.of("model", "correlation"), study.variants):
        values = (in_sds(estimand, term, study.real, estimand.value(term, arm, "bias")) for term in estimand.terms)
        found[arm] += [abs(value) for value in values if value is not None]
    return {arm: sum(values) / len(values) for arm, values in found.items() if values}
