"""What is asked of a model of statsmodels by name: its options, checked, and the columns that they name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from replicant.errors import ExpressionError, SpecError, nearest
from replicant.estimate.borrowed import BORROWED, REFUSED, Option
from replicant.estimate.formula import Variable, parse, parse_variable
from replicant.spec.nodes import Name
from replicant.spec.synonyms import instead

__all__ = ["Request", "borrowed_names", "columns_beside", "refuse_unknown", "request_of"]

ALIASES = {"negativebinomial": "negbin"}
_HERE = {
    "clogit": "write conditional_logit",
    "xtlogit": "write conditional_logit",
    "geeglm": "write gee",
    "xtgee": "write gee",
}


@dataclass(frozen=True, slots=True)
class Request:
    """The options of a model.

    Attributes
    ----------
    model
        Its name here.
    columns
        By option, what is computed of the columns that it names.
    random
        Random effects beside the intercept; None: the intercept alone.
    random_intercept
        Whether the intercept is random.
    plain
        The other options.
    """

    model: str
    columns: Mapping[str, Variable]
    random: tuple[Variable, ...] | None
    random_intercept: bool
    plain: Mapping[str, Any]

    @property
    def extras(self) -> tuple[Variable, ...]:
        """What each row must have beside the formula: first what the options name, then the random effects."""
        return (*self.columns.values(), *(self.random or ()))


def borrowed_names() -> tuple[str, ...]:
    """Names of the models of statsmodels that are taken."""
    return (*BORROWED, *ALIASES)


def refuse_unknown(name: str, own: Sequence[str]) -> NoReturn:
    """Say what to use instead of a model that is not there.

    Raises
    ------
    SpecError
        Always.
    """
    if name in REFUSED:
        why, other = REFUSED[name]
        raise SpecError(f"the model {name} of statsmodels is not taken: {why}", need=other)
    known = (*own, *BORROWED)
    fix = _HERE.get(name) or instead("model", name)
    near = "" if fix else nearest(name, known)
    raise SpecError(
        f"the model {name[:40]!r} is unknown{near}",
        need="one of " + ", ".join(known) + ", or a function of a frame",
        fix=fix,
    )


def columns_beside(model: Any, options: Mapping[str, Any], columns: Collection[str]) -> tuple[str, ...]:
    """Columns that the options of a model name beside its formula."""
    name = str(model).lower() if isinstance(model, str) else ""
    name = ALIASES.get(name, name)
    if name not in BORROWED:
        return ()
    own = {key: value for key, value in options.items() if key in BORROWED[name].options and value is not None}
    request = request_of(name, own, columns, whole=False)
    return tuple(dict.fromkeys(column for variable in request.extras for column in variable.names))


def request_of(model: str, options: Mapping[str, Any], columns: Collection[str], *, whole: bool = True) -> Request:
    """The options of a model, checked.

    Parameters
    ----------
    model
        One of `borrowed_names`.
    options
        As given; None is as if not given.
    columns
        Names of the columns that there are.
    whole
        Whether what the model cannot do without must be there.

    Raises
    ------
    SpecError
        If an option is unknown, has a value that is not possible, or is missing.
    """
    model = ALIASES.get(model, model)
    known = BORROWED[model].options
    given = {key: value for key, value in options.items() if value is not None}
    for key in given:
        if key not in known:
            raise SpecError(
                f"{model} has no option {key!r}{nearest(key, known)}",
                need="one of " + ", ".join(known) if known else "no options",
            )
    for key in BORROWED[model].required if whole else ():
        if key not in given:
            raise SpecError(
                f"{model} needs {key}, which is not given",
                need=f'{known[key].says}: {key}="column"',
                fix=f"on the command line, give --option {key}=column",
            )
    named: dict[str, Variable] = {}
    plain: dict[str, Any] = {}
    random: tuple[Variable, ...] | None = None
    intercept = True
    for key, value in given.items():
        option = known[key]
        if option.kind == "terms":
            random, intercept = _random(key, value, columns)
        elif option.kind in {"column", "event", "group"}:
            named[key] = _column(model, key, option, value, columns)
        else:
            plain[key] = _plain(model, key, option, value)
    return Request(model, named, random, intercept, plain)


def _column(model: str, key: str, option: Option, value: Any, columns: Collection[str]) -> Variable:
    if not isinstance(value, str):
        raise SpecError(f"{key} is of type {type(value).__name__}", need=f'{option.says}: {key}="column"')
    if option.kind == "group":
        if value not in columns:
            raise SpecError(
                f"{key} names a column that the table does not have{nearest(value, sorted(columns))}",
                need="a column of the table",
            )
        return Variable(value, "group", Name(value))
    try:
        return parse_variable(value, columns)
    except ExpressionError as error:
        raise SpecError(
            f"{key} of {model} is neither a column nor computed of columns: {error.args[0]}",
            need="a column of the table" + (", or a comparison: 'state == \"dead\"'" if option.kind == "event" else ""),
        ) from None


def _random(key: str, value: Any, columns: Collection[str]) -> tuple[tuple[Variable, ...], bool]:
    if not isinstance(value, str):
        raise SpecError(f"{key} is of type {type(value).__name__}", need='a text such as "~ x"')
    formula = parse(value if "~" in value else f"~ {value}", columns)
    plain = all(variable.role in {"column", "number"} for variable in formula.variables)
    if formula.response is not None or formula.offsets or not plain or any(len(term) > 1 for term in formula.terms):
        raise SpecError(f"{key} is not made of columns of numbers alone", need='columns joined by +, such as "~ x + z"')
    if not formula.terms and not formula.intercept:
        raise SpecError(f"{key} has no random effect", need='the intercept, or a column: "~ x"')
    return tuple(formula.variables[term[0]] for term in formula.terms), formula.intercept


def _plain(model: str, key: str, option: Option, value: Any) -> Any:
    if option.kind == "word":
        word = str(value).lower()
        if word not in option.words:
            raise SpecError(
                f"{key} of {model} is unknown{nearest(word, option.words)}", need="one of " + ", ".join(option.words)
            )
        return word
    if option.kind == "whether":
        if not isinstance(value, bool):
            raise SpecError(f"{key} is of type {type(value).__name__}", need="true or false")
        return value
    number = None if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
    if option.kind == "whole":
        if number is None or not number.is_integer() or not option.low <= number <= option.high:
            raise SpecError(f"{key} of {model} is out of range", need=f"a whole number of {option.low:g} or more")
        return int(number)
    if number is None or not option.low < number < option.high:
        raise SpecError(
            f"{key} of {model} is out of range", need=f"a number between {option.low:g} and {option.high:g}"
        )
    return number
