"""The kinds of column that the engine knows."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Kind", "kind_instead"]


class Kind(StrEnum):
    """What a column measures, which decides how it is modelled.

    `continuous`, `count` and `date` are numeric: their values have an order and a distance. `ordered`, `nominal` and
    `binary` are categorical: they have levels, and of these only `ordered` levels stand in a meaningful order. An
    `identifier` measures nothing: its values identify records, and none of them may be released.
    """

    CONTINUOUS = "continuous"
    COUNT = "count"
    ORDERED = "ordered"
    NOMINAL = "nominal"
    BINARY = "binary"
    DATE = "date"
    IDENTIFIER = "identifier"

    @property
    def is_numeric(self) -> bool:
        """Whether values have a distance (continuous, count, date)."""
        return self in _NUMERIC

    @property
    def is_categorical(self) -> bool:
        """Whether values are levels (ordered, nominal, binary)."""
        return self in _CATEGORICAL


def kind_instead(word: object) -> str | None:
    """What to write for the name that a kind has elsewhere; None if that is not known."""
    if not isinstance(word, str):
        return None
    return _ELSEWHERE.get(word.strip().casefold().replace("_", " ").replace("-", " "))


_LEVELS = "write nominal, or ordered if the levels have an order (binary if there are two)"
_NUMBERS = "write continuous, or count for whole numbers that count something"
_ELSEWHERE = {
    **dict.fromkeys(
        (
            "categorical",
            "category",
            "categories",
            "cat",
            "factor",
            "enum",
            "class",
            "qualitative",
            "discrete",
            "levels",
        ),
        _LEVELS,
    ),
    **dict.fromkeys(
        ("string", "str", "text", "object", "char", "character", "varchar", "utf8", "alphanumeric", "labelled"),
        f"{_LEVELS}; identifier if nearly all values differ",
    ),
    **dict.fromkeys(
        (
            "ordinal",
            "likert",
            "ranked",
            "rank",
            "ordered factor",
            "ordered categorical",
            "ord",
            "ordered category",
            "scale",
        ),
        "write ordered, with its levels in their order",
    ),
    **dict.fromkeys(
        ("numeric", "number", "numerical", "num", "quantitative", "metric", "measure", "decimal", "interval", "ratio"),
        _NUMBERS,
    ),
    **dict.fromkeys(
        (
            "float",
            "float32",
            "float64",
            "double",
            "real",
            "cont",
            "amount",
            "currency",
            "money",
            "percent",
            "percentage",
        ),
        "write continuous",
    ),
    **dict.fromkeys(
        ("int", "int8", "int16", "int32", "int64", "integer", "whole", "counts", "natural", "poisson", "long"),
        "write count, or nominal or ordered if the whole numbers are codes",
    ),
    **dict.fromkeys(
        ("bool", "boolean", "logical", "logic", "flag", "dummy", "indicator", "dichotomous", "yes/no", "two levels"),
        "write binary",
    ),
    **dict.fromkeys(
        (
            "datetime",
            "datetime64",
            "timestamp",
            "time",
            "dates",
            "day",
            "month",
            "year",
            "posixct",
            "date32",
            "datetime64[ns]",
        ),
        "write date",
    ),
    **dict.fromkeys(
        ("id", "key", "ids", "uuid", "index", "primary key", "pid", "identification", "name", "email", "address"),
        "write identifier",
    ),
    "weight": f"{_NUMBERS}: weights are numbers, and are named where a model uses them",
    "weights": f"{_NUMBERS}: weights are numbers, and are named where a model uses them",
    **dict.fromkeys(
        ("skip", "drop", "ignore", "exclude", "remove", "none"),
        "a column that is to be left out is not named under input.columns",
    ),
}
_NUMERIC = frozenset({Kind.CONTINUOUS, Kind.COUNT, Kind.DATE})
_CATEGORICAL = frozenset({Kind.ORDERED, Kind.NOMINAL, Kind.BINARY})
