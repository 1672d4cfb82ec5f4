"""All measures together: leaks are flagged by what should see them, fresh samples are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.disclosure.measures import compare_rows, measure
from replicant.disclosure.records import numbers_at_risk, records_at_risk
from replicant.evaluation import Figure, compare_schemas, judged


def sample(rng: np.random.Generator, n: int) -> pd.DataFrame:
    age = rng.integers(18, 90, n).astype(float)
    region = rng.choice([f"r{i}" for i in range(16)], n)
    income = np.where(rng.random(n) < 0.02, np.nan, (np.exp(rng.normal(7, 0.6, n)) * (1 + age / 90)).round(1))
    ill = np.where(rng.random(n) < age / 150, "yes", "no")
    return pd.DataFrame({"age": age, "sex": rng.choice(["m", "f"], n), "region": region, "income": income, "ill": ill})


def people(n: int, **constant: Any) -> pd.DataFrame:
    return sample(np.random.default_rng(n), n).assign(**constant)


def figures(real: pd.DataFrame, sets: list[pd.DataFrame], **settings: Any) -> tuple[Figure, ...]:
    coding = compare_schemas(real, sets).coding
    for name in ("holdout", "earlier"):
        if name in settings:
            given = settings[name]
            settings[name] = coding.rows(given) if name == "holdout" else [coding.rows(one) for one in given]
    rows = [coding.rows(one) for one in (real, *sets)]
    return judged(measure(rows[0], rows[1:], keys=["age", "sex", "region"], **settings))


def flags(found: tuple[Figure, ...]) -> set[str]:
    return {one.measure for one in found if one.flag}


@pytest.mark.parametrize("holdout", [False, True])
def test_leaks_are_flagged_and_fresh_samples_are_not(holdout: bool) -> None:
    clean = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        real, first, second, held = (sample(rng, 3000) for _ in range(4))
        more = {"holdout": held} if holdout else {}
        clean += not flags(figures(real, [first, second], **more))
        if seed < 5:
            shuffled = real.sample(frac=1, random_state=seed)
            assert {"copied_rows", "copied_unique_rows", "disclosed", "dcap", "unique_found"} <= flags(
                figures(real, [shuffled], **more)
            )
            leaks = [pd.concat([some, one[30:]]) for some, one in ((real[:30], first), (real[30:60], second))]
            assert "copied_rows" in flags(figures(real, leaks, **more))
    assert clean >= 19


def test_rows_that_are_peoples_are_compared_with_theirs() -> None:
    rng = np.random.default_rng(1)
    real = sample(rng, 1000)
    observed = real.assign(income=real["income"].sample(frac=1, random_state=1).to_numpy())
    observed.loc[:300, "income"] = real.loc[:300, "income"]
    found = figures(real, [observed], aligned=True)
    own = {one.of: one.flag for one in found if one.measure == "own_cells"}
    assert own["income"]
    assert {"own_rows", "match_expected", "match_true"} <= flags(found)
    assert not flags(figures(real, [sample(rng, 1000)], aligned=True))


def test_everything_is_there_once_and_holds_no_cell() -> None:
    rng = np.random.default_rng(1)
    real, first, second, held = (sample(rng, 400) for _ in range(4))
    found = figures(real, [first, second], holdout=held, earlier=[held], aligned=True, rng=rng)
    names = [(one.measure, one.of) for one in found]
    assert len(set(names)) == len(names)
    assert {one.of for one in found} == {"", "age x sex x region", *real.columns}
    now, ever = (next(one.value for one in found if one.measure == f"class_match{end}") for end in ("", "_cumulative"))
    assert 0 < now < ever < 1
    assert {"confident_guesses", "trivial_level", "smallest_class_real", "match_false"} <= {name for name, _ in names}


def test_without_keys_rows_are_compared() -> None:
    rng = np.random.default_rng(1)
    real, first = (sample(rng, 100) for _ in range(2))
    coding = compare_schemas(real, [first]).coding
    found = measure(coding.rows(real), [coding.rows(first)])
    assert [one.measure for one in found] == ["copied_rows", "copied_unique_rows"]


def test_weights_give_the_population() -> None:
    rng = np.random.default_rng(1)
    real, first = (sample(rng, 500).assign(w=40.0) for _ in range(2))
    coding = compare_schemas(real, [first], weights="w").coding
    found = measure(coding.rows(real), [coding.rows(first)], keys=["age", "sex", "region"], targets=["ill"])
    values = {one.measure: one.value for one in found}
    assert 0 < values["reidentification_by_release"] < values["reidentification_of_real"] < 0.15
    assert values["class_match"] < 1 / 40


@pytest.mark.parametrize(
    ("real", "synthetic"),
    [
        (people(1), people(1)),
        (people(30), people(1)),
        (people(1), people(30)),
        (people(30), people(30, region="r99")),
        (people(30, region="r1", sex="m", age=50.0, income=1.0, ill="no"),) * 2,
        (people(30, income=np.nan), people(30)),
    ],
    ids=["one row each", "one synthetic row", "one real row", "no key in common", "constant", "a column missing"],
)
@pytest.mark.parametrize("keys", [("age",), ("age", "sex", "region", "income", "ill")])
@pytest.mark.parametrize("holdout", [False, True])
def test_unusual_tables_have_figures(
    real: pd.DataFrame, synthetic: pd.DataFrame, keys: tuple[str, ...], holdout: bool
) -> None:
    """Without a warning, a value above one where it is a share, or a flag of a table of few rows."""
    coding = compare_schemas(real, [synthetic]).coding
    rows, other = coding.rows(real), coding.rows(synthetic)
    known = [name for name in keys if name in coding.names]
    found = judged(
        measure(
            rows,
            [other, other],
            keys=known,
            holdout=other if holdout else None,
            aligned=len(real) == len(synthetic),
            rng=np.random.default_rng(1),
        )
    )
    counts = {"largest_cell", "mean_cell", "smallest_class_real", "smallest_class_release", "trivial_pairs"}
    assert all(one.value <= 1 or np.isnan(one.value) for one in found if one.measure not in counts)
    assert all(one.baseline is None or -1e-9 <= one.baseline <= 1 + 1e-9 for one in found)
    assert all(one.p_value is None or 0 <= one.p_value <= 1 for one in found)
    if len(real) != len(synthetic):
        assert not flags(found)
    assert numbers_at_risk(records_at_risk(rows, compare_rows(rows, [other], keys=known)))["any"] <= len(real)
