"""Maps on a study's page: of the correlations and their bias, and of utility against identical cells."""

from __future__ import annotations

import itertools

from replicant.report.study_panels import LABEL, RIGHT, WIDTH, figure, panel
from replicant.report.study_terms import in_sds
from replicant.report.study_view import Study, finite
from replicant.view import svg
from replicant.view.figures import number, share
from replicant.view.markup import escape, shorten
from replicant.view.svg import Scale, coordinate, line, mark, picture, text

__all__ = ["correlations", "plane"]

CELL = 33  # of a heat map
FOOT = 84.0  # room for the names below it
MAPPED = 40  # columns of a heat map
TINT = 0.45  # darkest tint behind a number, so that the number keeps its contrast


def correlations(study: Study) -> str:
    panels = []
    for estimand in study.of("correlation"):
        pairs = {(estimand.extra(term, "column"), estimand.extra(term, "other")): term for term in estimand.terms}
        columns = list(dict.fromkeys(name for place in (0, 1) for name in (pair[place] for pair in pairs)))
        if len(columns) > MAPPED:
            continue
        several = f"{estimand.title}: " if len(study.of("correlation")) > 1 else ""
        truths = {pair: estimand.truth(term) for pair, term in pairs.items()}
        biases = {
            arm: {pair: estimand.value(term, arm, "bias") for pair, term in pairs.items()} for arm in estimand.arms
        }
        most = max((abs(bias) for of in biases.values() for bias in of.values() if bias is not None), default=0.0)
        maps = [("truth", truths, 1.0, 2)]
        maps += [(f"bias, {arm.label}", of, most or 1.0, 3) for arm, of in biases.items()]
        panels += [
            _map(several + name, columns, of, top, digits)
            for name, of, top, digits in maps
            if any(value is not None for value in of.values())
        ]
    caption = (
        "Correlations of the full data, and the bias of each arm. The tint goes with the number, warm above and cool "
        "below zero; the maps of bias share one scale."
    )
    return figure(caption, "", panels)


def _map(name: str, columns: list[str], values: dict[tuple[str, str], float | None], most: float, digits: int) -> str:
    """The triangle below the diagonal, with the number written in every cell."""
    down, across = columns[1:], columns[:-1]
    foot = min(FOOT, max(len(column) for column in columns) * 7.5 + 14)
    cell = max(CELL, min(64.0, (WIDTH - LABEL - 4) / max(len(across), 1)))
    left = WIDTH - 4 - cell * len(across) if len(across) * cell < WIDTH - LABEL else LABEL - 28
    body, told = [], []
    for i, row in enumerate(down):
        y = 2 + CELL * i
        body.append(text(left - 6, y + CELL / 2 + 4, shorten(row, left - 22), anchor="end", kind="name"))
        for j, column in enumerate(across[: i + 1]):
            value = values.get((row, column), values.get((column, row)))
            x = left + cell * j
            box = f'x="{coordinate(x + 1)}" y="{coordinate(y + 1)}" width="{coordinate(cell - 2)}" height="{CELL - 2}"'
            if value is None:
                body.append(
                    f'<rect class="lane" {box} rx="2"/>{text(x + cell / 2, y + CELL / 2 + 4, "–", anchor="middle")}'
                )
                continue
            style = "rise" if value > 0 else "fall"
            tint = TINT * min(1.0, abs(value) / most)
            written = _bare(value, digits)
            body.append(
                f'<rect class="{style}" {box} rx="2" fill-opacity="{tint:.2f}"/>'
                + text(x + cell / 2, y + CELL / 2 + 4, written, anchor="middle", kind="in")
            )
            told.append(f"{row}, {column} {number(value, digits)}")
    floor = 2 + CELL * len(down)
    for j, column in enumerate(across):
        body.append(text(left + cell * (j + 0.5) + 4, floor + 6, shorten(column, FOOT - 24), anchor="end", turn=-90))
    width = max(WIDTH, left + cell * len(across) + 4)
    drawn = picture(width, floor + foot, f"Correlations: {name}", "; ".join(told), "".join(body))
    if width > WIDTH:
        drawn = (
            f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(name)}">'
            f'<div style="width:{coordinate(width)}px">{drawn}</div></div>'
        )
    return panel(name, drawn, "wide" if width > WIDTH else "")


def _bare(value: float, digits: int) -> str:
    """A number of a cell, short: without the zero before the point."""
    written = f"{value:.{digits}f}"
    if float(written) == 0:
        return "0"
    return written.replace("0.", ".", 1) if abs(value) < 1 and "0." in written else written


def plane(study: Study) -> str:
    points = []
    utility = _ratios(study)
    words, ideal, less = "pMSE ratio", 1.0, "1 where the rows cannot be told apart"
    if len(utility) < len(study.variants):
        utility, words, ideal, less = _biases(study), "mean |bias| in standard deviations", 0.0, "0 is none"
    for arm in study.variants:
        same = finite(study.summary.get(arm.name, {}).get("identical_cells"))
        if same is not None and arm.name in utility:
            points.append((arm, same, utility[arm.name]))
    if not points:
        return ""
    left, right, top, floor = 44.0, RIGHT, 22.0, 222.0
    across = Scale(0.0, min(1.0, max(0.1, 1.15 * max(same for _, same, _ in points))), left, right)
    ys = [value for *_, value in points]
    up = Scale(min([*ys, ideal]), max([*ys, ideal]), floor, top)
    room = 0.1 * (up.high - up.low) or 1.0
    up = Scale(max(0.0, up.low - room), up.high + room, floor, top)
    marks = [(value, f"{100 * value:g} %") for value, _ in svg.ticks(across.low, across.high)]
    body = [svg.floor_axis(across, floor, top, marks)]
    for value, label in svg.ticks(up.low, up.high):
        body.append(line(left, up(value), right, up(value), "grid"))
        body.append(text(left - 6, up(value) + 4, label, anchor="end"))
    body.append(line(left, up(ideal), right, up(ideal), "truth"))
    body.append(text(0, 12, words))
    body.append(text((left + right) / 2, floor + 27, "cells identical to the real row's", anchor="middle"))
    beside = svg.spread([up(value) for *_, value in points], 13, top + 4, floor - 4)
    for (arm, same, value), y in zip(points, beside, strict=True):
        x = across(same)
        room = 150.0
        end = x + 10 + room > right
        label_x = x - 14 if end else x + 14
        body.append(
            f'<g class="{arm.style}">{line(x, up(value), label_x, y, "thin")}{mark(arm.shape, x, up(value), 5)}</g>'
        )
        body.append(
            text(
                label_x + (-3 if end else 3),
                y + 4,
                shorten(arm.label, room),
                anchor="end" if end else "start",
                kind="name",
            )
        )
    told = "; ".join(f"{arm.label}: {words} {value:.3g}, identical cells {share(same)}" for arm, same, value in points)
    drawn = picture(WIDTH, floor + 34, f"{words} against identical cells", told, "".join(body))
    caption = (
        f"Left is away from the real rows, low is useful: {escape(words)}, {less} (dashed line). Cells are those of "
        "drawn columns, of the continuous ones where there are any: categories are often equal by chance."
    )
    return figure(caption, "", [panel("One mark per variant", drawn)])


def _ratios(study: Study) -> dict[str, float]:
    found = {arm.name: finite(study.summary.get(arm.name, {}).get("pmse_ratio")) for arm in study.variants}
    return {name: value for name, value in found.items() if value is not None}


def _biases(study: Study) -> dict[str, float]:
    """Per variant the mean size of its bias, in standard deviations of the real samples' estimates."""
    real = next((arm for arm in study.arms if arm.real), None)
    found: dict[str, list[float]] = {arm.name: [] for arm in study.variants}
    if real is not None:
        for estimand, arm in itertools.product(study.of("model", "correlation"), study.variants):
            values = (in_sds(estimand, term, real, estimand.value(term, arm, "bias")) for term in estimand.terms)
            found[arm.name] += [abs(value) for value in values if value is not None]
    return {name: sum(values) / len(values) for name, values in found.items() if values}
