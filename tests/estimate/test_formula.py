"""Formulas: R's grammar, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.errors import ExpressionError
from replicant.estimate.formula import parse

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
    with pytest.raises(ExpressionError, match=r"at position \d+ of the formula"):
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
    assert "position 10 of" in message
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
