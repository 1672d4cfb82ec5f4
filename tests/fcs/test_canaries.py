"""Planted canaries: of real cells, in new combinations, found where records are memorised, and taken out."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant import fcs
from replicant.errors import SpecError
from replicant.fcs.canaries import CanaryCounts, canaries_of, plant, take_out

MEMORISING = {"minbucket": 1, "minsplit": 2, "donors": "any", "leaf_weights": "equal", "splits": "rpart"}


def people(n: int, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    hgt, wgt = rng.normal(170, 10, n).round(1), rng.normal(70, 12, n).round(1)
    return pd.DataFrame(
        {
            **{"hgt": hgt, "wgt": wgt, "bmi": (wgt / (hgt / 100) ** 2).round(2), "again": hgt},
            **{"sex": rng.choice(["f", "m"], n), "town": rng.choice(list("abcdefgh"), n)},
            "income": np.where(rng.random(n) < 0.1, np.nan, rng.gamma(2, 900, n).round()),
        }
    )


PASSIVE = {"bmi": "wgt / (hgt / 100)**2"}


def keys(codes: Any) -> set[bytes]:
    return set(map(bytes, np.ascontiguousarray(codes, dtype=np.int32)))


def test_they_are_of_real_cells_in_new_combinations_that_keep_what_is_computed() -> None:
    syn = rp.synthesize(people(300), m=1, seed=3, passive=PASSIVE, canaries=15, threads=1)
    table = syn.table
    planted = plant(table, syn.plan, 0)
    assert planted is not None
    assert planted.canaries.shape == planted.twins.shape == (15, 7)
    assert planted.table.n == 315
    real = keys(np.column_stack([column.codes for column in table.columns]))
    both = keys(planted.canaries) | keys(planted.twins)
    assert len(both) == 30
    assert not both & real
    for j, column in enumerate(table.columns):
        assert set(planted.canaries[:, j]) <= set(range(-1, column.size))
    cells = {name: table[name].numbers(planted.canaries[:, j]) for j, name in enumerate(table.names[:4])}
    np.testing.assert_array_equal(cells["hgt"], cells["again"])
    apart = np.abs(cells["wgt"] / (cells["hgt"] / 100) ** 2 - cells["bmi"])
    assert np.median(apart) < 0.5  # the nearest real value
    again = plant(table, syn.plan, 0)
    assert again is not None
    np.testing.assert_array_equal(again.canaries, planted.canaries)


def test_partitions_share_them_by_their_rows() -> None:
    frame = people(600).assign(town=lambda d: np.where(d.index < 200, "a", "b"))
    syn = rp.synthesize(frame, m=1, seed=3, strata="town", canaries=9, threads=1)
    assert [canaries_of(syn.plan, index) for index in range(2)] == [3, 6]
    assert syn[0]["town"].value_counts().to_dict() == {"a": 200, "b": 400}


def test_rows_that_equal_one_are_replaced_and_nothing_else_changes() -> None:
    syn = rp.synthesize(people(300), m=1, seed=3, canaries=15, threads=1)
    planted = plant(syn.table, syn.plan, 0)
    assert planted is not None
    codes = np.column_stack([column.codes for column in syn.table.columns]).T.astype(np.int32)
    exact = {"income": np.arange(300.0)}
    drawn = fcs.Drawn(codes.copy(), exact, None)
    drawn.codes[:, [5, 9]] = planted.canaries[:2].T
    drawn.codes[:, 7] = planted.twins[0]
    clean, counts = take_out(drawn, planted, syn.plan, 0, 0)
    assert (counts.planted, counts.found, counts.twins_found, counts.removed) == (15, 2, 1, 2)
    assert not keys(clean.codes.T) & keys(planted.canaries)
    rest = np.delete(np.arange(300), [5, 9])
    np.testing.assert_array_equal(clean.codes[:, rest], drawn.codes[:, rest])
    for row in (5, 9):  # another row, with its own number
        other = int(clean.exact["income"][row])
        np.testing.assert_array_equal(clean.codes[:, row], drawn.codes[:, other])


@pytest.mark.parametrize("partition_rows", [None, 300])
def test_memorising_trees_are_seen_and_their_rows_do_not_hold_them(partition_rows: int | None, tmp_path: Path) -> None:
    frame = people(900)[["hgt", "wgt", "sex", "town", "income"]]
    path = tmp_path / "people.parquet"
    frame.to_parquet(path)
    syn = rp.synthesize(
        str(path),
        m=2,
        seed=5,
        canaries=45,
        partition_rows=partition_rows,
        threads=1,
        visit_sequence="table",
        **MEMORISING,
    )
    counts = syn.canaries
    assert counts is not None
    assert counts["planted"] == 2 * 45
    assert counts["nearer"] / counts["pairs"] > 0.6
    assert counts["found"] > counts["twins_found"]
    assert any(event.code == "canaries_removed" for event in syn.events)
    assert syn.manifest["n"] == 900
    assert all(len(one) == 900 for one in syn)
    found = rp.disclosure(frame, syn, keys=["sex", "town"], targets=["income"], effort="quick")
    flagged = {one.measure for one in found.flags}
    assert "canaries_nearer" in flagged
    assert found["canaries_found"].baseline is not None
    release = tmp_path / "release"
    syn.to_parquet(release)
    internal = json.loads((tmp_path / "release-internal" / "_manifest.json").read_text())
    assert internal["canaries"] == dict(counts)
    assert "canaries" not in json.loads((release / "_manifest.json").read_text())
    opened = rp.read_release(release)
    assert opened.canaries == dict(counts)
    (tmp_path / "release-internal" / "_manifest.json").unlink()
    assert opened.canaries is None


def test_a_marginal_bootstrap_memorises_none() -> None:
    flags = 0
    for seed in range(20):
        syn = rp.synthesize(
            people(300)[["hgt", "wgt", "income"]], m=2, seed=seed, method="sample", canaries=15, threads=1
        )
        counts = syn.canaries
        assert counts is not None
        z = (counts["nearer"] / counts["pairs"] - 0.5) / (np.sqrt(counts["variance"] / 2) / (counts["pairs"] / 2))
        flags += abs(z) > 2.58
    assert flags <= 2


def test_without_canaries_nothing_is_said() -> None:
    syn = rp.synthesize(people(100), m=1, seed=1, threads=1)
    assert syn.canaries is None
    assert plant(syn.table, syn.plan, 0) is None
    assert "canaries_found" not in {one.measure for one in rp.disclosure(people(100), syn, effort="quick").figures}


def test_counts_add_up() -> None:
    one = CanaryCounts(1, 2, 3, 4, 0.5, 6.0, 7)
    assert dataclasses.astuple(one + one) == (2, 4, 6, 8, 1.0, 12.0, 14)
    assert fcs.total([None, one, one]) == one + one
    assert fcs.total([None]) is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"conditioning": "observed"}, "is that of a real record"),
        ({"where": ["hgt > 180"]}, "is that of a real record"),
        ({"missing": "impute"}, "is that of a real record"),
        ({"canaries": 50}, "at most one canary for 20 records"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        rp.synthesize(people(200), **{"m": 1, "seed": 1, "canaries": 5, "threads": 1, **settings})


def test_a_study_has_none() -> None:
    with pytest.raises(SpecError, match="nobody's"):
        rp.study(people(200), replicates=2, m=1, canaries=5, estimands=[{"describe": ["hgt"]}], seed=1)


def test_they_keep_the_rules_of_the_job() -> None:
    frame = people(300).assign(first=lambda d: d["hgt"].round(), last=lambda d: d["first"] + 5)[
        ["first", "last", "sex"]
    ]
    syn = rp.synthesize(frame, m=1, seed=3, canaries=10, rules=["first <= last"], threads=1)
    planted = plant(syn.table, syn.plan, 0)
    assert planted is not None
    for codes in (planted.canaries, planted.twins):
        assert len(codes) == 10
        assert (syn.table["first"].numbers(codes[:, 0]) <= syn.table["last"].numbers(codes[:, 1])).all()
