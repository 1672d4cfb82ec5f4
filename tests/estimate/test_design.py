"""Design matrices: R's coding and names; formulaic as a second opinion."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from formulaic import model_matrix

from replicant.errors import DataError, SpecError
from replicant.estimate.contrasts import contr_poly, poly_names
from replicant.estimate.design import prepare
from replicant.estimate.formula import parse
from replicant.estimate.partitions import partitioned


def frame_of(n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.normal(size=n),
            "z": rng.uniform(1, 2, size=n),
            "o": pd.Categorical(rng.choice(list("abcd"), n), list("abcd"), ordered=True),
            "g": pd.Categorical(rng.choice(["s", "t", "u"], n), ["u", "s", "t"]),
            "h": rng.choice(["p", "q"], n),
            "f": rng.random(n) < 0.5,
        }
    )


def design(text: str, frame: pd.DataFrame):
    prepared = prepare(parse(text, list(frame.columns)), partitioned(frame))
    return prepared.names, prepared.design(frame).matrix


@pytest.mark.parametrize("levels", [2, 3, 4, 6, 12, 30])
def test_polynomial_contrasts_are_orthonormal_polynomials(levels: int) -> None:
    c = contr_poly(levels)
    np.testing.assert_allclose(c.T @ c, np.eye(levels - 1), atol=1e-9)
    np.testing.assert_allclose(c.sum(axis=0), 0, atol=1e-9)
    x = np.arange(levels) - (levels - 1) / 2
    np.testing.assert_allclose(c[:, 0], x / np.linalg.norm(x), atol=1e-12)
    for k in range(min(levels - 1, 6)):  # column k is a polynomial of degree k + 1 with a positive leading coefficient
        fitted = np.polynomial.Polynomial.fit(x, c[:, k], k + 1)
        np.testing.assert_allclose(fitted(x), c[:, k], atol=1e-9)
        assert fitted.convert().coef[-1] > 0


def test_polynomial_contrasts_of_three_levels() -> None:
    """Closed form, as every textbook has it."""
    closed = [[-(0.5**0.5), 6**-0.5], [0, -2 * 6**-0.5], [0.5**0.5, 6**-0.5]]
    np.testing.assert_allclose(contr_poly(3), closed, atol=1e-12)
    assert poly_names(5) == (".L", ".Q", ".C", "^4", "^5")


# Column names that R's model.matrix gives for these columns.
NAMES = [
    ("y ~ x + o", ["(Intercept)", "x", "o.L", "o.Q", "o.C"]),
    ("y ~ g", ["(Intercept)", "gs", "gt"]),
    ("y ~ h + f", ["(Intercept)", "hq", "fTRUE"]),
    ("y ~ 0 + g + h", ["gu", "gs", "gt", "hq"]),
    ("y ~ x:g", ["(Intercept)", "x:gu", "x:gs", "x:gt"]),
    ("y ~ x*g", ["(Intercept)", "x", "gs", "gt", "x:gs", "x:gt"]),
    ("y ~ g*h", ["(Intercept)", "gs", "gt", "hq", "gs:hq", "gt:hq"]),
    ("y ~ g + g:h", ["(Intercept)", "gs", "gt", "gu:hq", "gs:hq", "gt:hq"]),
    ("y ~ C(o, treatment)", ["(Intercept)", "C(o, treatment)b", "C(o, treatment)c", "C(o, treatment)d"]),
    ("y ~ poly(x, 2) + I(x^2) + log(z)", ["(Intercept)", "poly(x, 2)1", "poly(x, 2)2", "I(x^2)", "log(z)"]),
]


@pytest.mark.parametrize(("text", "names"), NAMES)
def test_columns_have_the_names_that_r_gives_them(text: str, names: list[str]) -> None:
    assert list(design(text, frame_of())[0]) == names


SAME = [
    ("y ~ x + g", "1 + x + C(g)"),
    ("y ~ o", "1 + C(o, contr.poly)"),
    ("y ~ g*h", "1 + C(g) + C(h) + C(g):C(h)"),
    ("y ~ x*o", "1 + x + C(o, contr.poly) + x:C(o, contr.poly)"),
    ("y ~ 0 + g", "0 + C(g)"),
    ("y ~ poly(x, 3)", "1 + poly(x, 3)"),
    ("y ~ scale(x)", "1 + scale(x)"),
    ("y ~ I(x^2 - 2*z) + log(z) + exp(x) + sqrt(z)", "1 + I(x**2 - 2*z) + log(z) + exp(x) + I(z**0.5)"),
    ("y ~ g + g:x", "1 + C(g) + C(g):x"),
]


@pytest.mark.parametrize(("ours", "theirs"), SAME)
def test_matrices_are_those_of_formulaic(ours: str, theirs: str) -> None:
    frame = frame_of()
    matrix = design(ours, frame)[1]
    other = np.asarray(model_matrix(theirs, frame), dtype=float)
    assert matrix.shape == other.shape
    if "poly(x" not in ours:
        np.testing.assert_allclose(matrix, other, atol=1e-12)
    else:  # signs are a matter of convention
        np.testing.assert_allclose(np.abs(matrix), np.abs(other), atol=1e-12)


def test_levels_come_from_the_type_not_from_the_rows() -> None:
    frame = frame_of()
    part = frame[frame["g"] == "u"]
    assert design("y ~ g + o", part)[0] == design("y ~ g + o", frame)[0]


def test_rows_with_missing_cells_are_left_out_and_counted() -> None:
    frame = frame_of()
    frame.loc[0, "x"] = np.nan
    frame.loc[1, "g"] = np.nan
    frame.loc[2, "z"] = -1.0
    frame.loc[3, "h"] = None
    prepared = prepare(parse("y ~ x + g + log(z) + h", list(frame.columns)), partitioned(frame))
    out = prepared.design(frame)
    assert out.matrix.shape == (36, 6)
    assert out.dropped == 4
    assert out.undefined == {"log(z)": 1}
    assert np.isfinite(out.matrix).all()


def test_what_is_learnt_is_learnt_over_all_partitions() -> None:
    frame = frame_of()
    formula = parse("y ~ poly(x, 3) + scale(z) + h", list(frame.columns))
    parts = [frame[:3], frame[3:20], frame[20:]]
    one, many = prepare(formula, partitioned(frame)), prepare(formula, partitioned(parts))
    assert one.names == many.names
    np.testing.assert_allclose(np.vstack([many.design(p).matrix for p in parts]), one.design(frame).matrix, atol=1e-12)


def test_errors_say_what_is_needed() -> None:
    frame = frame_of()
    with pytest.raises(SpecError, match="a column of levels"):
        design("y ~ log(g)", frame)
    with pytest.raises(DataError, match="constant"):
        design("y ~ scale(x)", frame.assign(x=1.0))
    with pytest.raises(DataError, match="distinct values"):
        design("y ~ poly(f2, 3)", frame.assign(f2=frame["f"].astype(int)))
    with pytest.raises(SpecError, match="1 level"):
        design("y ~ h", frame.assign(h="p"))
