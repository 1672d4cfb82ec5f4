"""Orders of visits, under any directed graph of passive columns."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.errors import SpecError
from replicant.methods import BUILTIN, CART, KEEP, PASSIVE
from replicant.plan import ColumnPlan
from replicant.plan.passive import dependents, in_order
from replicant.plan.sequence import check_list, sequence_for
from replicant.table.kinds import Kind


@st.composite
def graphs(draw: st.DrawFn) -> list[ColumnPlan]:
    """Columns of all sorts; a passive one has inputs before it in a hidden order, which is not the table's."""
    p = draw(st.integers(1, 12))
    columns = []
    for j in range(p):
        method = draw(st.sampled_from(["cart", "cart", "sample", "keep", "passive", "copy"])) if j else "cart"
        inputs: tuple[str, ...] = ()
        if method == "passive":
            inputs = tuple(f"c{i}" for i in sorted(draw(st.sets(st.integers(0, j - 1), min_size=1, max_size=3))))
        if method == "copy":
            drawn = [c.name for c in columns if c.method in {"cart", "sample"}]
            inputs = (draw(st.sampled_from(drawn)),)
        columns.append(ColumnPlan(f"c{j}", Kind.CONTINUOUS, BUILTIN[method], inputs=inputs))
    return draw(st.permutations(columns))


def check(sequence: tuple[str, ...], columns: list[ColumnPlan]) -> None:
    plans = {column.name: column for column in columns}
    assert sorted(sequence) == sorted(plans)
    rank = {name: i for i, name in enumerate(sequence)}
    kept = [column.name for column in columns if column.method == "keep"]
    assert list(sequence[: len(kept)]) == kept
    for name in sequence:
        assert all(rank[other] < rank[name] for other in plans[name].inputs)
    for name in sequence[len(kept) :]:
        if plans[name].inputs:
            # As soon as possible: between its last input and itself stand no drawn columns.
            last = max(rank[other] for other in plans[name].inputs)
            between = sequence[max(last + 1, len(kept)) : rank[name]]
            assert all(plans[other].inputs for other in between)


@given(graphs(), st.integers(0, 2**40), st.integers(0, 9), st.sampled_from(["random", "table"]))
def test_sequences_are_valid(columns: list[ColumnPlan], seed: int, imputation: int, visit: str) -> None:
    sequence = sequence_for(columns, seed, imputation=imputation, visit=visit)
    check(sequence, columns)
    assert sequence == sequence_for(columns, seed, imputation=imputation, visit=visit)
    if visit == "table":
        drawn = [column.name for column in columns if column.method in {"cart", "sample"}]
        assert [name for name in sequence if name in drawn] == drawn


@given(graphs(), st.randoms())
def test_a_list_is_followed(columns: list[ColumnPlan], rng: object) -> None:
    drawn = [column.name for column in columns if column.method in {"cart", "sample"}]
    rng.shuffle(drawn)  # type: ignore[attr-defined]
    check_list(drawn, columns)
    sequence = sequence_for(columns, 1, visit=drawn)
    check(sequence, columns)
    assert [name for name in sequence if name in drawn] == drawn
    # The whole order, as it came out, is itself a lawful list and gives itself back.
    kept = {column.name for column in columns if column.method == "keep"}
    whole = [name for name in sequence if name not in kept]
    check_list(whole, columns)
    assert sequence_for(columns, 1, visit=whole) == sequence


def test_random_orders_are_uniform() -> None:
    columns = [ColumnPlan(name, Kind.COUNT, CART) for name in "abc"]
    counts = Counter(sequence_for(columns, 5, imputation=i) for i in range(3000))
    assert len(counts) == 6
    # Chi-square with 5 degrees of freedom: 20.5 is the 0.999 quantile.
    assert sum((count - 500) ** 2 / 500 for count in counts.values()) < 20.5


def test_replicates_have_orders_of_their_own() -> None:
    columns = [ColumnPlan(f"c{j}", Kind.COUNT, CART) for j in range(12)]
    assert len({sequence_for(columns, 5, imputation=i, replicate=r) for i in range(4) for r in range(4)}) == 16


PLANS = [
    ColumnPlan("hgt", Kind.CONTINUOUS, CART),
    ColumnPlan("wgt", Kind.CONTINUOUS, CART),
    ColumnPlan("bmi", Kind.CONTINUOUS, PASSIVE, inputs=("wgt", "hgt")),
    ColumnPlan("sex", Kind.BINARY, KEEP),
]


@pytest.mark.parametrize(
    ("visit", "says"),
    [
        (["hgt", "wt"], "did you mean 'wgt'"),
        (["hgt"], "lacks 'wgt'"),
        (["hgt", "wgt", "hgt"], "more than once"),
        (["sex", "hgt", "wgt"], "no cell is replaced"),
        (["hgt", "bmi", "wgt"], "before its input 'wgt'"),
        ([], "lacks 'hgt', 'wgt'"),
    ],
)
def test_wrong_lists(visit: list[str], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        check_list(visit, PLANS)


@given(st.dictionaries(st.integers(0, 9), st.sets(st.integers(0, 9), max_size=3), max_size=10))
def test_circles_are_found_as_graphlib_finds_them(graph: dict[int, set[int]]) -> None:
    import graphlib

    inputs = {f"c{name}": tuple(f"c{other}" for other in sorted(others)) for name, others in graph.items()}
    try:
        tuple(graphlib.TopologicalSorter(inputs).static_order())
    except graphlib.CycleError:
        with pytest.raises(SpecError, match="circle") as caught:
            in_order(inputs)
        circle = str(caught.value).splitlines()[0].split(": ")[1].split(" -> ")
        assert circle[0] == circle[-1]
        assert all(other in inputs[name] for name, other in pairwise(circle))
        return
    order = in_order(inputs)
    assert sorted(order) == sorted(inputs)
    rank = {name: i for i, name in enumerate(order)}
    assert all(rank[other] < rank[name] for name in order for other in inputs[name] if other in rank)
    # What depends on what, against the reachability of the same graph.
    later = dependents({name: inputs[name] for name in order})
    for name in {other for others in inputs.values() for other in others}:
        reached, stack = set(), [name]
        while stack:
            at = stack.pop()
            for other, others in inputs.items():
                if at in others and other not in reached:
                    reached.add(other)
                    stack.append(other)
        assert later.get(name, set()) == reached
