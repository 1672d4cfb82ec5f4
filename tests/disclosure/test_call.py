"""`rp.disclosure`: copies are flagged, a fresh sample is not, and no cell is shown."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.errors import SpecError


def population(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age, town = rng.integers(18, 90, rows), rng.choice(list("abcdefgh"), rows)
    income = (age * 20 + rng.gamma(2, 300, rows)).round()
    return pd.DataFrame({"age": age, "town": town, "income": income})


KEYS = {"keys": ["age", "town"], "targets": ["income"]}


def test_copies_are_flagged_and_a_fresh_sample_is_not() -> None:
    real, fresh, other = population(800, 1), population(800, 2), population(800, 3)
    assert rp.disclosure(real, fresh, **KEYS, effort="quick").passed
    assert rp.disclosure(real, fresh, holdout=other, **KEYS, effort="quick", seed=2).passed
    copied = rp.disclosure(real, real.sample(frac=1, random_state=4), **KEYS, effort="quick")
    assert {"copied_unique_rows", "disclosed"} <= {one.measure for one in copied.flags}
    assert copied.records is not None
    assert copied.settings["records_at_risk"]["copied"] > 700


def test_no_view_holds_a_cell() -> None:
    real = population(300, 1).assign(town=lambda d: d["town"].where(d.index != 7, "Zq7canary"), income=918273645.0)
    found = rp.disclosure(real, real, **KEYS, effort="quick")
    for text in (repr(found), found.to_json(), found.to_html(), found._repr_html_(), str(found.findings)):
        assert "Zq7canary" not in text
        assert "918273645" not in text


def test_keys_are_proposed_with_reasons() -> None:
    real = population(300, 1)
    found = rp.disclosure(real, population(300, 2), effort="quick")
    assert set(found.settings["keys"]) == {"age", "town"}
    assert found.settings["targets"] == ["income"]
    assert len(found.settings["proposed"]) == 3


@pytest.mark.parametrize("given", [{"keys": ["agee"]}, {"targets": "incom"}, {"keys": ["age"], "targets": ["age"]}])
def test_names_that_cannot_be_are_refused(given: dict[str, list[str]]) -> None:
    real = population(60, 1)
    with pytest.raises(SpecError, match=r"agee|incom|both"):
        rp.disclosure(real, real, **given)


def test_a_made_up_household_does_not_hide_that_rows_are_copied() -> None:
    real = population(400, 1).assign(home=lambda d: "h" + (d.index // 2).astype(str))
    copied = real.assign(home=lambda d: "n" + (d.index // 2).astype(str))
    found = rp.disclosure(real, copied, cluster="home", **KEYS, effort="quick")
    assert found["copied_unique_rows"].value > 0.9
    assert 190 < found.settings["households_at_risk"] <= 200
    assert not rp.disclosure(real, copied, **KEYS, effort="quick")["copied_unique_rows"].value
