"""Parameters with one meaning: a level that some sets lack, and terms that do not match (cases 1 and 4).

The sets are made here and rows are taken out of some, so that it is known what each of them can tell. What is pooled is
held against means of the rows, against exact arithmetic on the design, and against R.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import replicant as rp
from replicant.analysis import analyse, compare, discriminate
from replicant.cli.main import main
from replicant.errors import DataError
from replicant.estimate import fit

RSCRIPT = shutil.which("Rscript")
needs_r = pytest.mark.skipif(RSCRIPT is None, reason="no Rscript on this machine")

Rows = Callable[[pd.DataFrame], Any]


def manifest_of(frame: pd.DataFrame, m: int) -> dict[str, Any]:
    """What a release of these columns says, their levels among it."""
    columns = []
    for name in frame:
        entry: dict[str, Any] = {"name": str(name), "synthesized": "all", "method": "cart"}
        if isinstance(dtype := frame[name].dtype, pd.CategoricalDtype):
            entry |= {"levels": list(dtype.categories), "kind": "ordered" if dtype.ordered else "nominal"}
        columns.append(entry)
    config = {"conditioning": "synthetic", "fits": "own", "proper": False, "missing": "keep"}
    return {"m": m, "n": len(frame), "k": len(frame), "columns": columns, "config": config}


def made(seed: int = 1, n: int = 300) -> pd.DataFrame:
    """A response of two factors and numbers; every level and cell has rows."""
    rng = np.random.default_rng(seed)
    g, h, o = rng.choice([*"abc"], n), rng.choice([*"st"], n), rng.choice([*"klmn"], n)
    x, z = rng.normal(size=n), rng.normal(size=n)
    y = pd.Series(g).map({"a": 3.0, "b": 0.0, "c": 1.0}).to_numpy() + x + (h == "t") + rng.normal(size=n)
    return pd.DataFrame(
        {
            "y": y,
            "x": x,
            "z": z,
            "g": pd.Categorical(g, [*"abc"]),
            "h": pd.Categorical(h, [*"st"]),
            "o": pd.Categorical(o, [*"klmn"], ordered=True),
            "n": rng.poisson(np.exp(0.3 * x)),
            "p": np.exp(rng.normal(size=n)),
            "b": pd.Categorical(np.where(x + rng.normal(size=n) > 0, "yes", "no"), ["no", "yes"]),
        }
    )


def sets_of(lacking: dict[int, Rows], m: int = 4) -> list[pd.DataFrame]:
    """Sets of which some lack rows; the first is 1."""
    sets = [made(seed) for seed in range(1, m + 1)]
    for i, rows in lacking.items():
        gone = rows(sets[i - 1])
        sets[i - 1] = sets[i - 1][~gone].reset_index(drop=True)
    return sets


def fits_of(sets: list[pd.DataFrame], model: str, formula: str, **options: Any) -> Any:
    return analyse(sets, manifest_of(made(), len(sets)), model, formula, **options)


# -------------------------------------------------------------------- a level that some sets lack


def test_a_reference_that_some_sets_lack_is_refused() -> None:
    """Case 1 as it was told: eight sets of ten give b - a, two would give b - c."""
    rng = np.random.default_rng(1)
    n = 600
    g = np.r_[["a"] * 8, rng.choice(["b", "c"], n - 8)]
    y = pd.Series(g).map({"a": 30.0, "b": 0.0, "c": 5.0}).to_numpy() + rng.normal(size=n)
    frame = pd.DataFrame({"g": g, "y": y})
    syn = rp.synthesize(frame, m=10, seed=3, k=150, visit_sequence=["g", "y"])
    lacking = [i for i, one in enumerate(syn, 1) if "a" not in set(one["g"])]
    assert 0 < len(lacking) < 10
    fits = syn.analyse("ols", "y ~ g")
    with pytest.raises(DataError) as caught:
        fits.pool()
    text = str(caught.value)
    assert f"sets {lacking[0]} and {lacking[1]} has the level 'a' of 'g'" in text
    assert 'C(g, ref="b")' in text
    for i, one in enumerate(fits, 1):
        assert np.isnan(one.estimates).all() == (i in lacking)
    other = rp.synthesize(
        frame.assign(g=pd.Categorical(g, ["b", "a", "c"])), m=10, seed=3, k=150, visit_sequence=["g", "y"]
    )
    pooled = other.analyse("ols", "y ~ g").pool()
    assert pooled.terms == ("(Intercept)", "gc")
    means = [one.groupby("g", observed=True)["y"].mean() for one in other]
    assert pooled.estimate[1] == pytest.approx(np.mean([one["c"] - one["b"] for one in means]))
    assert any("ga is left out" in said and f"set {lacking[0]}, {lacking[1]}" in said for said in pooled.messages)


def without(column: str, *levels: str) -> Rows:
    return lambda frame: frame[column].isin(levels)


def cell(g: str, h: str) -> Rows:
    return lambda frame: (frame["g"] == g) & (frame["h"] == h)


LEFT_OUT = [
    # model, formula, what sets lack, the terms that are pooled, those that are not
    ("ols", "y ~ x + g", {2: without("g", "c")}, "(Intercept) x gb", "gc"),
    ("ols", "y ~ x + g", {2: without("g", "c"), 4: without("g", "b")}, "(Intercept) x", "gb gc"),
    ("ols", "y ~ x + g", dict.fromkeys([1, 2, 3, 4], without("g", "c")), "(Intercept) x gb", "gc"),
    ("ols", "y ~ 0 + g + x", {3: without("g", "a")}, "gb gc x", "ga"),
    ("ols", "y ~ x:g", {1: without("g", "a")}, "(Intercept) x:gb x:gc", "x:ga"),
    ("ols", "y ~ x * g", {2: without("g", "b")}, "(Intercept) x gc x:gc", "gb x:gb"),
    ("ols", "y ~ C(o, treatment)", {2: without("o", "m")}, "(Intercept) C(o, treatment)l C(o, treatment)n", ".m"),
    ("logit", "b ~ x + g", {2: without("g", "c")}, "(Intercept) x gb", "gc"),
    ("probit", "b ~ x + g", {1: without("g", "b")}, "(Intercept) x gc", "gb"),
    ("poisson", "n ~ x + g", {4: without("g", "c")}, "(Intercept) x gb", "gc"),
    ("quantreg", "y ~ x + g", {2: without("g", "c")}, "(Intercept) x gb", "gc"),
    ("polr", "o ~ x + g", {2: without("g", "c")}, "x gb k|l l|m m|n", "gc"),
    ("multinomial", "g ~ x + h", {2: without("g", "c")}, "b:(Intercept) b:x b:ht", "c:(Intercept) c:x c:ht"),
    # The middle of an ordered response: two thresholds stand beside it, the slopes do not depend on it.
    ("polr", "o ~ x", {2: without("o", "m")}, "x k|l", "l|m m|n"),
    ("polr", "o ~ x", {2: without("o", "n")}, "x k|l l|m", "m|n"),
    ("polr", "o ~ x", {3: without("o", "k")}, "x l|m m|n", "k|l"),
    # An empty cell: R drops the last column, whatever the cell; what is tied to it is then something else.
    ("ols", "y ~ g * h + x", {2: cell("c", "t")}, "(Intercept) gb gc ht x gb:ht", "gc:ht"),
    ("ols", "y ~ g * h + x", {2: cell("c", "s")}, "(Intercept) gb ht x gb:ht", "gc gc:ht"),
    ("ols", "y ~ g * h + x", {2: cell("a", "t")}, "(Intercept) gb gc x", "ht gb:ht gc:ht"),
    ("ols", "y ~ g * h + x", {2: cell("a", "s")}, "x", "(Intercept) gb gc ht gb:ht gc:ht"),
    ("ols", "y ~ 0 + g:h + x", {2: cell("a", "s")}, "x gb:hs gc:hs ga:ht gb:ht gc:ht", "ga:hs"),
]


@pytest.mark.parametrize(("model", "formula", "lacking", "kept", "lost"), LEFT_OUT)
def test_a_parameter_that_some_sets_cannot_tell_is_left_out(
    model: str, formula: str, lacking: dict[int, Rows], kept: str, lost: str
) -> None:
    """What is pooled is the mean over the sets of the same fits on whole sets' terms, and the sets are named."""
    sets = sets_of(lacking)
    fits = fits_of(sets, model, formula)
    pooled = fits.pool()
    wanted = kept.replace("C(o, treatment)", "C(o,treatment)").split()
    assert sorted(pooled.terms) == sorted(one.replace("C(o,treatment)", "C(o, treatment)") for one in wanted)
    for term in lost.replace(".m", "C(o,_treatment)m").split():
        name = term.replace("_", " ")
        said = [one for one in pooled.messages if one.startswith(f"{name} is left out")]
        assert said, pooled.messages
        assert said[0].endswith(f"set {', '.join(map(str, sorted(i for i in lacking)))}") or len(lacking) == 2
    for i, term in enumerate(pooled.terms):
        alone = [one.estimates[one.terms.index(term)] for one in fits]
        assert pooled.estimate[i] == pytest.approx(np.mean(alone))


def test_a_column_that_does_not_vary_in_a_set_is_told_apart_in_the_others_only() -> None:
    """With a constant that is not 0 the intercept is something else there too; numbers have no levels."""
    sets = sets_of({})
    sets[1]["z"] = 2.0
    pooled = fits_of(sets, "ols", "y ~ x + z").pool()
    assert pooled.terms == ("x",)
    assert "the rows do not tell (Intercept) from z (set 2)" in pooled.messages
    sets[1]["z"] = 0.0
    assert fits_of(sets, "ols", "y ~ x + z").pool().terms == ("(Intercept)", "x")
    sets[1]["z"] = sets[1]["x"]
    assert fits_of(sets, "ols", "y ~ x + z + h").pool().terms == ("(Intercept)", "ht")


def test_columns_that_depend_on_one_another_in_every_set_are_dropped_as_r_drops_them() -> None:
    """A passive column, the same relation everywhere; another relation in one set makes another parameter of both."""
    sets = [one.assign(double=2 * one["x"] + 1) for one in sets_of({3: without("g", "c")})]
    manifest = manifest_of(made().assign(double=0.0), len(sets))
    pooled = analyse(sets, manifest, "ols", "y ~ x + double + g").pool()
    plain = fits_of(sets, "ols", "y ~ x + g").pool()
    assert pooled.terms == plain.terms == ("(Intercept)", "x", "gb")
    np.testing.assert_allclose(pooled.estimate, plain.estimate)
    sets[1]["double"] = 3 * sets[1]["x"] + 1
    assert analyse(sets, manifest, "ols", "y ~ x + double + g").pool().terms == ("gb",)


REFUSED = [
    ("ols", "y ~ g", {2: without("g", "a")}, "set 2 has the level 'a' of 'g'", "ref="),
    ("ols", "y ~ g * x", {2: without("g", "a"), 3: without("g", "a")}, "sets 2 and 3 has the level 'a'", "ref="),
    ("ols", "y ~ x + x:g", {1: without("g", "a")}, "set 1 has the level 'a' of 'g'", "merge"),
    ("ols", "y ~ g", dict.fromkeys([1, 2, 3, 4], without("g", "a")), "No row of any set has the level 'a'", 'ref="b"'),
    ("logit", "b ~ g + x", {4: without("g", "a")}, "set 4 has the level 'a' of 'g'", "merge"),
    ("poisson", "n ~ C(g)", {4: without("g", "a")}, "set 4 has the level 'a' of 'g'", "merge"),
    ("gamma", "p ~ g", {4: without("g", "a")}, "set 4 has the level 'a' of 'g'", "merge"),
    ("rlm", "y ~ g", {2: without("g", "a")}, "set 2 has the level 'a' of 'g'", "merge"),
    ("polr", "o ~ g", {2: without("g", "a")}, "set 2 has the level 'a' of 'g'", "merge"),
    ("multinomial", "h ~ g", {2: without("g", "a")}, "set 2 has the level 'a' of 'g'", "merge"),
    # Polynomials rest on every level.
    ("ols", "y ~ o", {2: without("o", "l")}, "set 2 has the level 'l' of 'o'", "C(o, treatment)"),
    ("ols", "y ~ x * o", {2: without("o", "n")}, "set 2 has the level 'n' of 'o'", "C(o, treatment)"),
    ("ols", "y ~ C(g, poly)", {3: without("g", "b")}, "set 3 has the level 'b' of 'g'", "C(g, treatment)"),
    ("logit", "b ~ o", dict.fromkeys([1, 2, 3, 4], without("o", "m")), "any set has the level 'm'", "C(o, treatment)"),
    # A response of which a level lacks on which the model rests.
    ("multinomial", "g ~ x", {2: without("g", "a")}, "set 2 has the level 'a' of 'g'", "merge"),
    ("logit", "b ~ x", {3: without("b", "yes")}, "set 3 has the level 'yes' of 'b'", "merge"),
]


@pytest.mark.parametrize(("model", "formula", "lacking", "found", "fix"), REFUSED)
def test_a_level_on_which_the_others_rest_is_refused_where_it_lacks(
    model: str, formula: str, lacking: dict[int, Rows], found: str, fix: str
) -> None:
    fits = fits_of(sets_of(lacking), model, formula)
    with pytest.raises(DataError) as caught:
        fits.pool()
    assert found in str(caught.value)
    assert fix in str(caught.value)


def test_one_set_tells_what_rests_on_a_level_without_rows() -> None:
    """The contrasts and the intercept have no numbers, and what does not rest on the level has those of the rest."""
    frame = made()
    some = frame[frame["g"] != "a"]
    ours = fit("ols", "y ~ g + x", some)
    assert np.isnan(ours.estimates).tolist() == [True, True, True, False]
    plain = fit("ols", "y ~ g + x", some.assign(g=some["g"].cat.remove_unused_categories()))
    assert ours.estimates[3] == pytest.approx(plain.estimates[2])
    assert ours.std_errors[3] == pytest.approx(plain.std_errors[2])
    assert any("no row has the level a" in said and 'C(g, ref="...")' in said for said in ours.messages)
    ordered = fit("ols", "y ~ o + x", frame[frame["o"] != "l"])
    assert np.isfinite(ordered.estimates).tolist() == [False, False, False, False, True]
    assert any("no row has the level l" in said for said in ordered.messages)


def test_values_that_stand_for_levels_may_differ_between_sets() -> None:
    """Of a number no codebook names levels: `C(x)` has those that occur, and a set may lack the first of them."""
    rng = np.random.default_rng(2)
    sets = [pd.DataFrame({"y": rng.normal(size=90), "k": np.arange(90) % 4 + 5}) for _ in range(3)]
    sets[1] = sets[1][sets[1]["k"] != 7]
    pooled = analyse(sets, manifest_of(sets[0], 3), "ols", "y ~ C(k)").pool()
    assert pooled.terms == ("(Intercept)", "C(k)6", "C(k)8")
    sets[1] = sets[1][sets[1]["k"] != 5]
    with pytest.raises(DataError, match=r"No row of set 2 has some level of 'k'") as caught:
        analyse(sets, manifest_of(sets[0], 3), "ols", "y ~ C(k)").pool()
    assert not set("5678") & set(str(caught.value))


@pytest.mark.parametrize(("model", "formula"), [("multinomial", "k ~ x"), ("polr", "k ~ x"), ("ols", "x ~ C(k)")])
def test_values_that_stand_for_levels_are_not_named_where_no_term_can_be_pooled(model: str, formula: str) -> None:
    """The rows of a set do not tell any term apart, and terms are called by the levels."""
    one = pd.DataFrame({"k": [15.75, 918273.25], "x": [1.0, 2.0], "g": pd.Categorical(["a", "b"])})
    sets = [one, one.assign(x=1.0)]
    with pytest.raises(DataError, match="No term could be estimated in every set: ") as caught:
        analyse(sets, manifest_of(one, 2), model, formula).pool()
    assert not [level for level in ("15.75", "918273") if level in str(caught.value)]
    with pytest.raises(DataError, match=r"b:x is left out"):  # of levels that the codebook has, it says more
        analyse(sets, manifest_of(one, 2), "multinomial", "g ~ x").pool()


def test_another_reference_is_the_way_out_that_the_message_names() -> None:
    """With `ref` the means of the other levels are compared; the level that lacks is left out."""
    sets = sets_of({2: without("g", "a")})
    pooled = fits_of(sets, "ols", 'y ~ C(g, ref="b")').pool()
    assert pooled.terms == ("(Intercept)", 'C(g, ref = "b")c')
    means = [one.groupby("g", observed=True)["y"].mean() for one in sets]
    assert pooled.estimate[1] == pytest.approx(np.mean([one["c"] - one["b"] for one in means]))


def test_a_set_that_has_one_level_of_the_response_is_named() -> None:
    with pytest.raises(DataError, match="set 3: the response of polr has 1 level"):
        fits_of(sets_of({3: without("o", *"kmn")}), "polr", "o ~ x")


def test_fits_of_the_engine_are_pooled_by_themselves_alike() -> None:
    sets = sets_of({2: cell("a", "t"), 3: without("g", "c")})
    fits = [fit("ols", "y ~ g * h + x", one) for one in sets]
    by_hand, ours = rp.pool(fits, rule="reiter2003"), fits_of(sets, "ols", "y ~ g * h + x").pool("reiter2003")
    assert by_hand.terms == ours.terms == ("(Intercept)", "gb", "x")
    np.testing.assert_allclose(by_hand.estimate, ours.estimate)
    assert any("ht is left out" in said and "set 2" in said for said in by_hand.messages)
    with pytest.raises(DataError, match="No row of set 1 has the level 'a' of 'g'"):
        rp.pool([fit("ols", "y ~ g", one) for one in sets_of({1: without("g", "a")})])


@pytest.mark.parametrize("basis", ["bs(x, knots = c(-1, 1))", "ns(x, knots = c(-1, 1))", "poly(x, 2)"])
def test_a_basis_that_a_set_cannot_tell_is_left_out(basis: str) -> None:
    """A set whose numbers lie in one corner: of a basis that is the same in all sets some columns are tied there."""
    sets = sets_of({})
    sets[2]["x"] = np.where(sets[2]["x"] > 0, 0.5, 0.25)
    pooled = fits_of(sets, "ols", f"y ~ h + {basis}").pool()
    assert "ht" in pooled.terms
    assert not any(term.startswith(basis[:5]) for term in pooled.terms)
    assert "(Intercept)" not in pooled.terms
    assert any("is left out" in said and "set 3" in said for said in pooled.messages)


@pytest.mark.parametrize("contrasts", ["sum", "helmert", "poly"])
def test_contrasts_that_rest_on_all_levels_are_refused_without_one(contrasts: str) -> None:
    with pytest.raises(DataError, match="set 4 has the level 'c' of 'g', on all of which its contrasts rest"):
        fits_of(sets_of({4: without("g", "c")}), "ols", f"y ~ C(g, {contrasts})").pool()


def test_the_command_line_refuses_with_the_code_for_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = made()
    frame["g"] = pd.Categorical(np.where(np.arange(len(frame)) < 1, "a", "b"), ["a", "b"])
    syn = rp.synthesize(frame[["y", "g"]], m=4, seed=1, visit_sequence=["g", "y"])
    assert any((one["g"] == "b").all() for one in syn)
    syn.to_parquet(tmp_path / "release")
    with pytest.raises(SystemExit) as ended:
        main(["pool", str(tmp_path / "release"), "--formula", "y ~ g"])
    assert ended.value.code == 3
    assert "the level 'a' of 'g'" in " ".join(capsys.readouterr().err.split())


BORROWED = [
    ("phreg", {"status": "event"}),
    ("negbin", {}),
    ("mixedlm", {"groups": "where"}),
    ("gee", {"groups": "where"}),
]


@pytest.mark.parametrize(("model", "options"), BORROWED)
def test_models_of_statsmodels_rest_on_levels_alike(model: str, options: dict[str, Any]) -> None:
    """Cox's model has no intercept, and its coefficients rest on the reference all the same."""

    def more(one: pd.DataFrame) -> pd.DataFrame:
        counts = np.random.default_rng(5).poisson(3 * one["p"])  # wider than Poisson's
        return one.assign(event=(one["z"] < 0.8).astype(int), where=np.arange(len(one)) % 20, n=counts)

    manifest = manifest_of(more(made()), 3)
    response = {"phreg": "p", "negbin": "n"}.get(model, "y")
    sets = [more(one) for one in sets_of({2: without("g", "c")}, m=3)]
    pooled = analyse(sets, manifest, model, f"{response} ~ x + g", **options).pool()
    assert {"x", "gb"} <= set(pooled.terms)
    assert "gc" not in pooled.terms
    sets = [more(one) for one in sets_of({2: without("g", "a")}, m=3)]
    with pytest.raises(DataError, match="No row of set 2 has the level 'a' of 'g'"):
        analyse(sets, manifest, model, f"{response} ~ x + g", **options).pool()


# -------------------------------------------------------------------- against exact arithmetic


def rank(rows: list[list[int]]) -> int:
    """By elimination with fractions."""
    left = [[Fraction(value) for value in row] for row in rows]
    done = 0
    for j in range(len(left[0]) if left else 0):
        at = next((i for i in range(done, len(left)) if left[i][j] != 0), None)
        if at is None:
            continue
        left[done], left[at] = left[at], left[done]
        for i in range(done + 1, len(left)):
            share = left[i][j] / left[done][j]
            left[i] = [a - share * b for a, b in zip(left[i], left[done], strict=True)]
        done += 1
    return done


def estimable(sets: list[list[list[int]]]) -> set[int]:
    """Columns whose coefficient every set tells, once what is dependent in all together is 0."""
    together = [row for rows in sets for row in rows]
    kept: list[int] = []
    for j in range(len(together[0])):
        if rank([[row[i] for i in (*kept, j)] for row in together]) > len(kept):
            kept.append(j)

    def tells(rows: list[list[int]], j: int) -> bool:
        """Whether the unit vector of j lies in the space of the rows."""
        narrow = [[row[i] for i in kept] for row in rows]
        return rank([*narrow, [int(i == j) for i in kept]]) == rank(narrow)

    return {j for j in kept if all(tells(rows, j) for rows in sets)}


@given(st.data())
def test_what_is_pooled_is_what_exact_arithmetic_finds_estimable(data: st.DataObject) -> None:
    """Two factors and a whole number, few rows; the references occur in every set, else it is refused."""
    cells = st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("st"), st.integers(-2, 2)), min_size=2, max_size=9
    )
    rows = data.draw(st.lists(cells, min_size=2, max_size=3))
    formula = data.draw(
        st.sampled_from(["y ~ g * h", "y ~ g + h + x", "y ~ g * x", "y ~ g:h + x", "y ~ g * h + h * x"])
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    sets = []
    for one in rows:
        g, h, x = zip(*one, strict=True)
        frame = pd.DataFrame({"g": pd.Categorical(g, [*"abc"]), "h": pd.Categorical(h, [*"st"]), "x": [*map(float, x)]})
        # With many copies of each row there is a variance to speak of.
        sets.append(pd.concat([frame] * 4, ignore_index=True).assign(y=rng.normal(size=4 * len(frame))))
    designs, names = [], []
    for one in rows:
        designs.append([])
        for g, h, x in one:
            b, c, t = int(g == "b"), int(g == "c"), int(h == "t")
            table = {
                "y ~ g * h": [1, b, c, t, b * t, c * t],
                "y ~ g + h + x": [1, b, c, t, x],
                "y ~ g * x": [1, b, c, x, b * x, c * x],
                "y ~ g:h + x": [1, x, *(int(g == i) * int(h == j) for j in "st" for i in "abc")],
                "y ~ g * h + h * x": [1, b, c, t, x, b * t, c * t, t * x],
            }
            designs[-1].append(table[formula])
    names = fit("ols", formula, sets[0]).terms
    wanted = tuple(names[j] for j in sorted(estimable(designs)))
    lacks = "g:h" not in formula and any(
        factor in formula and not (one[factor] == first).any()
        for factor, first in (("g", "a"), ("h", "s"))
        for one in sets
    )
    fits = analyse(sets, manifest_of(sets[0], len(sets)), "ols", formula)
    if lacks or not wanted:
        with pytest.raises(DataError):
            fits.pool()
    else:
        assert fits.pool().terms == wanted


@pytest.mark.parametrize("formula", ["y ~ g * x + o", "y ~ 0 + g:h + x", "y ~ g * h"])
@pytest.mark.parametrize("model", ["ols", "poisson"])
def test_partitions_that_lack_levels_are_one_table(model: str, formula: str) -> None:
    """Every partition has one level of one factor only: the terms, and the numbers, are those of one frame."""
    frame = made().assign(y=lambda d: d["n"])
    for frames in (frame, frame[frame["g"] != "a"], frame[(frame["g"] != "c") | (frame["h"] != "t")]):
        whole = fit(model, formula, frames)
        for by in ("g", "o", "h"):
            parts = [part for _, part in frames.groupby(by, observed=True)]
            found = fit(model, formula, parts)
            assert found.terms == whole.terms
            np.testing.assert_allclose(found.estimates, whole.estimates, rtol=1e-8, atol=1e-10)
            np.testing.assert_allclose(found.covariance, whole.covariance, rtol=1e-7, atol=1e-10)
            assert found.messages == whole.messages


# -------------------------------------------------------------------- the same in R


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    target = tmp_path_factory.mktemp("levels") / "release"
    syn = rp.synthesize(made(), m=4, seed=4)
    syn.to_parquet(target, csv=True, helpers=["r"])
    return syn, target


def in_r(call: str, formula: str, gone: dict[int, str], release: Path) -> pd.DataFrame | str:
    """What `analyse.R` pools when rows are taken out of the sets, or what it refuses with."""
    assert RSCRIPT is not None
    script = [f'source("{release}/_scripts/analyse.R")']
    script += [f"sets[[{i}]] <- subset(sets[[{i}]], !({rows}))" for i, rows in gone.items()]
    script += [
        f"found <- tryCatch(pool_syn(lapply(sets, function(d) {call.format(formula)})), error = conditionMessage)",
        'if (is.character(found)) cat(found) else write.csv(format(found, digits = 15), "", row.names = FALSE)',
    ]
    file = release.parent / "run.R"
    file.write_text("\n".join(script), encoding="utf-8")
    done = subprocess.run([RSCRIPT, "--vanilla", str(file)], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return pd.read_csv(StringIO(done.stdout)) if done.stdout.startswith('"term"') else done.stdout


IN_R = [
    ("ols", "lm({}, d)", "y ~ x + g", {2: 'g == "c"'}),
    ("ols", "lm({}, d)", "y ~ x * g", {2: 'g == "b"', 3: 'g == "b"'}),
    ("ols", "lm({}, d)", "y ~ g", {2: 'g == "a"'}),
    ("ols", "lm({}, d)", "y ~ o", {2: 'o == "l"'}),
    ("ols", "lm({}, d)", "y ~ g * h + x", {2: 'g == "c" & h == "t"'}),
    ("ols", "lm({}, d)", "y ~ g * h + x", {2: 'g == "c" & h == "s"'}),
    ("ols", "lm({}, d)", "y ~ g * h + x", {2: 'g == "a" & h == "s"', 4: 'g == "c" & h == "s"'}),
    ("poisson", "glm({}, poisson, d, epsilon = 1e-10)", "n ~ g * h + x", {1: 'g == "b" & h == "s"'}),
    # With the level, but without rows of it, polr finds two thresholds at one place.
    ("polr", "MASS::polr({}, droplevels(d), Hess = TRUE)", "o ~ x + g", {1: 'o == "m"'}),
]


@needs_r
@pytest.mark.parametrize(("model", "call", "formula", "gone"), IN_R)
def test_the_script_for_r_does_the_same(
    model: str, call: str, formula: str, gone: dict[int, str], release: tuple[Any, Path]
) -> None:
    syn, folder = release
    sets = [one.copy() for one in syn]
    for i, rows in gone.items():
        sets[i - 1] = sets[i - 1].query(f"not ({rows})")
    fits = analyse(sets, syn.manifest, model, formula)
    theirs = in_r(call, formula, gone, folder)
    if isinstance(theirs, str):
        assert "does not occur in every set" in theirs
        with pytest.raises(DataError, match="No row of set 2 has the level"):
            fits.pool()
        return
    ours = fits.pool(dfcom=None) if model == "polr" else fits.pool()
    theirs.index = pd.Index(theirs["term"].str.strip())
    assert sorted(theirs.index) == sorted(ours.terms)
    accuracy = 1e-3 if model == "polr" else 1e-6  # its own searches end early
    for key, mine in (("estimate", ours.estimate), ("std.error", ours.std_error)):
        np.testing.assert_allclose(mine, theirs.loc[list(ours.terms), key], rtol=accuracy, atol=accuracy)


# -------------------------------------------------------------------- compare


def test_a_column_that_is_coded_otherwise_in_the_real_data_is_an_error() -> None:
    """Case 4: a number on the one side, levels on the other. Which terms, and why."""
    sets = sets_of({}, m=2)
    manifest = manifest_of(made(), 2)
    plain = {
        **manifest,
        "columns": [{key: one[key] for key in ("name", "synthesized", "method")} for one in manifest["columns"]],
    }
    for real, text in [
        (made().assign(g=lambda d: d["g"].cat.codes), "g has levels in the sets and is a number in the real data"),
        (made().assign(g=lambda d: d["g"].cat.rename_categories(str.upper)), "g has 3 levels in the real data and 3"),
        (made().assign(g=lambda d: d["g"].cat.as_ordered()), "g is ordered in the real data only"),
    ]:
        with pytest.raises(DataError) as caught:
            compare(real, sets, plain, "ols", "y ~ x + g")
        assert text in str(caught.value)
        assert "only the sets have gb and gc" in str(caught.value)


@pytest.mark.parametrize(
    "form", [lambda codes: codes, lambda codes: codes.astype(float), lambda codes: codes.astype(str)]
)
def test_real_data_in_codes_are_compared_by_the_labels_of_the_codebook(form: Callable[[pd.Series], pd.Series]) -> None:
    """Case 4 as it was told: every term is there, with the figures of labels put in by hand."""
    rng = np.random.default_rng(6)
    n = 300
    raw = pd.DataFrame({"age": rng.normal(40, 9, n), "occupation": rng.integers(1, 5, n)})
    raw["income"] = 100 * raw["occupation"] + 3 * raw["age"] + rng.normal(0, 50, n)
    labels = {1: "farm", 2: "works", 3: "office", 4: "none"}
    syn = rp.synthesize(raw, m=3, seed=1, columns={"occupation": {"kind": "nominal", "labels": labels}})
    by_hand = raw.assign(occupation=pd.Categorical(raw["occupation"].map(labels), list(labels.values())))
    given = raw.assign(occupation=form(raw["occupation"]))
    found, wanted = (syn.compare(one, "ols", "income ~ age + occupation") for one in (given, by_hand))
    terms = ["(Intercept)", "age", "occupationworks", "occupationoffice", "occupationnone"]
    assert list(found.frame["term"]) == terms
    pd.testing.assert_frame_equal(found.frame, wanted.frame)
    with pytest.raises(DataError, match="no column 'occupation'"):
        syn.compare(raw.rename(columns={"occupation": "occupatoin"}), "ols", "income ~ age + occupation")


def test_what_a_side_cannot_tell_is_left_out_of_a_comparison_and_said() -> None:
    sets = sets_of({1: without("g", "c"), 2: without("g", "c")}, m=2)
    found = compare(made(), sets, manifest_of(made(), 2), "ols", "y ~ x + g")
    assert list(found.frame["term"]) == ["(Intercept)", "x", "gb"]
    assert "gc is left out: it could not be estimated in set 1 and set 2" in found.messages
    assert "gc is left out" in repr(found)
    real = made()
    real = real[(real["g"] != "c") | (real["h"] != "s")]
    found = compare(real, sets_of({}, m=2), manifest_of(made(), 2), "ols", "y ~ g * h + x")
    assert list(found.frame["term"]) == ["(Intercept)", "gb", "ht", "x", "gb:ht"]
    assert any("gc is left out" in said and "the real data" in said for said in found.messages)
    with pytest.raises(DataError, match="No row of the real data has the level 'a' of 'g'"):
        compare(made()[lambda d: d["g"] != "a"], sets_of({}, m=2), manifest_of(made(), 2), "ols", "y ~ g")
    with pytest.raises(DataError, match="No row of set 2 has the level 'a' of 'g'"):
        compare(made(), sets_of({2: without("g", "a")}, m=2), manifest_of(made(), 2), "ols", "y ~ g")


def test_values_that_stand_for_levels_on_one_side_only_are_left_out() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"y": rng.normal(size=90), "k": np.arange(90) % 3})
    some = frame[frame["k"] < 2]
    found = compare(frame, [some, some], manifest_of(frame, 2), "ols", "y ~ C(k)")
    assert list(found.frame["term"]) == ["(Intercept)", "C(k)1"]
    assert "C(k)2 is left out: only the real data have it" in found.messages


# -------------------------------------------------------------------- telling real from synthetic rows


def test_an_ordered_column_with_an_unused_level_does_not_stop_a_discrimination() -> None:
    """Scores are those without the unused level; its polynomials are no parameters, and the rest is pooled."""
    real, sets = made(9), sets_of({}, m=3)
    frames = [one[["x", "o"]] for one in (real, *sets)]
    more = [one.assign(o=one["o"].cat.add_categories(["z"])) for one in frames]
    plain = discriminate(frames[0], frames[1:], {})
    told = discriminate(more[0], more[1:], {})
    with pytest.raises(DataError, match="No term could be estimated in every set"):
        discriminate(more[0][["o"]], [one[["o"]] for one in more[1:]], {}).pool()
    pd.testing.assert_frame_equal(told.frame, plain.frame, rtol=1e-6)
    assert told.pool().terms == ("x",)
    at = plain.pool().terms.index("x")
    assert told.pool().estimate[0] == pytest.approx(plain.pool().estimate[at])
