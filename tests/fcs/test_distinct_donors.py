"""`donors: distinct`: within a synthetic row no record donates to two cells where its leaf offers another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import replicant as rp
from replicant import fcs
from replicant.execution.backend import Backend
from replicant.methods import Donations, DonorModel
from replicant.plan import Plan, build_plan
from replicant.run.job import run_job
from replicant.spec.load import parse_job, validate_synthesis
from replicant.table import encode_table

Int = npt.NDArray[np.int32]
CONDITIONINGS = pytest.mark.parametrize("conditioning", ["synthetic", "observed"])


def records(n: int, p: int, seed: int) -> pd.DataFrame:
    """Columns that depend on each other, and whose every cell tells its record."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=n)
    columns = {f"x{j}": base + rng.normal(scale=0.7, size=n) for j in range(p)}
    return pd.DataFrame({name: np.argsort(np.argsort(values)) / 8 for name, values in columns.items()})


class Drawing:
    """One set of one table, with the record that each of its cells comes from."""

    def __init__(self, frame: pd.DataFrame, weights: Int | None = None, **asked: Any) -> None:
        spec = validate_synthesis(**{"seed": 1, "m": 1, "shuffle": False, **asked})
        self.table = encode_table(frame)
        self.plan: Plan = build_plan(spec, self.table)
        self.prepared = fcs.prepare(self.table, self.plan)
        self.models = fcs.fit_columns(self.prepared, self.plan, self.plan.names, weights=weights)
        self.drawn = fcs.draw_imputation(self.prepared, self.plan, self.models, 0, weights=weights)
        self.record = {
            column.name: np.argsort(column.codes)[codes]
            for column, codes in zip(self.table.columns, self.drawn.codes, strict=True)
        }

    def leaves(self, name: str) -> tuple[DonorModel, Int]:
        """The model of a column, and where each row falls."""
        model = self.models[name].value
        assert isinstance(model, DonorModel)
        if self.plan.conditioning == "observed":
            return model, model.tree.leaves(np.ascontiguousarray(self.prepared.features.codes[:, self.drawn.rows].T))
        x = np.empty((self.drawn.codes.shape[1], len(self.prepared.features)), dtype=np.int32)
        for column, codes in zip(self.table.columns, self.drawn.codes, strict=True):
            encoding = self.prepared.columns[column.name]
            for position, encoded in zip(encoding.positions, encoding.encode(codes), strict=True):
                x[:, position] = encoded
        return model, model.tree.leaves(x)

    def repeats(self, most: int) -> int:
        """How many cells have a donor that has donated `most` times; none of these if another record is in the leaf."""
        k = self.drawn.codes.shape[1]
        before: list[list[int]] = [[] for _ in range(k)]
        repeated = 0
        for name in self.plan.sequences[0]:
            kept = self.plan.column(name).is_kept
            model, leaf = (None, np.zeros(k, dtype=np.int32)) if kept else self.leaves(name)
            for i, donor in enumerate(self.record[name].tolist()):
                if model is not None and before[i].count(donor) >= most:
                    entries = model.tree.donors[model.tree.start[leaf[i]] : model.tree.end[leaf[i]]]
                    assert all(before[i].count(other) >= most for other in entries.tolist())
                    repeated += 1
                before[i].append(donor)
        return repeated


@settings(max_examples=15)
@given(
    seed=st.integers(0, 10**6),
    most=st.integers(1, 2),
    minbucket=st.sampled_from([1, 2, 5]),
    conditioning=st.sampled_from(["synthetic", "observed"]),
    kept=st.integers(0, 2),
    weighted=st.booleans(),
    k=st.sampled_from([None, 20, 130]),
    proper=st.booleans(),
)
def test_no_record_donates_again_where_its_leaf_offers_another(
    seed: int, most: int, minbucket: int, conditioning: str, kept: int, weighted: bool, k: int | None, proper: bool
) -> None:
    """Every cell against the leaf that it comes from; and as many cells are counted as one counts here."""
    n = 50
    frame = records(n, 6, seed)
    weights = np.random.default_rng(seed).integers(0, 3, n).astype(np.int32) if weighted else None
    one = Drawing(
        frame,
        weights,
        seed=seed,
        donors={"distinct": most},
        minbucket=minbucket,
        conditioning=conditioning,
        proper=proper,
        k=None if kept else k,
        method={f"x{j}": "keep" for j in range(kept)},
    )
    rows = one.drawn.codes.shape[1]
    assert one.drawn.donors == fcs.DonorCounts((6 - kept) * rows, one.repeats(most))
    if minbucket == 1 and not kept and conditioning == "synthetic" and not weighted and most == 1:
        assert one.drawn.donors.repeated > 0


def test_without_a_limit_a_record_donates_again_and_nothing_is_counted() -> None:
    one = Drawing(records(200, 6, 1), donors="any")
    assert one.drawn.donors is None
    donors = np.sort(np.column_stack([one.record[name] for name in one.plan.names]), axis=1)
    assert (donors[:, 1:] == donors[:, :-1]).any(axis=1).mean() > 0.2


def test_draws_without_a_repeated_donor_are_those_of_no_limit() -> None:
    """The first two columns of each row: the second differs only where its donor was that of the first."""
    frame = records(300, 5, 2)
    free, distinct = (Drawing(frame, donors=donors) for donors in ("any", "distinct"))
    first, second = free.plan.sequences[0][:2]
    np.testing.assert_array_equal(free.record[first], distinct.record[first])
    changed = free.record[second] != distinct.record[second]
    np.testing.assert_array_equal(changed, free.record[second] == free.record[first])
    assert changed.any()


@CONDITIONINGS
def test_a_kept_cell_is_a_donation_of_its_own_record(conditioning: str) -> None:
    """With one cell kept, whole or by `where`, a row's record gives no other; it may give one where two are allowed."""
    frame = records(300, 4, 3)
    own = np.arange(300)
    where = {name: np.full(300, True) for name in frame} | {"x1": own < 150}
    for asked in ({"method": {"x0": "keep"}}, {"where": where}):
        found = {}
        for donors in ("any", "distinct", {"distinct": 2}):
            one = Drawing(frame, donors=donors, conditioning=conditioning, visit_sequence="table", **asked)
            drawn = [name for name in frame if name not in {"x0", "x1"}]
            found[str(donors)] = np.sum([(one.record[name] == own) for name in drawn], axis=0)
            if "where" in asked:
                assert (one.record["x1"][150:] == own[150:]).all()
        kept = own >= (150 if "where" in asked else 0)
        assert found["any"][kept].max() >= 1
        assert found["distinct"][kept].max() == 0
        assert found["{'distinct': 2}"][kept].max() == 1


def test_with_exclude_self_a_record_gives_no_cell_of_its_row_and_no_other_gives_two() -> None:
    frame = records(300, 5, 4)
    one = Drawing(frame, donors="distinct", conditioning="observed", exclude_self=True)
    assert all((one.record[name] != np.arange(300)).all() for name in frame)
    one.repeats(1)
    # Leaves of one record: its neighbour donates, and again if it is the neighbour in every column.
    alone = Drawing(frame, donors="distinct", conditioning="observed", exclude_self=True, minbucket=1, minsplit=2)
    assert all((alone.record[name] != np.arange(300)).all() for name in frame)


def test_a_missing_value_and_a_spike_are_donations_too() -> None:
    """A single record has both gaps and both zeros: with a limit nobody gets two of them, since leaves hold others."""
    rng = np.random.default_rng(5)
    n = 400
    x = rng.normal(size=(4, n)).round(6)
    x[:2, 7] = np.nan
    x[2:, 7] = 0.0
    frame = pd.DataFrame(x.T, columns=list("abcd"))
    columns = {name: {"spike": [0]} for name in "cd"}
    predictors = {name: [other for other in "abcd" if other != name] for name in "abcd"}
    common: dict[str, Any] = {"seed": 6, "columns": columns, "predictors": predictors, "k": 20_000, "m": 1}
    counts = {}
    for donors in ("any", "distinct", {"distinct": 2}):
        one = rp.synthesize(frame, donors=donors, **common)[0]
        counts[str(donors)] = np.bincount(one[["a", "b"]].isna().sum(axis=1) + (one[["c", "d"]] == 0).sum(axis=1))
    assert len(counts["any"]) > 3
    assert len(counts["distinct"]) == 2
    assert len(counts["{'distinct': 2}"]) == 3


def test_every_method_of_donors_keeps_the_limit() -> None:
    """Forests draw some rows from each of their trees."""
    frame = records(300, 5, 7)
    method = {"x0": "rf", "x1": "ctree", "x2": "sample", "x3": "rf"}
    for donors, repeated in (("any", True), ("distinct", False)):
        one = Drawing(frame, donors=donors, method=method)
        record = np.sort(np.column_stack([one.record[name] for name in frame]), axis=1)
        assert (record[:, 1:] == record[:, :-1]).any() == repeated


def test_methods_of_values_are_not_counted() -> None:
    frame = records(200, 4, 8)
    one = Drawing(frame, donors="distinct", method={"x0": "norm", "x1": "pmm"})
    assert one.drawn.donors == fcs.DonorCounts(2 * 200, 0)


def test_a_method_that_draws_other_rows_than_it_was_asked_for_is_refused() -> None:
    from replicant.trees import encode_features, likeness, single_leaf

    donations = Donations.of(1, 10, 2)
    tree, leaf = single_leaf(20), np.zeros(4, dtype=np.int32)
    like = likeness(encode_features([leaf], nominal=[True]), leaf[:0], None, leaf)
    with pytest.raises(TypeError, match=r"Predictors\.take"):
        donations.redraw(tree, leaf, np.zeros(4), like, leaf)


def test_a_row_does_not_follow_the_one_record_that_it_equals() -> None:
    """Rows equal to a record that has no equal, of 8 coarse columns that hang together: beyond chance, half at most.

    If what counts is only how often a record donated, nine tenths remain.
    """
    n, sets = 2000, 4
    rng = np.random.default_rng(10)

    def sample() -> pd.DataFrame:
        base = rng.normal(size=n)
        return pd.DataFrame({f"x{j}": np.round(1.5 * base + rng.normal(size=n)) for j in range(8)}).astype(int)

    real = sample()
    single = real.drop_duplicates(keep=False)

    def copied(frame: pd.DataFrame) -> float:
        return len(frame.merge(single)) / n

    rates = {
        str(donors): np.mean([copied(one) for one in rp.synthesize(real, m=sets, seed=1, donors=donors, minbucket=5)])
        for donors in ("any", {"distinct": 3})
    }
    by_chance = np.mean([copied(sample()) for _ in range(sets)])
    assert rates["{'distinct': 3}"] - by_chance < 0.5 * (rates["any"] - by_chance)


# --- what a user sees -----------------------------------------------------------------------------


def scarce(n: int = 240) -> pd.DataFrame:
    """Leaves of one record: repeated donors cannot be avoided."""
    frame = records(n, 4, 9)
    frame["gap"] = np.where(np.arange(n) % 5 == 0, np.nan, frame["x0"])
    frame["level"] = np.where(frame["x1"] > 10, "high", "low")
    return frame


def test_a_result_has_one_event_with_the_share() -> None:
    syn = rp.synthesize(scarce(), m=2, seed=3, minbucket=1, donors="distinct")
    [event] = [event for event in syn.events if event.code == "repeated_donors"]
    assert "%" in event.message
    assert f"of {2 * 240 * 6:,} drawn cells" in event.message
    roomy = rp.synthesize(records(2000, 3, 1), m=1, seed=3, minbucket=100, donors="distinct")
    assert not [event for event in roomy.events if event.code == "repeated_donors"]


@pytest.mark.parametrize("partition_rows", [None, 80])
def test_bytes_and_counts_do_not_depend_on_where_it_runs(partition_rows: int | None, tmp_path: Path) -> None:
    scarce().to_parquet(tmp_path / "data.parquet", index=False)
    found = []
    for threads in (1, 2):
        target = tmp_path / f"release{threads}"
        text = {
            "input": {"path": str(tmp_path / "data.parquet")},
            "synthesis": {"m": 2, "seed": 4, "minbucket": 1, "donors": "distinct", "partition_rows": partition_rows},
            "output": {"path": str(target)},
        }
        result = run_job(parse_job(json.dumps(text)), Backend(threads=threads))
        assert [event.code for event in result.events].count("repeated_donors") == 1
        public = json.loads((target / "_manifest.json").read_text())
        internal = json.loads(next(Path(f"{target}-internal").glob("*manifest*.json")).read_text())
        assert public["config"]["donors"] == {"distinct": 1}
        assert [event["code"] for event in public["events"]].count("repeated_donors") == 1
        assert internal["donors"]["cells"] == 2 * 240 * 6
        assert internal["donors"]["repeated"] > 0
        found.append(([file["sha256"] for file in public["files"]], internal["donors"]))
    assert found[0] == found[1]


def test_imputed_sets_are_counted_with_their_chains() -> None:
    syn = rp.synthesize(
        scarce(), m=2, seed=5, minbucket=1, missing="impute", donors="distinct", imputation={"maxit": 2}
    )
    assert [event.code for event in syn.events].count("repeated_donors") == 1
    assert len(syn.convergence().frame)


def test_accounts_are_put_together_and_read_again() -> None:
    counts = fcs.DonorCounts(10, 3)
    accounts = [fcs.Account(donors=counts), fcs.Account(), fcs.Account(donors=fcs.DonorCounts(5, 0))]
    assert fcs.donors_of(accounts) == fcs.DonorCounts(15, 3)
    assert fcs.donors_of(fcs.combined(accounts)) == fcs.DonorCounts(15, 3)
    assert fcs.donors_of([fcs.Account()]) is None
    again = fcs.Account.of(json.loads(json.dumps(accounts[0].as_dict())))
    assert (again.trace, again.donors) == (None, counts)
