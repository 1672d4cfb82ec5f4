"""Match risks, against loops over all pairs, and what they show of releases whose rows are people's."""

from __future__ import annotations

import numpy as np
import pytest

from replicant.disclosure import matching
from replicant.disclosure.combinations import align, count, keys_of
from replicant.disclosure.matching import Known, class_risk, class_risk_figures, match_figures, match_risk
from replicant.evaluation.figure import judged


def tables(seed: int, r: int, m: int = 3, n: int = 40) -> list[Known]:
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(m + 1):
        numbers = rng.normal(size=(n, r)).round(1)
        numbers[rng.random((n, r)) < 0.2] = np.nan
        out.append(Known(rng.integers(0, 2, (n, 2)), numbers))
    for one in out[1:]:  # some rows stay as they are
        one.codes[:20], one.numbers[:20] = out[0].codes[:20], out[0].numbers[:20]
    return out


@pytest.mark.parametrize("pairs", [1, 50, 10**6])
@pytest.mark.parametrize("r", [0, 1, 2])
def test_risks_are_those_of_loops(r: int, pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "PAIRS", pairs)
    real, *sets = tables(r, r)
    widths = np.abs(real.numbers) * 0.5
    n, m = 40, len(sets)
    agree = np.zeros((m, n, n), dtype=bool)
    for number, one in enumerate(sets):
        for i in range(n):
            for j in range(n):
                apart = np.abs(one.numbers[j] - real.numbers[i])
                both = np.isnan(one.numbers[j]) & np.isnan(real.numbers[i])
                agree[number, i, j] = (one.codes[j] == real.codes[i]).all() and ((apart <= widths[i]) | both).all()
    found = match_risk(real, sets, widths)
    c, own = agree.sum(axis=2), np.diagonal(agree, axis1=1, axis2=2)
    assert np.allclose(found.found, (c > 0).mean(axis=0))
    assert np.allclose(found.expected, (own / np.maximum(c, 1)).mean(axis=0))
    assert np.allclose(found.true, (own & (c == 1)).mean(axis=0))
    assert np.allclose(found.false, (~own & (c == 1)).mean(axis=0))
    share = (agree / np.maximum(c, 1)[:, :, None]).mean(axis=0).round(12)
    most = share.max(axis=1)
    ties = (share == most[:, None]).sum(axis=1)
    assert np.allclose(found.together, ((np.diag(share) == most) & (most > 0)) / ties)
    assert (found.together_single == ((ties == 1) & (most > 0))).all()


def test_a_release_that_keeps_the_keys_leads_to_people_and_one_in_random_order_does_not() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        codes, numbers = rng.integers(0, 4, (300, 3)), rng.normal(size=(300, 1))
        real = Known(codes, numbers)
        partial = [Known(np.where(rng.random((300, 3)) < 0.7, codes, rng.integers(0, 4, (300, 3))), numbers)]
        order = rng.permutation(300)
        shuffled = [Known(one.codes[order], one.numbers[order]) for one in partial]
        widths = np.full((300, 1), 0.1)
        flags = [
            {one.measure for one in judged(match_figures(match_risk(real, sets, widths))) if one.flag}
            for sets in (partial, shuffled)
        ]
        assert flags == [{"match_expected", "match_true", "match_together"}, set()]


def test_what_many_sets_give_away_together_is_more_than_one_does() -> None:
    """A record and its neighbour share their keys in one set, and no longer in another."""
    codes = np.arange(50)[:, None]
    real = Known(codes // 2, np.empty((50, 0)))
    moved = Known(np.where(codes % 4 == 1, (codes + 4) // 2 % 25, codes // 2), np.empty((50, 0)))
    assert match_risk(real, [real]).together[0] == 0.5
    assert match_risk(real, [real, moved]).together[0] == 1.0


def test_classes_point_to_the_people_who_share_them() -> None:
    one = [count(keys_of(np.array(keys)[:, None], (10,))) for keys in ([1, 1, 2, 3], [1, 4], [2, 2], [3, 3])]
    tables = align(one[0], one[1:])
    now, ever = class_risk(tables, 2)
    assert tables.keys.tolist() == [1, 2, 3, 4]
    assert now.tolist() == [0.25, 0.5, 0.0, 0.0]
    assert ever.tolist() == [0.5, 1.0, 1.0, 0.0]
    known = class_risk(tables, 2, np.array([10.0, 1.0, 4.0, 1.0]))[1]
    assert known.tolist() == [0.1, 1.0, 0.25, 0.0]
    figures = class_risk_figures(tables, 2, of="k")
    assert [one.value for one in figures] == [0.25, 0.75]
    assert figures[0].baseline is None
    with_holdout = class_risk_figures(align(one[0], one[1:3], one[3]), 2)
    assert with_holdout[0].baseline == 0.0
    assert class_risk_figures(align(one[0], one[1:2], one[0]), 1)[0].baseline == pytest.approx((2 / 3) / 4)
