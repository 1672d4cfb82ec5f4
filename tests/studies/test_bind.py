"""Estimands as documents, bound to a table: names, truths, and what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.errors import SpecError
from replicant.spec.study import EstimandSpec
from replicant.studies import PreparedStudy, defaults
from replicant.studies.arm import Arm
from replicant.studies.bind import bind
from replicant.studies.estimand import Estimand
from replicant.table import Table, encode_table

Arms = dict[str, Arm]

Prepare = Callable[..., PreparedStudy]


@pytest.fixture(scope="module")
def bound(arms_of: Callable[..., Arms]) -> Callable[..., tuple[Estimand, ...]]:
    arms = arms_of()

    def make(*asked: dict[str, Any]) -> tuple[Estimand, ...]:
        specs = [EstimandSpec.model_validate(one) for one in asked]
        return bind(specs, arms["original"], {"made": arms["made"].manifest or {}}, ("x", "y"), 0.95)

    return make


def names(estimands: tuple[Estimand, ...]) -> list[str]:
    return [head.name for one in estimands for head in one.heads]


def test_tables_are_named_by_their_kind_or_as_asked(bound: Callable[..., tuple[Estimand, ...]]) -> None:
    asked = bound(
        {"means": "x"},
        {"means": "y"},
        {"means": ["x", "y"], "name": "both"},
        {"discriminate": "all"},
        {"discriminate": "~ x", "name": "by-x", "scores": "scores_x"},
    )
    assert names(asked) == ["means", "means-2", "both", "discriminate", "discriminate-scores", "by-x", "scores_x"]


def test_the_truth_is_the_estimate_on_the_data(bound: Callable[..., tuple[Estimand, ...]], frame: pd.DataFrame) -> None:
    means, correlations = bound({"means": ["x", "count"]}, {"correlation": ["x", "y", "twice"]})
    np.testing.assert_allclose(np.asarray(means.heads[0].truth), frame[["x", "count"]].mean(), rtol=1e-14)
    expected = frame[["x", "y", "twice"]].corr().to_numpy()[np.triu_indices(3, 1)]
    np.testing.assert_allclose(np.asarray(correlations.heads[0].truth), expected, rtol=1e-12)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"describe": ["x", "wrod"]}, r"there is no column 'wrod', did you mean 'word'"),
    ({"correlation": ["x", "word"]}, r"the column 'word' is nominal"),
    ({"correlation": ["x"]}, r"too few columns"),
    ({"correlation": ["x", "x"]}, r"there are too few columns, or one is named twice"),
    ({"means": ["stage"]}, r"the column 'stage' is ordered"),
    ({"counts": ["x"]}, r"the column 'x' is continuous"),
    ({"densities": ["conut"]}, r"did you mean 'count'"),
    ({"densities": []}, r"too few columns"),
    ({"copies": ["conut"]}, r"did you mean 'count'"),
    ({"model": "ols", "formula": "y ~ xx"}, r"study\.estimands\[2\]"),
    ({"model": "olss", "formula": "y ~ x"}, r"did you mean 'ols'"),
    ({"model": "ols", "formula": "word ~ x"}, r"study\.estimands\[2\]"),
    ({"model": "ols", "formula": "y ~ x", "rule": "reiter"}, "write reiter2003"),
    ({"means": "x", "name": "summary"}, r"the name 'summary' is taken"),
    ({"means": "x", "name": "first"}, r"the name 'first' is taken"),
    ({"discriminate": "all", "scores": "first"}, r"the name 'first' is taken"),
]


@pytest.mark.parametrize(("asked", "found"), BAD, ids=lambda value: str(value)[:50])
def test_what_does_not_fit_is_refused_by_place(
    asked: dict[str, Any], found: str, bound: Callable[..., tuple[Estimand, ...]]
) -> None:
    with pytest.raises(SpecError, match=found) as raised:
        bound({"means": "x", "name": "first"}, asked)
    assert str(raised.value).startswith("study.estimands[2]")


@pytest.mark.parametrize(
    ("published", "found"),
    [
        ({"arm": "mad"}, r"no arm 'mad', did you mean 'made'"),
        ({"fields": {"estimte": "est"}}, r"no field 'estimte', did you mean 'estimate'"),
        ({"fields": {"coverage": "cov"}}, r"no field 'coverage'"),
    ],
)
def test_published_figures_have_a_place_to_lie_beside(
    published: dict[str, Any], found: str, bound: Callable[..., tuple[Estimand, ...]]
) -> None:
    """Said before the study, not hours later."""
    whole = {"source": "R", "arm": "made", "file": "f.csv", "fields": {"bias": ["b", "se"]}}
    bound({"means": "x", "published": [whole]})
    with pytest.raises(SpecError, match=found):
        bound({"means": "x", "published": [{**whole, **published}]})


# --- what is estimated if nothing is asked for ------------------------------------------------------------------------


def kinds(table: Table) -> dict[str, Any]:
    return {spec.kind: getattr(spec, spec.kind) for spec in defaults(table.columns)}


def test_the_defaults_are_what_needs_no_model(table: Table) -> None:
    asked = kinds(table)
    assert asked["correlation"] == ["x", "y", "count", "twice"]
    assert asked["discriminate"] == "all"
    assert asked["densities"] == asked["describe"] == list(table.names)
    assert asked["copies"] is True


def dated(n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
            "x": rng.normal(size=n).round(2),
            "a name with blanks": rng.choice(["a", "b"], n),
            "flag": rng.random(n) < 0.5,
        }
    )


TABLES = {
    "dates": dated(),
    "levels alone": dated()[["a name with blanks", "flag"]],
    "one column": dated()[["x"]],
    "a date alone": dated()[["day"]],
    "a constant": dated().assign(x=1.5)[["x", "flag"]],
    "one row short of nothing": dated(2)[["x", "flag"]],
}


@pytest.mark.parametrize("which", TABLES)
def test_the_defaults_fit_any_table(which: str, prepared_of: Prepare) -> None:
    prepared = prepared_of(of=encode_table(TABLES[which]), replicates=2)
    tally = prepared.measure(0).tally
    assert {arm for _, arm in tally} == {"sample", "synthetic"}
    assert np.isfinite(tally["copies", "synthetic"].mean).all()
