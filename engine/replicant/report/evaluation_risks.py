"""How the risk is spread over the real records, and what is found beside what is expected."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from replicant.report.measures import MEASURES
from replicant.view.figures import share
from replicant.view.intervals import Interval, intervals
from replicant.view.plot import Picture
from replicant.view.svg import EDGE, Scale, coordinate, line, mark, text

__all__ = ["attacks", "by_record", "by_size"]

WIDTH = 460
RIGHT = WIDTH - EDGE
LEFT, TOP, FLOOR = 44, 44, 200
MOST = 24
"""Shares in one picture."""

BASELINES = {"holdout": "holdout", "leave_one_out": "the other real rows"}


def by_record(found: Mapping[str, Any]) -> list[Picture]:
    """The risk of the records, the greatest first."""
    given = found["pictures"].get("risk")
    if not given:
        return []
    across, up = Scale(0.0, 1.0, LEFT, RIGHT), Scale(0.0, 1.0, FLOOR, TOP)
    at, risk, base = given["shares"], given["risk"], given["baseline"]
    body = [*_axes(up), *_percents(across)]
    if base is not None:
        body.append(_curve(at, base, across, up, "real", "truth"))
    body.append(_curve(at, risk, across, up, "synthetic", "outline"))
    body.append(text((LEFT + RIGHT) / 2, FLOOR + 31, "real records, the greatest risk first", anchor="middle"))
    words = f"Mean risk {share(_mean(risk))}" + (f", of the baseline {share(_mean(base))}" if base is not None else "")
    steps = "; ".join(
        f"at {100 * part:.0f} % of the records {risk[round(part * (len(risk) - 1))]:.2f}"
        for part in (0.01, 0.1, 0.25, 0.5)
    )
    title = f"Risk by {', '.join(found['pictures']['keys'])}"
    return [_titled(title, f"{words}; {steps}.", FLOOR + 38, body, found)]


def by_size(found: Mapping[str, Any]) -> list[Picture]:
    """The records by how many share their keys, with their mean risk."""
    given = found["pictures"].get("uniqueness")
    if not given:
        return []
    sizes, records, risk = given["sizes"], given["records"], given["risk"]
    base = given["baseline"] or [None] * len(sizes)
    up = Scale(0.0, 1.0, FLOOR, TOP)
    labels = [f"{low}" if high == low + 1 else f"{low}–{high - 1}" for low, high in itertools.pairwise(sizes)] + [
        f"{sizes[-1]}+"
    ]
    step = (RIGHT - LEFT) / len(sizes)
    body, described = _axes(up), []
    for i, label in enumerate(labels):
        x, middle = LEFT + i * step, LEFT + (i + 0.5) * step
        body.append(
            f'<rect class="ground" x="{coordinate(x + 4)}" y="{coordinate(up(records[i]))}" '
            f'width="{coordinate(step - 8)}" height="{coordinate(FLOOR - up(records[i]))}" rx="2"/>'
        )
        for style, shape, value, aside in (("real", "circle", base[i], -7), ("synthetic", "square", risk[i], 7)):
            if value is not None:
                body.append(f'<g class="{style}">{mark(shape, middle + aside, up(value), 4.5)}</g>')
        body.append(text(middle, FLOOR + 14, label, anchor="middle"))
        mean = f", mean risk {share(risk[i])}" if risk[i] is not None else ""
        described.append(f"{label}: {share(records[i])} of the records{mean}")
    body.append(text((LEFT + RIGHT) / 2, FLOOR + 31, "real records that share the keys", anchor="middle"))
    return [_titled("Risk by uniqueness", f"{'; '.join(described)}.", FLOOR + 38, body, found)]


def attacks(found: Mapping[str, Any]) -> list[Picture]:
    """Shares beside their baselines, those of attacks in a picture of their own."""
    shown: dict[str, list[Mapping[str, Any]]] = {"What rows and keys show": [], "Attacks": []}
    for one in found["figures"]:
        measure = MEASURES.get(one["measure"])
        complete = None not in (one["value"], one["baseline_low"], one["baseline_high"], one["p_value"])
        if found["about"] == "disclosure" and measure is not None and measure.form == "share" and complete:
            shown["Attacks" if measure.section == "Attacks" else "What rows and keys show"].append(one)
    keys = " x ".join(found["settings"].get("keys", ()))
    return [_shares(title, figures, keys) for title, figures in shown.items() if figures]


def _shares(title: str, figures: Sequence[Mapping[str, Any]], keys: str) -> Picture:
    chosen = sorted(figures, key=lambda one: (not one["flag"], one["p_value"]))[:MOST]
    conditions = {
        "real": [
            Interval(*(100 * one[key] for key in ("baseline", "baseline_low", "baseline_high"))) for one in chosen
        ],
        "synthetic": [
            Interval(*(100 * (one["value"] if one[key] is None else one[key]) for key in ("value", "low", "high")))
            for one in chosen
        ],
    }
    words = {"real": "baseline", "synthetic": "found"}
    return intervals(title, "percent", [_name(one, keys) for one in chosen], conditions, words=words, width=WIDTH)


def _name(one: Mapping[str, Any], keys: str) -> str:
    title = MEASURES[one["measure"]].title
    of = one["of"]
    if of and of == keys:
        of = "" if "keys" in title else "by keys"
    return ": ".join(part for part in (one["group"], title, of) if part)


def _titled(title: str, description: str, height: float, body: Sequence[str], found: Mapping[str, Any]) -> Picture:
    kind = BASELINES.get(found["pictures"]["baseline_kind"])
    key = [f'<g class="synthetic">{mark("square", LEFT + 4, 29, 4)}</g>', text(LEFT + 14, 33, "the sets")]
    if kind:
        key += [f'<g class="real">{mark("circle", LEFT + 84, 29, 4)}</g>', text(LEFT + 94, 33, kind)]
    return Picture(title, description, WIDTH, height, "".join([text(0, 13, title, kind="title"), *key, *body]))


def _axes(up: Scale) -> list[str]:
    body = []
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        body.append(line(LEFT, up(part), RIGHT, up(part), "grid"))
        body.append(text(LEFT - 6, up(part) + 4, f"{100 * part:g} %", anchor="end"))
    return body


def _percents(across: Scale) -> list[str]:
    parts = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    return [
        text(across(part), FLOOR + 14, f"{100 * part:g} %", anchor="middle" if part < 1 else "end") for part in parts
    ]


def _curve(at: Sequence[float], values: Sequence[float], across: Scale, up: Scale, style: str, kind: str) -> str:
    path = "L".join(f"{coordinate(across(x))} {coordinate(up(y))}" for x, y in zip(at, values, strict=True))
    return f'<g class="{style}"><path class="{kind}" d="M{path}"/></g>'


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
