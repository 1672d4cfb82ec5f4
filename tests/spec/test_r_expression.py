"""Passive formulas of R: R's own arithmetic gives the same numbers, and what has no counterpart is pointed at."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest

from replicant.errors import ExpressionError
from replicant.spec.expression import parse_expression
from replicant.spec.r_expression import from_r

FORMULAS = [
    "~ I(wgt / (hgt / 100)^2)",
    "~I(wgt/(hgt/100)^2)",
    "~ I(-hgt^2 + wgt)",
    "~ I(2^hgt^0.5 / 1e3)",
    "~ I(hgt^-1 * 3L)",
    "~ I(hgt - wgt - 1)",
    "~ I(hgt / wgt / 2)",
    "~ I(-(hgt - 4) ** 2)",
    "~ log(hgt + 0.1)",
    "~ I(pmax(hgt, wgt, 3) - pmin(hgt, wgt))",
    "~ I(ceiling(hgt / 3) + floor(wgt) * sqrt(abs(hgt - wgt)))",
    "~ I(exp(log1p(wgt)) + log2(hgt) + log10(wgt))",
    "~ I(round(hgt / 7, 2))",
    "~ hgt",
    "~ I(I(hgt) + (wgt))",
    "~ I(`net income` + in.kind + lambda)",
]
VALUES = {
    "hgt": [1.5, 2.25, 7.0],
    "wgt": [3.0, 0.5, 6.125],
    "net income": [1.0, 2.0, 3.0],
    "in.kind": [0.5, 0.25, 4.0],
    "lambda": [9.0, 8.0, 7.0],
}


@pytest.mark.program
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not here")
def test_numbers_are_those_of_r() -> None:
    columns = ", ".join(f"`{name}` = c({', '.join(map(str, values))})" for name, values in VALUES.items())
    # As mice computes a passive column: the model frame of the formula.
    lines = [f"print(as.numeric(model.frame({formula}, d)[[1]]), digits = 17)" for formula in FORMULAS]
    script = f"d <- data.frame(check.names = FALSE, {columns}); options(width = 10000); {'; '.join(lines)}"
    done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=True)
    arrays = {name: np.array(values) for name, values in VALUES.items()}
    theirs = [[float(word) for word in line.split()[1:]] for line in done.stdout.splitlines()]
    assert len(theirs) == len(FORMULAS)
    for formula, numbers in zip(FORMULAS, theirs, strict=True):
        ours = parse_expression(from_r(formula)).evaluate(arrays)
        np.testing.assert_allclose(ours, numbers, rtol=1e-14, err_msg=formula)


def test_idle_parentheses_are_left_out_and_odd_names_quoted() -> None:
    assert from_r("~ I(wgt / (hgt / 100)^2)") == "wgt / (hgt / 100)**2"
    assert from_r("~ I(in.kind + `a b` + lambda)") == "`in.kind` + `a b` + `lambda`"


@pytest.mark.parametrize(
    ("formula", "position", "words"),
    [
        ("wgt / hgt", 1, "no ~"),
        ("~ wgt + hgt", 7, "outside of I()"),
        ("~ I(wgt) * 2", 10, "outside of I()"),
        ("~ (wgt + hgt)", 3, "outside of I()"),
        ("~ -wgt", 3, "outside of I()"),
        ("~", 2, "an end where more is needed"),
        ("~ I(wgt", 8, "an end where more is needed"),
        ("~ I(wgt hgt)", 9, "without an operator"),
        ("~ I(wgt %/% 2)", 9, "the sign %/%"),
        ("~ I(wgt:hgt)", 8, "a sequence or an interaction"),
        ("~ I(wgt[1])", 8, "square brackets"),
        ("~ I(d$wgt)", 6, "a part of a list"),
        ("~ I(wgt > 3)", 9, "a comparison"),
        ("~ I(ifelse(wgt, 1, 2))", 5, "a call to 'ifelse'"),
        ("~ I(sqroot(wgt))", 5, "did you mean 'sqrt'"),
        ("~ I(log(wgt, 10))", 5, "log with 2 arguments"),
        ("~ I(x <- wgt)", 7, "an assignment"),
        ('~ I(wgt + "a")', 11, "the sign"),
        ("~ I(system('ls'))", 5, "a call to 'system'"),
    ],
)
def test_what_has_no_counterpart_is_pointed_at(formula: str, position: int, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        from_r(formula)
    assert f"at position {position} " in caught.value.found
    assert words in str(caught.value)


def test_a_deep_nest_is_an_error_of_ours() -> None:
    for deep in ("~ I(" + "(" * 5000, "~ I(" + "-" * 5000 + "x)", "~ I(" + "2^" * 5000 + "x)"):
        with pytest.raises(ExpressionError, match="nesting"):
            from_r(deep)


def test_positions_are_json_safe() -> None:
    """A formula is a text of a JSON file: what R escapes there comes back as it was."""
    assert from_r(json.loads('"~ I(`a\\tb` + 1)"')) == "`a\tb` + 1"
