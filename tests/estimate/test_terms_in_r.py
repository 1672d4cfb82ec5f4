"""Terms that compute: splines, offsets, references, comparisons. Beside R, scipy, closed forms, and in parts."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from replicant.errors import DataError, ReplicantError, SpecError
from replicant.estimate import fit, parse
from replicant.estimate.design import prepare
from replicant.estimate.learned import learned_together
from replicant.estimate.partitions import partitioned

from .in_r import in_r

SCRIPT = """
library(splines)
models <- list(
  ols = function(f) lm(f, d),
  poisson = function(f) glm(f, poisson, d, epsilon = 1e-14),
  logit = function(f) glm(f, binomial, d, epsilon = 1e-14),
  probit = function(f) glm(f, binomial("probit"), d, epsilon = 1e-14, maxit = 100),
  gamma = function(f) glm(f, Gamma("log"), d, epsilon = 1e-14))
out <- lapply(tests, function(test) {
  model <- models[[test[[1]]]](as.formula(test[[2]]))
  table <- coef(summary(model))
  list(terms = names(coef(model)), estimates = unname(coef(model)),
       errors = unname(table[match(names(coef(model)), rownames(table)), 2]))
})
"""

TESTS = [
    ("ols", "y ~ bs(x, df = 5)"),
    ("ols", "y ~ bs(x, 4):g"),
    ("ols", "y ~ bs(x, knots = c(-0.5, 0.5), degree = 2)"),
    ("ols", "y ~ bs(x)"),
    ("ols", "y ~ bs(x, df = 5, degree = 2) * g"),
    ("ols", "y ~ 0 + bs(x, df = 6, intercept = TRUE)"),
    ("ols", "y ~ bs(log(z), df = 4)"),
    ("ols", "y ~ ns(x, df = 3) + g"),
    ("ols", "y ~ ns(x)"),
    ("ols", "y ~ ns(x, knots = c(-1, 0, 1))"),
    ("ols", "y ~ ns(x, df = 3, Boundary.knots = c(-1.5, 1.5))"),
    ("ols", "y ~ ns(x, df = 4, intercept = TRUE) - 1"),
    ("ols", "y ~ z + offset(2 * x)"),
    ("poisson", "count ~ x + offset(log(pop))"),
    ("logit", "b ~ g + offset(x)"),
    ("probit", "b ~ g + offset(0.5 * x) + offset(z)"),
    ("gamma", "positive ~ x + offset(z)"),
    ("ols", "y ~ I(x > 0.5)"),
    ("ols", "y ~ 0 + I(x > 0.5)"),
    ("ols", 'y ~ I(g == "b") + I(x >= -1 & z < 2)'),
    ("ols", 'y ~ I("b" != g) + x:I(z > 2)'),
    ("ols", 'y ~ I(o > "l") * x'),
    ("ols", "y ~ I(!(x > 0) | z > 2)"),
    ("ols", "y ~ I((x > 0) * z) + I(f & x > 0)"),
    ("ols", "y ~ I(x > 100000 / 3e10) + log10(pop) + log2(z) + abs(x)"),
    ("logit", "I(x > 0) ~ z"),
    ("ols", "y ~ factor(g) + x"),
    ("ols", 'y ~ relevel(g, ref = "b") + o'),
    ("ols", 'y ~ relevel(factor(g), "c") * x'),
    ("ols", "y ~ C(g, contr.sum)"),
    ("ols", "y ~ C(g, contr.helmert) + C(o, contr.sum)"),
    ("ols", "y ~ poly(pop, 2, raw = TRUE) + poly(pop, 1)"),
    ("ols", "y ~ poly(pop, degree = 2)"),
    ("ols", "y ~ scale(z, scale = FALSE) + scale(pop, center = FALSE)"),
]


def table(n: int = 300, seed: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n).round(3), rng.uniform(1, 3, n).round(3)
    g = pd.Categorical(rng.choice(list("abc"), n))
    pop = rng.integers(10, 500, n).astype(float)
    frame = pd.DataFrame(
        {
            "x": x,
            "z": z,
            "g": g,
            "o": pd.Categorical(rng.choice(["l", "m", "h"], n), ["l", "m", "h"], ordered=True),
            "f": rng.random(n) < 0.5,
            "pop": pop,
            "y": (x + np.sin(3 * x) + 0.5 * (g == "b") + 0.5 * rng.normal(size=n)).round(6),
            "count": rng.poisson(pop * np.exp(0.3 * x - 3)),
            "b": (rng.random(n) < 1 / (1 + np.exp(-x))).astype(int),
            "positive": rng.gamma(3, np.exp(0.2 * x) / 3).round(6) + 1e-6,
        }
    )
    frame.loc[3, "x"] = np.nan
    frame.loc[7, "z"] = np.nan
    return frame


def model_of(name: str, formula: str, data: Any) -> Any:
    return fit(name, formula, data, **({"link": "log"} if name == "gamma" else {}))


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    return in_r(SCRIPT, table(), Path(tmp_path_factory.mktemp("r")), tests=TESTS)  # type: ignore[no-any-return]


@pytest.mark.program
@pytest.mark.parametrize("which", range(len(TESTS)), ids=[formula for _, formula in TESTS])
def test_terms_are_those_of_r(which: int, answers: list[Any]) -> None:
    ours, theirs = model_of(*TESTS[which], table()), answers[which]
    assert list(ours.terms) == theirs["terms"]
    np.testing.assert_allclose(ours.estimates, np.array(theirs["estimates"], float), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(ours.std_errors, np.array(theirs["errors"], float), rtol=1e-8)


@pytest.mark.parametrize(("name", "formula"), TESTS)
def test_a_frame_and_its_parts_give_the_same(name: str, formula: str) -> None:
    frame = table()
    whole, parts = model_of(name, formula, frame), model_of(name, formula, [frame[:1], frame[1:70], frame[70:]])
    assert whole.terms == parts.terms
    np.testing.assert_allclose(parts.estimates, whole.estimates, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(parts.std_errors, whole.std_errors, rtol=1e-7)


@settings(max_examples=25)
@given(
    cuts=st.lists(st.integers(1, 299), max_size=4, unique=True).map(sorted),
    term=st.sampled_from(
        ["bs(x, df = 7)", "ns(x, df = 4)", "ns(x + z, 3)", "bs(pop, df = 4, degree = 1)", "poly(x, 3)"]
    ),
)
def test_what_is_learned_does_not_depend_on_how_rows_are_cut(cuts: list[int], term: str) -> None:
    frame = table()
    ends = [0, *cuts, len(frame)]
    parts = [frame[a:b] for a, b in pairwise(ends)]
    formula = parse(f"y ~ {term}", list(frame.columns))
    one, many = prepare(formula, partitioned(frame)), prepare(formula, partitioned(parts))
    np.testing.assert_allclose(many.design(frame).matrix, one.design(frame).matrix, atol=1e-11)


def test_knots_of_many_rows_are_exact_quantiles() -> None:
    """A summary of so many distinct values is thinned; the ranks that are wanted are looked at again."""
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.lognormal(size=60_000), np.full(9_000, 1.25)])
    frame = pd.DataFrame({"x": x, "y": rng.normal(size=len(x))})
    parts = [frame[a : a + 9_000] for a in range(0, len(frame), 9_000)]
    for data in (frame, parts):
        made = prepare(parse("y ~ bs(x, df = 9)", ["x", "y"]), partitioned(data))._learned["bs(x, df = 9)"]
        np.testing.assert_array_equal(made.knots, np.quantile(x, np.arange(1, 7) / 7))
        assert (made.low, made.high) == (x.min(), x.max())


def test_frequency_weights_are_rows() -> None:
    frame = table().dropna()
    w = np.random.default_rng(1).integers(0, 4, len(frame)).astype(float)
    repeated = frame.loc[frame.index.repeat(w.astype(int))]
    weighted = fit("ols", "y ~ ns(x, df = 4)", frame, weights=w)
    np.testing.assert_allclose(weighted.estimates, fit("ols", "y ~ ns(x, df = 4)", repeated).estimates, rtol=1e-9)


def test_a_basis_of_splines_is_scipys() -> None:
    frame = table().dropna()
    x = frame["x"].to_numpy()
    inner = np.quantile(x, [1 / 3, 2 / 3])
    knots = np.concatenate([[x.min()] * 4, inner, [x.max()] * 4])
    theirs = np.column_stack([BSpline(knots, one, 3)(x) for one in np.eye(6)])
    ours = prepare(parse("y ~ bs(x, df = 5)", list(frame.columns)), partitioned(frame)).design(frame).matrix
    np.testing.assert_allclose(ours[:, 1:], theirs[:, 1:], atol=1e-12)


def test_natural_splines_are_straight_beyond_their_knots() -> None:
    frame = pd.DataFrame({"x": np.linspace(-4, 4, 81), "y": 0.0})
    text = "y ~ ns(x, knots = c(-0.5, 0.5), Boundary.knots = c(-1, 1))"
    matrix = prepare(parse(text, ["x", "y"]), partitioned(frame)).design(frame).matrix[:, 1:]
    outside = np.abs(frame["x"].to_numpy()) > 1.15
    bend = np.diff(matrix, 2, axis=0)
    np.testing.assert_allclose(bend[outside[1:-1]], 0, atol=1e-12)
    assert (np.abs(bend[~outside[1:-1]]).max(axis=0) > 1e-4).all()


def test_spellings_of_patsy_mean_what_ours_do() -> None:
    frame = table()
    ours = fit("ols", 'y ~ C(g, ref = "b")', frame)
    for text in ('C(g, Treatment("b"))', 'C(g, Treatment(reference="b"))', 'factor(g, ref="b")', "relevel(g, 'b')"):
        theirs = fit("ols", f"y ~ {text}", frame)
        np.testing.assert_array_equal(theirs.estimates, ours.estimates)
        assert [term[-1] for term in theirs.terms[1:]] == ["a", "c"]
    np.testing.assert_array_equal(
        fit("ols", "y ~ C(g, Sum)", frame).estimates, fit("ols", "y ~ C(g, sum)", frame).estimates
    )
    coded = frame.assign(k=frame["g"].cat.codes + 1)
    by_number = fit("ols", "y ~ C(k, ref = 2)", coded)
    assert by_number.terms == ("(Intercept)", "C(k, ref = 2)1", "C(k, ref = 2)3")
    np.testing.assert_allclose(by_number.estimates, ours.estimates, rtol=1e-12)


def test_missing_cells_of_a_comparison_follow_r() -> None:
    """FALSE & NA is FALSE: such a row stays."""
    frame = pd.DataFrame({"y": [1.0, 2, 3, 4, 5], "x": [0.0, np.nan, 2, np.nan, 1], "z": [0.0, 0, 1, 1, 1]})
    assert fit("ols", "y ~ I(x > 1 & z > 0)", frame).n == 4
    assert fit("ols", "y ~ I(x > 1 | z > 0)", frame).n == 4
    assert fit("ols", "y ~ I(x > 1)", frame).n == 3


def test_dates_are_compared_with_dates() -> None:
    frame = pd.DataFrame({"y": np.arange(6.0), "day": pd.date_range("2020-01-29", periods=6)})
    np.testing.assert_allclose(fit("ols", 'y ~ I(day >= "2020-02-01")', frame).estimates, [1.0, 3.0], rtol=1e-12)
    with pytest.raises(SpecError, match="not a date"):
        fit("ols", 'y ~ I(day > "north")', frame)


WRONG = [
    ('y ~ C(g, ref = "d")', SpecError, "one of a, b, c"),
    ('y ~ relevel(o, ref = "hh")', SpecError, "one of l, m, h"),
    ('y ~ I(g == "north")', SpecError, "one of a, b, c"),
    ('y ~ I(g > "a")', SpecError, "no order"),
    ('y ~ I(x == "1")', SpecError, "without quotes"),
    ("y ~ I(g + 1 > 2)", SpecError, "a column of levels"),
    ("y ~ bs(g, df = 4)", SpecError, "numbers"),
    ("y ~ bs(b, df = 9)", DataError, "knots coincide"),
    ("y ~ bs(x, knots = c(50))", DataError, "outside the range"),
    ("y ~ C(pop, ref = 1)", DataError, "a value that occurs"),
]


@pytest.mark.parametrize(("formula", "kind", "said"), WRONG)
def test_an_error_says_what_is_there(formula: str, kind: type[ReplicantError], said: str) -> None:
    with pytest.raises(kind) as caught:
        fit("ols", formula, table())
    assert said in str(caught.value)


def test_an_offset_is_refused_where_it_has_no_meaning() -> None:
    with pytest.raises(SpecError, match="offset"):
        fit("multinomial", "g ~ x + offset(z)", table())


def test_terms_of_several_sets_are_learned_together() -> None:
    """Each set alone would have other knots, and its coefficients would be other parameters."""
    sets = [table(seed=seed) for seed in (1, 2, 3)]
    formula = parse("y ~ ns(x, df = 3) + poly(pop, 2)", list(sets[0].columns))
    learned = learned_together(formula, sets)
    assert learned is not None
    x = pd.concat(sets)["x"].dropna()
    np.testing.assert_array_equal(learned["ns(x, df = 3)"].knots, np.quantile(x, [1 / 3, 2 / 3]))  # type: ignore[attr-defined]
    columns = learned["poly(pop, 2)"].columns(pd.concat(sets)["pop"].to_numpy())
    np.testing.assert_allclose(columns.T @ columns, 3 * np.eye(2), atol=1e-9)  # orthonormal over the rows of one set
