"""Utility against identical cells, or a measure of disclosure, on a study's page: one mark per variant."""

from __future__ import annotations

import itertools

from replicant.report.measures import title
from replicant.report.plane import Axis, Point
from replicant.report.plane import plane as drawn_plane
from replicant.report.study_panels import WIDTH, Figure, Panel, key
from replicant.report.study_terms import in_sds
from replicant.report.study_view import Arm, Study, finite

__all__ = ["frontier", "plane"]


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


def frontier(study: Study) -> Figure:
    """The first measure of utility against the first of disclosure, with real rows, and a line along the front."""
    heading = "Utility and disclosure"
    if study.plane is None or not study.plane["points"]:
        return Figure(heading, "", (), ())
    arms = {arm.name: arm for arm in study.variants}
    lying = {arms[point["arm"]]: point for point in study.plane["points"]}
    axes = [Axis(title(axis["measure"]), worse=axis["worse"]) for axis in study.axes]
    points = [
        Point(arm.label, point["utility"], point["disclosure"], look=(arm.style, arm.shape))
        for arm, point in lying.items()
    ]
    x, y = (finite(axis["baseline"]) for axis in study.axes)
    shown = list(lying)
    if study.real is not None and x is not None and y is not None:
        points.append(Point(study.real.label, x, y, "landmark", look=(study.real.style, study.real.shape)))
        shown.append(study.real)
    drawn = drawn_plane(points, utility=axes[0], disclosure=axes[1], names=False, frontier=True, size=(WIDTH, 256.0))
    caption = (
        "Down and to the left is better. The line joins the variants that nothing dominates: no other one is as good "
        "in both and better in one. Real samples lie where rows do that were not synthesized."
    )
    keys = key(shown, "the variants that nothing dominates", "thin")
    return Figure(heading, caption, keys, [Panel("One mark per variant", drawn.svg())])


def _biases(study: Study) -> dict[Arm, float]:
    """Per variant the mean size of its bias, in standard deviations of the real samples' estimates."""
    found: dict[Arm, list[float]] = {arm: [] for arm in study.variants}
    for estimand, arm in itertools.product(study.of("model", "correlation"), study.variants):
        values = (in_sds(estimand, term, study.real, estimand.value(term, arm, "bias")) for term in estimand.terms)
        found[arm] += [abs(value) for value in values if value is not None]
    return {arm: sum(values) / len(values) for arm, values in found.items() if values}
