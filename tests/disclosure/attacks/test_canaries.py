"""Canaries are new combinations of unusual real cells; one that comes back is found and removed, types unchanged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicant.disclosure.attacks.canaries import find, plant, remove
from replicant.evaluation import compare_schemas, judged

from .samples import population


def test_canaries_are_unusual_and_new_and_keep_types() -> None:
    frame = population(500, np.random.default_rng(1)).assign(day=pd.date_range("2020-01-01", periods=500), flag=True)
    planted = plant(frame, 10, np.random.default_rng(2))
    assert len(planted.canaries) == len(planted.twins) == 10
    assert len(planted.frame) == 510
    pd.testing.assert_series_equal(planted.frame.dtypes, frame.dtypes)
    pd.testing.assert_frame_equal(planted.frame.iloc[:500], frame)
    every = pd.concat([planted.frame, planted.twins], ignore_index=True)
    assert not every.iloc[500:].merge(frame).shape[0]
    assert not every.iloc[500:].duplicated().any()
    low, high = frame["score"].quantile([0.05, 0.95])
    assert not planted.canaries["score"].between(low + 0.02, high - 0.02).any()
    many = plant(frame, 100, np.random.default_rng(2)).canaries
    assert (many["region"].astype(int) > 5).mean() > 0.6  # rare regions: 27 % of the rows, and 79 % by one over counts


@pytest.mark.parametrize("memorises", [True, False])
def test_what_comes_back_is_found(memorises: bool) -> None:
    rng = np.random.default_rng(3)
    frame, fresh = population(500, rng), population(500, rng)
    planted = plant(frame, 10, rng)
    noisy = planted.canaries.assign(height=planted.canaries["height"] + 0.1)
    release = pd.concat([fresh, planted.canaries.iloc[:6], noisy.iloc[6:]], ignore_index=True) if memorises else fresh
    coding = compare_schemas(planted.frame, [release]).coding
    tables = [coding.rows(one) for one in (planted.canaries, planted.twins, release)]
    copied, nearer = judged(find(*tables[:2], tables[2:], rng))
    assert copied.value == (0.6 if memorises else 0)
    assert (copied.baseline, nearer.flag) == (0, memorises)
    assert abs((nearer.baseline or 0) - 0.5) < 0.05
    kept = remove(release, planted.canaries, coding)
    assert len(kept) == len(release) - 6 * memorises
    pd.testing.assert_series_equal(kept.dtypes, release.dtypes)


def test_a_table_with_every_combination_has_room_for_none() -> None:
    frame = pd.DataFrame({"a": list("xxyy"), "b": list("pqpq")})
    planted = plant(frame, 3, np.random.default_rng(4))
    pd.testing.assert_frame_equal(planted.frame, frame)
    with pytest.raises(ValueError, match="no cells"):
        plant(frame.iloc[:0], 3, np.random.default_rng(4))
