"""Formulas: R's grammar, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.errors import ExpressionError
from replicant.estimate.formula import parse, parse_variable, updated

COLUMNS = ("y", "a", "b", "c", "x y", "d.e")

ATTACKS = [
    "y ~ __import__('os').system('true')",
    "y ~ __import__(os)",
    "__import__('os') ~ a",
    "y ~ a.__class__",
    "y ~ a.b",
    "y ~ (a).b",
    "y ~ a.__class__.__mro__[1].__subclasses__()",
    "y ~ a[0]",
    "y ~ a['b']",
    "y ~ I(a[0])",
    "y ~ I(a.b)",
    "y ~ I(__import__('os'))",
    "y ~ I(open('f').read())",
    "y ~ open(a)",
    "y ~ eval(a)",
    "y ~ exec(a)",
    "y ~ compile(a)",
    "y ~ globals()",
    "y ~ locals()",
    "y ~ getattr(a, b)",
    "y ~ lambda: a",
    "y ~ (lambda a: a)(b)",
    "y ~ [a for a in b]",
    "y ~ {a: b}",
    "y ~ {a}",
    "y ~ 'a'",
    'y ~ "a"',
    "y ~ f'{a}'",
    "y ~ a if b else c",
    "y ~ a; b",
    "y ~ a\\nb",
    "y ~ a = b",
    "y ~ (a := b)",
    "y ~ a == b",
    "y ~ a < b",
    "y ~ a & b",
    "y ~ a | b",
    "y ~ !a",
    "y ~ @a",
    "y ~ a @ b",
    "y ~ $a",
    "y ~ a %in% b",
    "y ~ a % b",
    "y ~ a // b",
    "y ~ a / b",
    "y ~ a << b",
    "y ~ not a",
    "y ~ a ~ b",
    "y ~ log(a, b)",
    "y ~ log()",
    "y ~ log(a)(b)",
    "y ~ log(base=a)",
    "y ~ np.log(a)",
    "y ~ poly(a)",
    "y ~ poly(a, b)",
    "y ~ poly(a, 99)",
    "y ~ poly(a, 1.5)",
    "y ~ C(a, b)",
    "y ~ C(log(a))",
    "y ~ bs(a, 400)",
    "y ~ Q('a')",
    "y ~ I(1)",
    "y ~ I()",
    "y ~ I(a:b)",
    "y ~ I(a, b)",
    "y ~ I(a ^ 1e9)",
    "y ~ 2",
    "y ~ 2 * a",
    "y ~ a:1",
    "y ~ a^b",
    "y ~ a^0",
    "y ~ a^1.5",
    "y ~ a^99999999",
    "y ~ 1a",
    "y ~ 0x10",
    "y ~ 1e999999x",
    "y ~ y",
    "y ~ unknown",
    "unknown ~ a",
    "y ~ `unknown`",
    "y ~ ``",
    "y ~ `a",
    "y ~ d.e",
    "y ~ ..a",
    "y ~ a +",
    "y ~ a + * b",
    "y ~ (a",
    "y ~ a)",
    "y ~ a b",
    "y ~",
    "~",
    "y",
    "",
    "   ",
    "poly(y, 2) ~ a",
    "y + a ~ b",
    "C(y) ~ a",
    "y ~ " + "(" * 60 + "a" + ")" * 60,
    "y ~ I(" + "-" * 100 + "a)",
    "y ~ I(" + "a^" * 100 + "a)",
    "y ~ " + "a + " * 2000 + "b",
    "y ~ " + "(a + b + c):" * 9 + "(a \x00 b)",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_what_is_outside_the_grammar_is_refused_with_a_position(text: str) -> None:
    with pytest.raises(ExpressionError, match=r"at position \d+ the formula has"):
        parse(text, COLUMNS)


def test_there_are_enough_attacks() -> None:
    assert len(set(ATTACKS)) >= 50


@pytest.mark.parametrize("thing", [None, 3, b"y ~ a", ["y ~ a"]])
def test_a_formula_is_a_text(thing: object) -> None:
    with pytest.raises(ExpressionError, match="of type"):
        parse(thing, COLUMNS)


PIECES = st.sampled_from(
    [
        *("y", "a", "b", "`x y`", "1", "0", "2", "+", "-", "*", ":", "^", "(", ")", "~", "/", ",", ".", "I(", "log("),
        *("C(", "poly(", "scale(", "__import__(", "'os'", "[", "]", ".__class__", "lambda", "=", " ", "\n", "é"),
    ]
)


@given(st.lists(PIECES, max_size=12).map(" ".join) | st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever is not refused names columns only, and holds nothing of Python's beyond the grammar."""
    try:
        formula = parse(text, COLUMNS)
    except ExpressionError as error:
        assert "position" in str(error)  # noqa: PT017
    else:
        assert set(formula.names) <= set(COLUMNS)
        assert not {"[", "'", "=", "__", "lambda"} & set(text.replace("`x y`", ""))


@given(st.sampled_from(ATTACKS[:40]), st.sampled_from(["a + {}", "({})", "a:{}", "I({})", "log({})"]))
def test_attacks_hidden_in_a_formula_are_refused(attack: str, around: str) -> None:
    inner = attack.partition("~")[2].strip() or attack
    if inner in {"a", "b"}:
        return
    if inner in {"a / b"} and around in {"I({})", "log({})"}:
        return
    if inner in {"a == b", "a < b", "a & b", "a | b", "!a"} and around == "I({})":
        return
    with pytest.raises(ExpressionError):
        parse("y ~ " + around.format(inner), COLUMNS)


def test_a_position_points_at_what_is_wrong() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("y ~ a + b[0]", COLUMNS)
    message = str(caught.value)
    assert "position 10 the" in message
    line, caret = message.splitlines()[1:3]
    assert line[caret.index("^")] == "["


# terms() of R 4.2: attr(, "term.labels"), and whether there is an intercept.
TERMS = [
    ("y ~ a + b", ["a", "b"], True),
    ("y ~ a * b", ["a", "b", "a:b"], True),
    ("y ~ (a + b + c)^2", ["a", "b", "c", "a:b", "a:c", "b:c"], True),
    ("y ~ (a + b + c)^2 - a:b", ["a", "b", "c", "a:c", "b:c"], True),
    ("y ~ a:b + a", ["a", "a:b"], True),
    ("y ~ b + a:b", ["b", "b:a"], True),
    ("y ~ a + a", ["a"], True),
    ("y ~ a:a", ["a"], True),
    ("y ~ 0 + a", ["a"], False),
    ("y ~ a - 1", ["a"], False),
    ("y ~ -1 + a + 1", ["a"], True),
    ("y ~ 1", [], True),
    ("y ~ a * b * c", ["a", "b", "c", "a:b", "a:c", "b:c", "a:b:c"], True),
    ("y ~ a + b:c + c", ["a", "c", "b:c"], True),
    ("y ~ I(a^2) + log(a+1) + `x y`", ["I(a^2)", "log(a + 1)", "x y"], True),
    ("y ~ poly(a,2) + scale(b) + C(c)", ["poly(a, 2)", "scale(b)", "C(c)"], True),
    ("y ~ I( -a/2 * b )", ["I(-a/2 * b)"], True),
    ("y ~ . - c", ["a", "b", "x y", "d.e"], True),
]


@pytest.mark.parametrize(("text", "labels", "intercept"), TERMS)
def test_terms_are_those_of_r(text: str, labels: list[str], intercept: bool) -> None:
    formula = parse(text, COLUMNS)
    assert [":".join(formula.variables[i].label for i in term) for term in formula.terms] == labels
    assert formula.intercept == intercept


def test_columns_are_named_in_order_of_mention() -> None:
    assert parse("log(y) ~ b + I(a * `x y`) + b:a", COLUMNS).names == ("y", "b", "a", "x y")
    assert parse("~ a").response is None


# What other languages write, and what of the message says how it is written here.
HINTS = [
    ('y ~ Q("a b")', "in backticks"),
    ("y ~ Q('x y') + a", "in backticks"),
    ("y ~ np.log(a)", "write log(x)"),
    ("y ~ numpy.sqrt(a)", "write sqrt(x)"),
    ("y ~ np.power(a, 2)", "I(x^2)"),
    ("y ~ a**2", "I(a^2)"),
    ("y ~ a^3 + b", "I(a^3)"),
    ("y ~ a %in% b", "write a:b"),
    ('y ~ I(a %in% c("x", "y"))', 'I(g == "a" | g == "b")'),
    ("y ~ a/b", "write a + a:b"),
    ("y ~ standardize(a)", "scale(x)"),
    ("y ~ center(a)", "scale(x, scale = FALSE)"),
    ("y ~ cr(a, df=4)", "ns(x, df = 3)"),
    ("y ~ te(a, b)", "bs(x, df = 5)"),
    ("y ~ s(a)", "ns(x, df = 3)"),
    ("y ~ a + (1|b)", "mixedlm"),
    ("y ~ a + (1 + a | b)", "mixedlm"),
    ("y ~ 1|b", "mixedlm"),
    ("Surv(a, b) ~ c", 'status="dead"'),
    ("y ~ a + strata(b)", 'strata="column"'),
    ("y ~ as.factor(a)", "factor(x)"),
    ("y ~ splines::bs(a, df=4)", "leave the package out"),
    ("y ~ a > 3", "I(x > 3)"),
    ("y ~ I(a = 1)", "compared with =="),
    ("y ~ I(a > 1 and b < 2)", "& and |"),
    ("y ~ I(1 < a < 3)", "x > 1 & x < 3"),
    ("y ~ I(a == north)", "in quotes"),
    ("y ~ log(a > 1)", "I(x > 3)"),
    ("y ~ C(a, 'b')", 'ref = "b"'),
    ("y ~ C(a, levels=c(1, 2))", "codebook"),
    ("y ~ bs(a, dff=3)", "did you mean 'df'"),
    ("y ~ bs(a, df=2)", "at least 3"),
    ("y ~ offset(a):b", "stand alone"),
    ("y ~ cut(a, 3)", "I(x > 3)"),
    ("y ~ I(a == 'north) + b", "close it"),
    ("y ~ 'a'", "backticks"),
]


@pytest.mark.parametrize(("text", "said"), HINTS)
def test_other_spellings_are_refused_with_ours(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, COLUMNS)
    assert said in str(caught.value)
    assert "position" in str(caught.value)


# deparse() of R 4.2.
LABELS = [
    ("bs(a,df=5)", "bs(a, df = 5)"),
    ("bs(a, knots=c(1,2.50), degree=3)", "bs(a, knots = c(1, 2.5), degree = 3)"),
    ("C(b,ref='x')", 'C(b, ref = "x")'),
    ("I(a>=1&b<2)", "I(a >= 1 & b < 2)"),
    ("I(!(a>3)|b< -1)", "I(!(a > 3) | b < -1)"),
    ("I(a/100000)", "I(a/1e+05)"),
    ("I(a*1e3-0.10)", "I(a * 1000 - 0.1)"),
    ("scale(a,scale=FALSE)", "scale(a, scale = FALSE)"),
    ("poly(a,2,raw=TRUE)", "poly(a, 2, raw = TRUE)"),
    ("I(a==-2)", "I(a == -2)"),
]


@pytest.mark.parametrize(("text", "label"), LABELS)
def test_labels_are_deparsed_as_r_does(text: str, label: str) -> None:
    formula = parse(f"y ~ {text}", COLUMNS)
    assert formula.labels == (label,)
    assert parse(f"y ~ {label}", COLUMNS).labels == (label,)


def test_offsets_are_no_terms() -> None:
    formula = parse("y ~ a + offset(log(b)) + offset(c)", COLUMNS)
    assert formula.labels == ("a",)
    assert [one.label for one in formula.offsets] == ["offset(log(b))", "offset(c)"]
    assert formula.names == ("y", "a", "b", "c")


def test_a_formula_is_updated_as_in_r() -> None:
    formula = parse("y ~ a * b + c", COLUMNS)
    assert updated(formula, "~ . - a:b", COLUMNS).labels == ("a", "b", "c")
    assert updated(formula, "~ . - c - 1", COLUMNS).intercept is False


def test_an_option_names_a_column_or_compares() -> None:
    assert parse_variable("x y", COLUMNS).names == ("x y",)
    made = parse_variable('a == "dead" | b > 2', COLUMNS)
    assert (made.label, made.names) == ('a == "dead" | b > 2', ("a", "b"))
    for wrong in ("unknown", "a b", "", "1", "poly(a, 2)"):
        with pytest.raises(ExpressionError):
            parse_variable(wrong, COLUMNS)
