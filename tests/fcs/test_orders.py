"""Orders that suit the data: interactions are found, constraints hold, and no two imputations need share one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import replicant as rp
from replicant.errors import SpecError
from replicant.fcs import find_orders, orders
from replicant.fcs.interactions import Interaction
from replicant.plan import Plan, build_plan
from replicant.plan.sequence import sequence_of
from replicant.spec.load import validate_synthesis
from replicant.table import encode_table


def traps(n: int, seed: int) -> pd.DataFrame:
    """A product and a parity without main effects, a sum, and columns of noise, one of which has many levels."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n))
    a, b = rng.integers(0, 2, (2, n))
    s, t = rng.normal(size=(2, n))
    frame = pd.DataFrame({f"noise{j}": rng.normal(size=n) for j in range(6)})
    frame["level"] = [f"level {i}" for i in rng.integers(0, 150, n)]
    parity = a ^ b ^ (rng.random(n) < 0.05)
    frame["c"], frame["a"], frame["b"] = (np.array(["no", "yes"])[one] for one in (parity, a, b))
    frame["x"], frame["y"], frame["z"] = x, x * z + 0.3 * rng.normal(size=n), z
    return frame.assign(sum=s + t, s=s, t=t)


def plan_of(frame: pd.DataFrame, **wanted: Any) -> Plan:
    table = encode_table(frame)
    return build_plan(validate_synthesis(seed=1, visit_sequence="auto", **wanted), table, orders=find_orders)


def found(sets: rp.Synthesis) -> tuple[np.ndarray, np.ndarray]:
    """By set, the slope of the product, 1 in truth; and the share of rows whose parity is right, 0.95 in truth."""
    slopes, shares = [], []
    for one in sets:
        slopes.append((one.x * one.z * one.y).sum() / ((one.x * one.z) ** 2).sum())
        shares.append((((one.a == "yes") ^ (one.b == "yes")) == (one.c == "yes")).mean())
    return np.array(slopes), np.array(shares)


@pytest.mark.parametrize("seed", [1, 2])
def test_interactions_without_main_effects_are_kept(seed: int) -> None:
    """In ten sets each; where splits chase noise, in far more of their size than under random orders."""
    frame = traps(3000, seed)
    slopes, shares = found(rp.synthesize(frame, m=10, seed=7, splits="corrected", visit_sequence="auto"))
    assert slopes.mean() > 0.85
    assert shares.mean() > 0.9
    auto, random = (
        found(rp.synthesize(frame, m=10, seed=7, minbucket=5, splits="rpart", visit_sequence=one))
        for one in ("auto", "random")
    )
    for good, bad in zip(auto, random, strict=True):
        error = np.sqrt(good.var(ddof=1) / 10 + bad.var(ddof=1) / 10)
        assert good.mean() - bad.mean() > 3 * error


def test_the_plan_says_why() -> None:
    plan = plan_of(traps(2000, 1))
    assert plan.orders is not None
    why = plan.orders.why
    assert why["y"].startswith("after x and z: their product explains")
    assert why["level"] == "last: 150 levels"
    assert all("interaction" in why[name] for name in "abcxz")
    text = str(plan)
    assert "auto, one order per imputation" in text
    assert "2,000 rows say where these columns come" in text
    assert "c: beside" in text
    for sequence in plan.sequences:
        assert sequence[-1] == "level"
        assert set(sequence[:3]) == set("abc")
        assert set(sequence[3:5]) == {"x", "z"}
        assert sequence[5] == "y"


def test_nothing_to_say_is_said() -> None:
    rng = np.random.default_rng(2)
    plan = plan_of(pd.DataFrame(rng.normal(size=(300, 5)), columns=list("abcde")))
    assert "300 rows say nothing of what comes before what" in str(plan)
    assert len({sequence_of(plan, i, 0) for i in range(5)}) > 2
    assert not [event for event in plan.events if event.code == "random_orders"]


def test_orders_are_different_and_the_same_again() -> None:
    frame = traps(1000, 3)
    plan, again = plan_of(frame, m=8), plan_of(frame, m=8)
    assert plan.sequences == again.sequences
    assert len(set(plan.sequences)) == 8
    # Replicates of a study draw theirs anew, and all of them obey the same.
    assert len({sequence_of(plan, 0, replicate) for replicate in range(30)}) == 30
    assert all(sequence_of(plan, 0, replicate)[-1] == "level" for replicate in range(30))
    other = build_plan(validate_synthesis(seed=2, m=8, visit_sequence="auto"), encode_table(frame), orders=find_orders)
    assert other.sequences != plan.sequences


@pytest.mark.parametrize("n", [500, 2000])
@pytest.mark.parametrize("seed", range(5))
def test_a_product_beside_main_effects_comes_after_correlated_factors(n: int, seed: int) -> None:
    """Among effects of a factor on a number and on a binary column."""
    rng = np.random.default_rng(seed)
    x1, e = rng.normal(size=(2, n))
    x2 = 0.5 * x1 + np.sqrt(0.75) * e
    group = rng.choice(3, n)
    y = 0.5 * x1 + 0.5 * x2 + 0.5 * group + rng.normal(size=n)
    frame = pd.DataFrame({"x1": x1, "x2": x2, "y": y, "w": 0.5 * x1 + x1 * x2 + rng.normal(size=n)})
    frame["group"], frame["z"] = np.array(list("abc"))[group], (y + rng.logistic(size=n) > 0).astype(int)
    for sequence in plan_of(frame, m=8).sequences:
        assert sequence.index("w") > max(sequence.index("x1"), sequence.index("x2"))


def test_what_contradicts_something_stronger_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring of products, each of whose columns comes after two others, cannot be."""
    ring = [
        Interaction((1, 2), 0, 0.5, directed=True),
        Interaction((0, 2), 1, 0.4, directed=True),
        Interaction((2, 2), 0, 0.3, directed=True),
        Interaction((0, 0), 2, 0.2, directed=True),
    ]
    monkeypatch.setattr(orders, "interactions", lambda _: ring)
    plan = plan_of(pd.DataFrame(np.random.default_rng(3).normal(size=(60, 4)), columns=list("abcd")), m=8)
    assert plan.orders is not None
    assert plan.orders.after == {"a": ("b", "c")}
    for sequence in plan.sequences:
        assert sequence.index("a") > max(map(sequence.index, "bc"))


def test_one_order_serves_shared_fits() -> None:
    plan = plan_of(traps(500, 4), m=3, fits="shared")
    assert len(set(plan.sequences)) == 1
    assert "auto, one order for all imputations" in str(plan)


@pytest.mark.parametrize("name", ["kept", "computed", "not a predictor"])
def test_products_of_columns_that_need_no_place(name: str) -> None:
    """A kept factor stands first anyway; a computed column hangs on nothing."""
    frame = traps(1000, 12)[["y", "x", "z", "s", "t"]]
    wanted: dict[str, dict[str, Any]] = {
        "kept": {"method": {"x": "keep"}},
        "computed": {"passive": {"y": "x * z"}},
        "not a predictor": {"predictors": {"y": ["x", "s"]}},
    }
    plan = plan_of(frame, m=6, **wanted[name])
    assert plan.orders is not None
    assert plan.orders.after == ({"y": ("z",)} if name == "kept" else {})
    assert {"y", "z"} <= set(plan.orders.why) or name == "computed"


def test_wide_tables_are_looked_at_in_part() -> None:
    """In columns that others explain least, where products hide."""
    rng = np.random.default_rng(5)
    cause = rng.normal(size=(400, 1))
    frame = pd.DataFrame(cause + rng.normal(size=(400, 80)), columns=[f"x{j}" for j in range(80)])
    a, b = rng.normal(size=(2, 400))
    plan = plan_of(frame.assign(a=a, c=a * b + 0.3 * rng.normal(size=400), b=b), m=2)
    assert plan.orders is not None
    assert plan.orders.after == {"c": ("a", "b")}


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_constraints_hold(data: st.DataObject) -> None:
    rng = np.random.default_rng(6)
    frame = pd.DataFrame(rng.normal(size=(60, 6)).round(2), columns=list("abcdef")).assign(g=["u", "v", "w"] * 20)
    frame["total"] = frame.a + frame.b
    names = list("abcdefg")
    kept = data.draw(st.sets(st.sampled_from(list("cdefg")), max_size=2))
    wanted: dict[str, Any] = {"method": dict.fromkeys(sorted(kept), "keep")} if kept else {}
    if data.draw(st.booleans()):
        wanted["passive"] = {"total": "a + b"}
    free = [name for name in names if name not in kept]
    limited = data.draw(st.sampled_from(free))
    allowed = data.draw(st.sets(st.sampled_from([name for name in names if name != limited]), max_size=3))
    wanted["predictors"] = {limited: sorted(allowed)}
    if data.draw(st.booleans()):
        wanted["where"] = {"a": "b > 0", **{name: "f > -9" for name in free if name != "a"}}
    plan = plan_of(frame, m=3, **wanted)
    for i, sequence in enumerate(plan.sequences):
        assert sorted(sequence) == sorted(plan.names)
        rank = {name: at for at, name in enumerate(sequence)}
        assert all(rank[name] < len(kept) for name in kept) or "where" in wanted
        if "passive" in wanted:
            assert rank["total"] > max(rank["a"], rank["b"])
        assert set(plan.predictors_of(limited, i)) <= allowed


def test_blocks_stay_together() -> None:
    frame = traps(300, 7)[["a", "b", "c", "x", "y", "z"]]
    plan = plan_of(frame, m=4, method={"a": "catall", "c": "catall"})
    for sequence in plan.sequences:
        assert abs(sequence.index("a") - sequence.index("c")) == 1


def reason(plan: Plan) -> str:
    assert plan.orders is not None
    assert plan.orders.reason
    [event] = [event for event in plan.events if event.code == "random_orders"]
    assert "random, one order per imputation" in str(plan)
    assert len(set(plan.sequences)) > 1 or len(plan.names) == 1
    return event.message


def test_where_no_order_can_be_scored_orders_are_random() -> None:
    frame = traps(200, 8)
    assert "49 rows are fewer than the 50 that tell" in reason(plan_of(frame.iloc[:49]))
    assert "fewer than two columns" in reason(plan_of(frame[["x"]]))
    assert "fewer than two columns" in reason(plan_of(frame[["x"]].assign(one=1, two=2)))
    assert "observed conditioning" in reason(plan_of(frame, conditioning="observed"))
    table = encode_table(frame)
    assert "without a search" in reason(build_plan(validate_synthesis(seed=1, visit_sequence="auto"), table))


def test_all_nominal_or_constant() -> None:
    rng = np.random.default_rng(9)
    frame = pd.DataFrame({name: rng.choice(list("uvw"), 80) for name in "abcd"}).assign(one=1, none=np.nan)
    plan = plan_of(frame)
    assert plan.orders is not None
    assert not plan.orders.reason
    many = pd.DataFrame({name: [f"{name}{i}" for i in rng.integers(0, 300, 900)] for name in "abc"})
    codebook = {name: {"kind": "nominal"} for name in "abc"}
    assert len(rp.synthesize(many, m=2, seed=1, columns=codebook, visit_sequence="auto")[1]) == 900


def test_a_wrong_word_is_refused() -> None:
    with pytest.raises(SpecError, match="visit_sequence is 'autos', did you mean 'auto'"):
        build_plan(validate_synthesis(seed=1, visit_sequence="autos"), encode_table(traps(60, 1)))


def test_partitions_share_the_orders_of_one() -> None:
    frame = traps(2000, 10)
    first, again = (
        rp.synthesize(frame, m=3, seed=5, visit_sequence="auto", partition_rows=500, threads=threads)
        for threads in (1, 2)
    )
    assert first.plan.orders is not None
    assert first.plan.orders.rows == 500
    assert len(set(first.plan.sequences)) == 3
    assert first.plan.sequences == again.plan.sequences
    pd.testing.assert_frame_equal(first[0], again[0])


def test_missing_cells_that_are_imputed() -> None:
    frame = traps(400, 11)
    frame.loc[::3, "y"] = np.nan
    plan = plan_of(frame, m=2, missing="impute")
    assert plan.orders is not None
    assert not plan.orders.reason
    assert rp.synthesize(frame, m=2, seed=1, missing="impute", visit_sequence="auto")[1].notna().all(axis=None)
