"""The plane of utility and disclosure: what dominates what, and where real rows lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.studies.plane import plane


def tables(points: Mapping[str, tuple[float | None, float | None]], measure: str = "ks") -> list[dict[str, Any]]:
    """Results with a measure of each kind, the real samples at 1 and the baseline of disclosure at 0.5."""
    sample = {"term": measure, "arm": "sample", "estimate": 1.0, "estimate_error": 0.1}
    utility = [{"term": measure, "arm": arm, "estimate": x, "estimate_error": 0.1} for arm, (x, _) in points.items()]
    disclosure = [
        {"term": "dcap", "arm": arm, "estimate": y, "estimate_error": 0.1, "baseline": 0.5}
        for arm, (_, y) in points.items()
    ]
    return [
        {"name": "u", "kind": "utility", "terms": [measure], "rows": [sample, *utility]},
        {"name": "d", "kind": "disclosure", "terms": ["dcap"], "rows": disclosure},
    ]


CASES: list[tuple[dict[str, tuple[float | None, float | None]], str, set[str]]] = [
    ({"a": (1, 1)}, "ks", {"a"}),
    ({"a": (1, 3), "b": (2, 2), "c": (3, 1), "d": (3, 3)}, "ks", {"a", "b", "c"}),
    ({"a": (1, 1), "b": (1, 1)}, "ks", {"a", "b"}),
    ({"a": (1, 1), "b": (1, 2)}, "ks", {"a"}),
    ({"a": (1, 1), "b": (None, 0), "c": (0, None)}, "ks", {"a"}),
    ({"a": (900, 1), "b": (800, 1)}, "k_marginal", {"a"}),  # a score: more is better
    ({"a": (900, 2), "b": (800, 1)}, "k_marginal", {"a", "b"}),
]


@pytest.mark.parametrize(("points", "measure", "front"), CASES)
def test_what_nothing_dominates(points: dict[str, Any], measure: str, front: set[str]) -> None:
    found = plane(tables(points, measure))
    assert found is not None
    assert {one["arm"] for one in found["points"] if one["front"]} == front
    assert (found["utility"]["baseline"], found["disclosure"]["baseline"]) == (1.0, 0.5)


def test_there_is_a_plane_of_both_only() -> None:
    utility, disclosure = tables({"a": (1, 1)})
    assert plane([utility]) is plane([disclosure]) is None


def test_a_study_says_which_variants_nothing_dominates() -> None:
    """Columns drawn apart from each other are useless and disclose little; what is drawn from tiny leaves copies."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=160)
    frame = pd.DataFrame(
        {"x": x.round(2), "y": (x + rng.normal(0, 0.1, 160)).round(2), "g": rng.choice(["a", "b"], 160)}
    )
    found = rp.study(
        frame,
        3,
        m=1,
        seed=3,
        sampling="halves",
        progress=False,
        variants={"close": {"minbucket": 1}, "apart": {"method": "sample"}},
        estimands=[{"utility": ["s_pmse_twoway"]}, {"disclosure": ["copied_unique_rows"]}],
    )
    summary = found.summary.set_index("arm")
    assert list(summary["front"][["close", "apart"]]) == [True, True]
    assert summary["utility"]["apart"] > summary["utility"]["close"] >= 0.9 * summary["utility"]["sample"]
    assert summary["disclosure"]["apart"] < summary["disclosure"]["close"]
    assert "nothing dominates: close, apart" in str(found)
    page = found.to_html()
    assert "<strong>close, apart</strong>" in page
    assert "dominated by another" in page
    assert "halves, drawn at random" in page
    assert "Utility and disclosure</h3>" in page
