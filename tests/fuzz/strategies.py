"""Tables, codebooks and settings for the fuzzing: mostly sound ones, odd ones, and wrong ones.

Hypothesis draws the structure (which columns, which settings, which mistakes) and so can shrink it; cells come from a
seeded generator, because sixty rows of eight columns are more than hypothesis draws quickly.
"""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import strategies as st

CANARY = 918273645.5
CANARY_WHOLE = 918273645
CANARY_TEXT = "Zq7canary"
CANARY_DAY = dt.date(2087, 11, 23)
CANARIES = ("918273645", "918273664", "9.18273", CANARY_TEXT, CANARY_DAY.isoformat(), "2087, 11, 23")
"""What a canary looks like in a text: as float64, float32, in scientific notation, a text, a date."""

Maker = Callable[[np.random.Generator, int], Any]
Formula = Callable[[Mapping[str, np.ndarray]], np.ndarray]


@dataclass
class Case:
    """One table with what is said about it and what is asked for.

    `formulas` are passive columns that hold by construction, as functions of the columns' numbers; `codebook` is None
    or a mapping of column to what is declared.
    """

    frame: pd.DataFrame
    codebook: Any = None
    spec: dict[str, Any] = field(default_factory=dict)
    formulas: dict[str, tuple[tuple[str, ...], Formula]] = field(default_factory=dict)

    def __repr__(self) -> str:
        types = {str(name): str(dtype) for name, dtype in zip(self.frame.columns, self.frame.dtypes, strict=True)}
        cells = self.frame.head(12).to_dict("split")["data"]
        return f"Case(rows={len(self.frame)}, {types=}, {cells=}, codebook={self.codebook!r}, spec={self.spec!r})"


# --- columns ---------------------------------------------------------------------------------------------------------


def _holes(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.random(n) < rng.choice([0.0, 0.1, 0.5])


def _some(rng: np.random.Generator, n: int, values: Any) -> list[Any]:
    return [values[i] for i in rng.integers(0, len(values), n)]


def _with_canary(rng: np.random.Generator, cells: list[Any], canary: Any) -> list[Any]:
    if cells and rng.random() < 0.5:
        cells[int(rng.integers(len(cells)))] = canary
    return cells


def _objects(cells: list[Any]) -> pd.Series:
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return pd.Series(array, dtype=object)


def _missing(rng: np.random.Generator, cells: list[Any], hole: Any) -> list[Any]:
    return [hole if gone else cell for cell, gone in zip(cells, _holes(rng, len(cells)), strict=True)]


def _integers(dtype: str) -> Maker:
    def make(rng: np.random.Generator, n: int) -> pd.Series:
        limits = np.iinfo(dtype.lower())
        low, high = max(int(limits.min), -50), min(int(limits.max), 50)
        cells: list[Any] = rng.integers(low, high, n).tolist()
        if rng.random() < 0.2:
            cells = _some(rng, n, [int(limits.min), 0, 1, int(limits.max)])
        if limits.max > CANARY_WHOLE:
            cells = _with_canary(rng, cells, CANARY_WHOLE)
        if dtype[0] in "UI":
            return pd.Series(pd.array(_missing(rng, cells, pd.NA), dtype=dtype))
        return pd.Series(cells, dtype=dtype)

    return make


def _floats(dtype: str) -> Maker:
    def make(rng: np.random.Generator, n: int) -> pd.Series:
        style = rng.integers(4)
        if style == 0:
            cells = rng.normal(size=n)
        elif style == 1:
            cells = rng.normal(100, 15, n).round(1)
        elif style == 2:
            cells = rng.choice([0.0, -0.0, 1.0, 2.5], n)
        else:
            cells = rng.exponential(3.0, n).round()
        cells[_holes(rng, n)] = np.nan
        if dtype != "float16":
            cells = np.array(_with_canary(rng, cells.tolist(), CANARY))
        return pd.Series(cells.astype(dtype.lower())).astype(dtype)

    return make


def _wild_floats(rng: np.random.Generator, n: int) -> pd.Series:
    values = [0.0, -0.0, 5e-324, -2.2e-308, 1.7e308, -1.7e308, 1e-300, 0.1, np.nan, CANARY, np.pi]
    return pd.Series(_some(rng, n, values), dtype=np.float64)


def _infinite(rng: np.random.Generator, n: int) -> pd.Series:
    return pd.Series(_some(rng, n, [np.inf, -np.inf, 1.0, CANARY, np.nan]), dtype=np.float64)


def _texts(dtype: Any) -> Maker:
    def make(rng: np.random.Generator, n: int) -> pd.Series:
        levels = ["low", "middle", "high", "", "ä ö", "a,b", 'say "x"', "NA", "1", "l\nf", "😀", "x" * 300]
        size = int(rng.integers(1, len(levels)))
        cells = _with_canary(rng, _some(rng, n, [levels[i] for i in rng.permutation(len(levels))[:size]]), CANARY_TEXT)
        cells = _missing(rng, cells, rng.choice(np.array([None, np.nan], dtype=object)))
        return _objects(cells) if dtype is object else pd.Series(cells, dtype=dtype)

    return make


def _categories(rng: np.random.Generator, n: int) -> pd.Series:
    day = pd.Timestamp("2001-01-01")
    pools: list[list[Any]] = [
        ["low", "middle", "high", CANARY_TEXT],
        [3, 1, 2, CANARY_WHOLE],
        [0, 1],
        [0.5, 1.5, -2.0, CANARY],
        [True, False],
        [day, day + pd.Timedelta(days=1), pd.Timestamp(CANARY_DAY)],
        [day.tz_localize("UTC"), day.tz_localize("UTC") + pd.Timedelta(hours=1)],
        [pd.Timedelta(1, "h"), pd.Timedelta(2, "h")],
        [dt.date(2000, 1, 1), CANARY_DAY],
        ["only"],
        ["a", 1, 2.5],
        list(pd.interval_range(0, 4)),
    ]
    pool = pools[int(rng.integers(len(pools)))]
    levels = [pool[i] for i in rng.permutation(len(pool))]
    used = levels[: int(rng.integers(1, len(levels) + 1))]
    codes = np.where(_holes(rng, n), -1, rng.integers(0, len(used), n))
    categories = pd.Index(levels, dtype=object) if rng.random() < 0.1 else pd.Index(levels)
    return pd.Series(pd.Categorical.from_codes(codes, categories=categories, ordered=bool(rng.random() < 0.5)))


def _odd_categories(rng: np.random.Generator, n: int) -> pd.Series:
    pools: list[Any] = [
        pd.Index([decimal.Decimal("1.5"), decimal.Decimal("2.5")], dtype=object),
        pd.period_range("2001-01", periods=3, freq="M"),
        pd.Index([np.inf, 1.0]),
        pd.Index([b"x", CANARY_TEXT.encode()], dtype=object),
        pd.Index([("a", 1), ("b", 2)], tupleize_cols=False),
        pd.Index(["1", 1], dtype=object),
        pd.Index([1 + 2j, 3.0]),
        pd.Index([2**63, 1], dtype=np.uint64),
        pd.Index(["x", "y"], dtype=pd.ArrowDtype(pa.string())),
        pd.Index([1, 2], dtype="Int64"),
        pd.Index([dt.time(1), dt.time(2)], dtype=object),
        pd.Index([], dtype=object),
        pd.Index(["lone \ud800", "nul \0"], dtype=object),
    ]
    categories = pools[int(rng.integers(len(pools)))]
    codes = rng.integers(-1, len(categories), n)
    return pd.Series(pd.Categorical.from_codes(codes, categories=categories, ordered=bool(rng.random() < 0.5)))


def _moments(unit: str, zone: str | None = None) -> Maker:
    def make(rng: np.random.Generator, n: int) -> pd.Series:
        days = rng.integers(0, 20_000, n).astype("M8[D]").astype(f"M8[{unit}]")
        if rng.random() < 0.5:
            days = days + rng.integers(0, 86_400, n).astype("m8[s]").astype(f"m8[{unit}]")
        cells = pd.Series(days)
        if n and rng.random() < 0.5:
            cells.iloc[0] = pd.Timestamp(CANARY_DAY).as_unit(unit)
        cells[_holes(rng, n)] = pd.NaT
        return cells.dt.tz_localize("UTC").dt.tz_convert(zone) if zone else cells

    return make


def _far_moments(rng: np.random.Generator, n: int) -> pd.Series:
    values = np.array(["0001-01-01", "9999-12-31", "1582-10-04", "2087-11-23", "-2000-01-01"], dtype="M8[s]")
    return pd.Series(values[rng.integers(0, len(values), n)])


def _durations(unit: str) -> Maker:
    def make(rng: np.random.Generator, n: int) -> pd.Series:
        cells = pd.Series(rng.integers(-1000, 100_000, n).astype(f"m8[{unit}]"))
        cells[_holes(rng, n)] = pd.NaT
        return cells

    return make


def _of_objects(values: list[Any], hole: Any = None) -> Maker:
    def make(rng: np.random.Generator, n: int) -> pd.Series:
        return _objects(_missing(rng, _some(rng, n, values), hole))

    return make


def _arrow(kind: Any, values: list[Any]) -> Maker:
    def make(rng: np.random.Generator, n: int) -> pd.Series:
        return pd.Series(_missing(rng, _some(rng, n, values), None), dtype=pd.ArrowDtype(kind))

    return make


def _spread(rng: np.random.Generator, n: int) -> pd.Series:
    return pd.Series(rng.permutation(n))


def _constant(rng: np.random.Generator, n: int) -> pd.Series:
    return pd.Series([_some(rng, 1, [0, 1.5, "x", True, CANARY, pd.Timestamp("2001-01-01")])[0]] * n)


def _nothing(rng: np.random.Generator, n: int) -> pd.Series:
    dtype = _some(rng, 1, [object, np.float64, "Int64", "str", "boolean", "M8[ns]", "category", "m8[s]"])[0]
    return pd.Series([None] * n, dtype=dtype)


def _identifier(rng: np.random.Generator, n: int) -> pd.Series:
    cells = [f"person {i} {CANARY_TEXT}" for i in range(n)]
    if n and rng.random() < 0.5:
        cells[0] = cells[-1]
    return pd.Series(cells)


def _number_texts(rng: np.random.Generator, n: int) -> pd.Series:
    return pd.Series(_some(rng, n, ["1", "2.5", " 3", "1e3", "-8", "918273645.5"]))


def _date_texts(rng: np.random.Generator, n: int) -> pd.Series:
    values = ["2001-01-01", "2002-02-28", CANARY_DAY.isoformat(), "2001-01-01 12:30"]
    return pd.Series(_some(rng, n, [*values, "2001-02-31"] if rng.random() < 0.2 else values))


_COMMON: dict[str, Maker] = {
    "float64": _floats("float64"),
    "int64": _integers("int64"),
    "text": _texts("str"),
    "category": _categories,
    "count": lambda rng, n: pd.Series(rng.poisson(2, n)),
    "zero_one": lambda rng, n: pd.Series(rng.integers(0, 2, n)),
    "bool": lambda rng, n: pd.Series(rng.random(n) < 0.5),
    "datetime": _moments("us"),
    "constant": _constant,
    "missing": _nothing,
}

_SOUND: dict[str, Maker] = {
    "times_object": _of_objects([dt.time(0), dt.time(12, 30), dt.time.max, dt.time(1, 2, 3, 4)]),
    "times_s": _arrow(pa.time32("s"), [dt.time(0), dt.time(1), dt.time(23, 59, 59)]),
    "times_ns": _arrow(pa.time64("ns"), [dt.time(0), dt.time.max, dt.time(8, 30)]),
    **{dtype: _integers(dtype) for dtype in ("int8", "int16", "int32", "uint8", "uint16", "uint32", "uint64")},
    **{dtype: _integers(dtype) for dtype in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt32", "UInt64")},
    **{dtype: _floats(dtype) for dtype in ("float16", "float32", "Float32", "Float64")},
    "wild": _wild_floats,
    "boolean": lambda rng, n: pd.Series(_missing(rng, _some(rng, n, [True, False]), None), dtype="boolean"),
    "string": _texts("string"),
    "string_arrow": _texts("string[pyarrow]"),
    "text_object": _texts(object),
    **{f"datetime_{unit}": _moments(unit) for unit in ("s", "ms", "ns")},
    "datetime_utc": _moments("ns", "UTC"),
    "datetime_zone": _moments("us", "Europe/Amsterdam"),
    "datetime_offset": _moments("ms", "+05:30"),
    "datetime_far": _far_moments,
    **{f"duration_{unit}": _durations(unit) for unit in ("s", "us", "ns")},
    "dates": _of_objects([dt.date(2001, 1, 1), dt.date(1899, 12, 31), CANARY_DAY]),
    "moments_object": _of_objects([pd.Timestamp("2001-01-01"), pd.Timestamp("2001-01-01 12:00")], pd.NaT),
    "moments_python": _of_objects([dt.datetime(2001, 1, 1), dt.datetime(2001, 1, 1, 12)]),
    "durations_object": _of_objects([dt.timedelta(hours=1), dt.timedelta(days=2)]),
    "decimals": _of_objects([decimal.Decimal("1.50"), decimal.Decimal("2.25"), decimal.Decimal("918273645.5")]),
    "integers_object": _of_objects([1, 2, 3, CANARY_WHOLE], np.nan),
    "large_integers_object": _of_objects([1, 2**70]),
    "floats_object": _of_objects([1.5, -0.0, CANARY], None),
    "numbers_object": _of_objects([1, 2.5, CANARY]),
    "booleans_object": _of_objects([True, False], pd.NA),
    "arrow_int": _arrow(pa.int32(), [1, 2, 3]),
    "arrow_float": _arrow(pa.float64(), [0.5, CANARY]),
    "arrow_bool": _arrow(pa.bool_(), [True, False]),
    "arrow_text": _arrow(pa.string(), ["a", CANARY_TEXT]),
    "arrow_decimal": _arrow(pa.decimal128(20, 3), [decimal.Decimal("1.5"), decimal.Decimal("918273645.5")]),
    "arrow_date": _arrow(pa.date32(), [dt.date(2001, 1, 1), CANARY_DAY]),
    "arrow_moment": _arrow(pa.timestamp("ms", "UTC"), [pd.Timestamp("2001-01-01", tz="UTC")]),
    "arrow_duration": _arrow(pa.duration("s"), [pd.Timedelta("1h"), pd.Timedelta("2h")]),
    "distinct": _spread,
    "number_texts": _number_texts,
    "date_texts": _date_texts,
}

_WRONG: dict[str, Maker] = {
    "infinite": _infinite,
    "identifier": _identifier,
    "odd_category": _odd_categories,
    "period": lambda rng, n: pd.Series(pd.period_range("2001-01", periods=n, freq="M")),
    "interval": lambda rng, n: pd.Series(pd.IntervalIndex.from_breaks(np.arange(n + 1))),
    "sparse": lambda rng, n: pd.Series(pd.arrays.SparseArray(rng.integers(0, 2, n).astype(float))),
    "complex": lambda rng, n: pd.Series(rng.normal(size=n) + 1j),
    "longdouble": lambda rng, n: pd.Series(rng.normal(size=n).astype(np.longdouble)),
    "bytes": _of_objects([b"x", CANARY_TEXT.encode()]),
    "mixture": _of_objects(["a", 1, 2.5, None, CANARY_TEXT, dt.date(2001, 1, 1)]),
    "text_number": _of_objects(["a", CANARY_WHOLE]),
    "bool_number": _of_objects([True, 1, 0.5]),
    "zones": _of_objects([pd.Timestamp("2001-01-01"), pd.Timestamp("2001-01-01", tz="UTC")]),
    "far_dates": _of_objects([dt.date(1, 1, 1), dt.date(9999, 12, 31)]),
    "far_moments": _of_objects([dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)]),
    "date_moment": _of_objects([dt.date(2001, 1, 1), dt.datetime(2001, 1, 1)]),
    "infinite_object": _of_objects([np.inf, 1.0, CANARY]),
    "nan_decimal": _of_objects([decimal.Decimal("NaN"), decimal.Decimal("1")]),
    "infinite_decimal": _of_objects([decimal.Decimal("Infinity"), decimal.Decimal("1")]),
    "huge_decimal": _of_objects([decimal.Decimal("1e400"), decimal.Decimal("1e-400")]),
    "huge_integer": _of_objects([10**400, 1]),
    "lists": _of_objects([[1, 2], [CANARY_TEXT], []]),
    "dicts": _of_objects([{"a": CANARY}, {}]),
    "tuples": _of_objects([(1, 2), (CANARY_TEXT,)]),
    "sets": _of_objects([{1}, frozenset({2})]),
    "arrays": _of_objects([np.arange(2), np.arange(3)]),
    "fractions": _of_objects([Fraction(1, 3), Fraction(2, 3)]),
    "zoned_times": _of_objects([dt.time(12, 30, tzinfo=dt.UTC), dt.time(1, tzinfo=dt.UTC)]),
    "things": _of_objects([object()]),
    "types": _of_objects([int, str]),
    "surrogates": _of_objects(["lone \ud800", "a"]),
    "nul": _of_objects(["nul \0", "a"]),
    "numpy_scalars": _of_objects([np.float32(1.5), np.int8(2), np.bool_(True)]),
    "numpy_days": _of_objects([np.datetime64("2001-01-01"), np.datetime64("NaT")]),
    "arrow_list": _arrow(pa.list_(pa.int64()), [[1], [2, 3]]),
    "arrow_bytes": _arrow(pa.binary(), [b"x", CANARY_TEXT.encode()]),
    "arrow_wide": _arrow(pa.large_string(), ["x", CANARY_TEXT]),
    "arrow_levels": _arrow(pa.dictionary(pa.int8(), pa.string()), ["x", "y"]),
    "arrow_nothing": _arrow(pa.null(), [None]),
}

_NAMES = ["age", "income", "x", "y", "z", "sex", "group", "wgt", "hgt", "bmi", "p90", "e", "_", "n"]
_ODD_NAMES = [
    "net income",
    "Größe",
    "😀",
    "a.b",
    "a`b",
    "it's",
    'say "x"',
    "log(x)",
    "x + y",
    "__import__('os')",
    "../../etc/passwd",
    "C(x)",
    "and",
    "None",
    "True",
    "y" * 600,
    "{name}",
    "%s",
    "a,b",
    "tab\there",
    "two\nlines",
    "<b>",
    "=1+1",
    "#",
    "\\",
    "index",
    "Ａ",
    "é",
    "é",
    " x",
    "nul\0name",
]
_WRONG_NAMES: list[Any] = ["", "  ", "imputation", 1, 2.5, None, True, ("a", "b"), "lone \ud800", dt.date(2001, 1, 1)]

seeds = st.integers(0, 2**32 - 1)


def _often(draw: Any, odds: int) -> bool:
    """True in about one of `odds` cases; shrinks to False."""
    return draw(st.integers(0, odds - 1)) == odds - 1


@st.composite
def frames(draw: Any, *, wrong: bool) -> pd.DataFrame:
    """A table; `wrong` ones have cells, names or a shape that may have to be refused."""
    n = draw(st.integers(2, 60))
    if wrong and _often(draw, 8):
        n = draw(st.sampled_from([0, 1]))
    p = draw(st.integers(1, 8))
    if wrong and _often(draw, 30):
        p = 0
    makers = {**_COMMON, **_SOUND, **(_WRONG if wrong else {})}
    kinds = draw(st.lists(st.sampled_from(list(_COMMON)) | st.sampled_from(list(makers)), min_size=p, max_size=p))
    pool = st.sampled_from(_NAMES) | st.sampled_from(_NAMES) | st.sampled_from(_ODD_NAMES)
    names: list[Any] = draw(st.lists(pool, min_size=p, max_size=p, unique=True))
    if p and wrong and _often(draw, 4):
        names[0] = draw(st.sampled_from([*_WRONG_NAMES, names[-1]]))
    rng = np.random.default_rng(draw(seeds))
    series = [pd.Series(makers[kind](rng, n)) for kind in kinds]
    if p > 1 and _often(draw, 6):
        series[-1] = series[0].copy()
    frame = pd.concat(series, axis=1) if series else pd.DataFrame(index=range(n))
    frame.columns = pd.Index(names, dtype=object if wrong else None)
    if n and _often(draw, 6):
        frame.index = pd.Index(_some(rng, n, ["r", CANARY_TEXT]), name=draw(st.sampled_from([None, "key", ("a", 1)])))
    return frame


# --- passive columns that hold ----------------------------------------------------------------------------------------


def quoted(name: str) -> str:
    """A column's name as expressions and rules take it."""
    return f"`{name}`" if not name.isidentifier() or name in {"and", "None", "True", "p90"} else name


@st.composite
def _passive(draw: Any, frame: pd.DataFrame) -> tuple[str, str, tuple[str, ...], Formula] | None:
    """A new column's name, expression, inputs and function; None where no column is a plain number."""
    numeric = [c for c, t in frame.dtypes.items() if t in (np.dtype(np.float64), np.dtype(np.int64)) and "`" not in c]
    if not numeric:
        return None
    a, b = (draw(st.sampled_from(numeric)) for _ in "ab")
    x, y = quoted(a), quoted(b)
    shape = draw(st.integers(0, 5))
    text, function = [
        (f"{x} + {y}", lambda v: v[a] + v[b]),
        (f"{x} / ({y} / 100)**2", lambda v: v[a] / (v[b] / 100) ** 2),
        (f"log(abs({x}) + 1)", lambda v: np.log(np.abs(v[a]) + 1)),
        (f"round(-{x} * 2.5, 1)", lambda v: np.round(-v[a] * 2.5, 1)),
        (f"max({x}, {y}, 0)", lambda v: np.maximum(np.maximum(v[a], v[b]), 0)),
        (f"sqrt({x}) - floor({y})", lambda v: np.sqrt(v[a]) - np.floor(v[b])),
    ][shape]
    inputs = (a,) if shape in (2, 3) else (a, b)

    def formula(values: Mapping[str, np.ndarray]) -> np.ndarray:
        with np.errstate(all="ignore"):
            out = np.array(function(values), dtype=np.float64)
        out[~np.isfinite(out)] = np.nan
        for name in inputs:
            out[np.isnan(values[name])] = np.nan
        return out

    return "passive", text, inputs, formula


EXPRESSIONS = [
    "__import__('os').system('true')",
    "().__class__.__bases__[0].__subclasses__()",
    "x" * 3000,
    "(" * 300 + "x" + ")" * 300,
    "9**9**9**9",
    "x ** 1e9",
    "x if y else z",
    "[x for x in y]",
    "lambda: x",
    "x; y",
    "f'{x}'",
    "exec('x')",
    "`",
    "``",
    "'x'",
    "x y",
    "1",
    "nan",
    "inf * x",
    "x.y",
    "x[0]",
    "@x",
    "x := 1",
    "-" * 500 + "x",
    "1_0e5 * x",
    "0x1F * x",
    "1j * x",
    "x\0",
    "\ud800",
    "round(x, 99)",
    "max(x)",
    "log(x, y)",
    "1e400 * x",
    "x == y",
    "",
    "   ",
]


def expressions() -> st.SearchStrategy[str]:
    """Texts of all sorts where an expression or a rule is expected."""
    words = ["x", "y", "age", "`net income`", "1", "2.5", "1e3", "+", "-", "*", "/", "**", "(", ")", ",", "log", "max"]
    words += ["p90", "'low'", "<", "==", "and", "not", "or", "!=", ">=", "2001-01-01", "'2001-01-01'", "~", "%", "//"]
    pieces = st.lists(st.sampled_from(words), min_size=1, max_size=12).map(" ".join)
    return st.sampled_from(EXPRESSIONS) | pieces | st.text(max_size=40)


@st.composite
def rules(draw: Any, frame: pd.DataFrame) -> str:
    """A rule on some column, mostly sound."""
    name = draw(st.sampled_from([str(c) for c in frame.columns] or ["x"]))
    column = quoted(name)
    number = draw(st.sampled_from(["0", "1", "-2.5", "1e3", "p50", "p99.9", "p1"]))
    word = draw(st.sampled_from(["'low'", "'only'", "'2001-01-01'", "'a'", "''", '"x"', "1", "True"]))
    sign = draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
    rule = f"{column} {sign} {draw(st.sampled_from([number, word]))}"
    tail = draw(st.sampled_from(["", "", "", f" or not {column} > p50", f" and {rule}", f" or {column} * 2 > 3"]))
    return draw(expressions()) if _often(draw, 8) else rule + tail


# --- codebooks --------------------------------------------------------------------------------------------------------


def _plain_values(column: pd.Series) -> list[Any]:
    """Distinct cells that a codebook can hold: texts, numbers, truth values."""
    try:
        # A column of objects may hold NumPy's numbers, which no YAML can.
        found = [
            value.item() if isinstance(value, np.generic) else value
            for value in dict.fromkeys(column.dropna().tolist())
        ]
    except TypeError:
        return []
    return [value for value in found if isinstance(value, (str, int, float, bool))][:20]


_SAID: list[Any] = [
    *(None, "nominal", "date", -1, 99, 1e400, float("nan"), True, [], {}, [None], [[1]], {"a": None}),
    *(["a", "a"], [1, True, 1.0], [float("nan")], [2**80], {1: "a", 1.5: "b"}, [-8, "-8"], ["\ud800"], [""]),
]


@st.composite
def _declared(draw: Any, frame: pd.DataFrame, name: Any, *, wrong: bool) -> Any:
    column = frame[name]
    if isinstance(column, pd.DataFrame):  # a name that occurs twice
        column = column.iloc[:, 0]
    values = _plain_values(column)
    categorical = st.sampled_from(["nominal", "ordered", "ordered", "binary"])
    numeric = st.sampled_from(["continuous", "count", "date"])
    some = draw(st.permutations(values)) if values else []
    choice = draw(st.integers(0, 8))
    said: dict[str, Any] = {}
    if choice == 0:
        said["kind"] = draw(categorical)
    elif choice == 1:
        said["kind"] = draw(numeric)
    elif choice == 2:
        said = {"kind": draw(categorical), "levels": list(some)}
    elif choice == 3:
        said["levels"] = [*some, *draw(st.sampled_from([[], ["unused"], [99]]))]
    elif choice == 4:
        said["missing_codes"] = [*some[:1], -8]
    elif choice == 5:
        said["spike"] = [v for v in some if isinstance(v, (int, float)) and not isinstance(v, bool)][:1] or [0]
    elif choice == 6:
        said["decimals"] = draw(st.integers(0, 15))
    elif choice == 7:
        said["labels"] = {v: draw(st.sampled_from([f"label {i}", "same", i, f"l{i}"])) for i, v in enumerate(values)}
        said["kind"] = draw(categorical | numeric)
    if wrong and _often(draw, 2):
        key = draw(st.sampled_from(["kind", "levels", "labels", "source", "missing_codes", "spike", "decimals", "x"]))
        said[key] = draw(
            st.sampled_from([*_SAID, *map(str, frame.columns), [*map(str, some), "a"], list(some) * 2])
            | st.just({str(value): "one" for value in some})
        )
    return said


@st.composite
def codebooks(draw: Any, frame: pd.DataFrame, *, wrong: bool) -> Any:
    """What is declared of a table: nothing, something about some columns, or something wrong."""
    if not len(frame.columns) or not _often(draw, 2):
        return None
    names = draw(st.lists(st.sampled_from(list(frame.columns)), max_size=3, unique=True))
    book = {name: draw(_declared(frame, name, wrong=wrong)) for name in names}
    if wrong and _often(draw, 6):
        book[draw(st.sampled_from(["nowhere", "", "new"]))] = draw(
            st.sampled_from([{"source": str(frame.columns[0])}, {}, None, "nominal", [1], 3])
        )
    elif _often(draw, 8) and isinstance(frame.columns[0], str):
        book["made"] = {"source": frame.columns[0]}
    return book


# --- settings ---------------------------------------------------------------------------------------------------------

_ATOMS: list[Any] = [None, -1, 0, 2.5, 1e400, float("nan"), True, "", "x", [], {}, [None], {"x": None}, [1], b"x"]


def _anything() -> st.SearchStrategy[Any]:
    return st.sampled_from([*_ATOMS, "tables", ["age", "age"], {"age": "cart"}, {"age": ["x"]}, {1: 2}, object, 2**200])


@st.composite
def specs(draw: Any, frame: pd.DataFrame, *, wrong: bool) -> dict[str, Any]:
    """Settings of `synthesize`, each named in some cases."""
    names = [name for name in frame.columns if isinstance(name, str)] or ["x"]
    name = st.sampled_from(names)
    n = len(frame)
    method = st.sampled_from(["cart", "cart", "sample", "keep"])
    unknown = ["nowhere"] if wrong else []
    any_name = st.sampled_from([*names, *unknown])
    first = pd.Index(names[:1], dtype=object)  # no Arrow text: half a character is a name too
    settings: dict[str, st.SearchStrategy[Any]] = {
        "seed": st.integers(0, 2**128 - 1),
        "conditioning": st.sampled_from(["synthetic", "observed"]),
        "method": st.sampled_from(["cart", "sample"]) | st.dictionaries(name, method, max_size=3),
        "minbucket": st.integers(1, 70) | st.just("auto"),
        "cp": st.sampled_from([0, 1e-8, 0.01, 1]),
        "minsplit": st.integers(2, 80),
        "maxdepth": st.integers(1, 100),
        "splits": st.sampled_from(["corrected", "rpart"]),
        "class_risk": st.sampled_from(["gini", "misclassified"]),
        "visit_sequence": st.sampled_from(["random", "table", "auto"]) | st.permutations(names),
        "k": st.sampled_from([n or 1, 1, 2, 7, 90, 300]),
        "fits": st.sampled_from(["own", "shared"]),
        "proper": st.booleans(),
        "exclude_self": st.booleans(),
        "donors": st.sampled_from(["any", "distinct", {"distinct": 2}]),
        "shuffle": st.booleans(),
        "missing": st.just("keep"),
        "options": st.dictionaries(
            any_name,
            st.fixed_dictionaries({}, optional={"minbucket": st.integers(1, 70), "maxdepth": st.integers(1, 9)}),
            max_size=2,
        ),
        "predictors": st.dictionaries(any_name, st.lists(any_name, max_size=3, unique=True), max_size=2),
        "where": st.lists(rules(frame), max_size=2)
        | st.dictionaries(name, rules(frame), max_size=2)
        | seeds.map(lambda seed: np.random.default_rng(seed).random(frame.shape) < 0.5)
        | seeds.map(lambda seed: pd.DataFrame(np.random.default_rng(seed).random((n, 1)) < 0.5, columns=first))
        | seeds.map(lambda seed: {names[0]: np.random.default_rng(seed).random(n) < 0.5}),
        "strata": name | st.lists(name, max_size=2),
        "min_stratum": st.integers(1, 40),
    }
    # Each setting refuses in some way of its own: few at a time, or nothing would ever be released.
    chosen = draw(st.lists(st.sampled_from(list(settings)), max_size=5, unique=True))
    spec = {key: draw(settings[key]) for key in chosen}
    spec["m"] = draw(st.integers(1, 3))
    if wrong and _often(draw, 2):
        key = draw(st.sampled_from([*settings, "m", "passive", "threads"]))
        spec[key] = draw(_anything())
    if wrong and _often(draw, 3):
        spec["passive"] = draw(st.dictionaries(any_name, expressions(), max_size=2))
    if isinstance(spec.get("visit_sequence"), list) and _often(draw, 4):
        spec["visit_sequence"] = spec["visit_sequence"][1:]
    return spec


@st.composite
def cases(draw: Any) -> Case:
    """A table, its codebook, and settings; at most one of the three is drawn from what may be wrong."""
    mistake = draw(st.sampled_from(["", "", "frame", "codebook", "spec"]))
    frame = draw(frames(wrong=mistake == "frame"))
    case = Case(frame)
    if mistake != "frame" and _often(draw, 4):
        made = draw(_passive(frame))
        if made is not None:
            name, text, inputs, formula = made
            numbers = {other: frame[other].to_numpy(dtype=np.float64) for other in inputs}
            case.frame = frame.assign(**{name: formula(numbers)})
            case.formulas[name] = (inputs, formula)
            case.spec["passive"] = {name: text}
    case.codebook = draw(codebooks(case.frame, wrong=mistake == "codebook"))
    case.spec = {**case.spec, **draw(specs(frame, wrong=mistake == "spec"))}
    return case


# --- jobs -------------------------------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """A setting as YAML can hold it; what it cannot hold becomes its text."""
    if isinstance(value, Mapping):
        return {key if isinstance(key, (str, int, float, bool)) else str(key): plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (np.ndarray, pd.DataFrame)):
        return ["x > p50"]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


READINGS: dict[str, list[Any]] = {
    "delimiter": [",", ",", ";", "\t", "tab", "|", ";;", "a", 5],
    "quote": ['"', "'", "", "ab"],
    "decimal": [".", ",", ";", 1],
    "thousands": [",", "'", " ", ".", "x"],
    "encoding": ["utf-8", "UTF8", "cp1252", "utf-16", "ascii", "nowhere", "base64"],
    "na_values": [["N"], "x", [], [None], ["a", "1"]],
    "header": [1, 1, 0, 99, -1, "x"],  # not 2: a record that the user calls the names is shown as they are
    "sheet": [1, "x"],
    "date_format": ["%d/%m/%Y", "%Y-%m-%d", "%Y", {"d": "%d.%m.%Y"}, 3],
    "types": [{"age": "text"}, {"x": "integer"}, {"x": "number"}, {"nowhere": "date"}, {"x": "word"}, ["text"]],
}
"""Settings of reading, most of them sound for a plain CSV."""

OVERRIDES = [
    "input.delimiter=;",
    "input.decimal=,",
    "input.types.x=text",
    "synthesis.m=2",
    "synthesis.seed=7",
    "synthesis.conditioning=observed",
    "synthesis.shuffle=false",
    "synthesis.k=5",
    'synthesis.where=["x > p50"]',
    "columns.age.kind=nominal",
    "columns.x={levels: [1, 2]}",
    "input.columns=[age, x]",
    "output.copies=csv",
    "output.copies=[sav, dta, xlsx]",
    "synthesis.m=[",
    "synthesis.m=yes",
    "synthesis.m.x=1",
    "synthesis=",
    "=1",
    ".=1",
    "x",
    "",
    "nowhere.x=1",
    "synthesis.seed=!!python/object/apply:os.system ['true']",
    "synthesis.method=&a [*a]",
    "synthesis.where={? [a] : b}",
    "input.path=",
    "input.dataset=anes96",
    "output.path=",
    "output.helpers=[perl]",
    "columns=3",
]

TEXTS = [
    "",
    "[]",
    "3",
    "a: b: c",
    "input: {path: x.csv}\ninput: {path: y.csv}",
    "input: !!python/object/apply:os.system ['true']",
    "a: &a [x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b, *b, *b, *b, *b]",
    "input: &i {path: x, again: *i}",
    "{" * 3000,
    "- " * 3000,
    "\t",
    "%YAML 9.9\n---\n",
    "input: {path: nowhere.csv}\noutput: {path: 'nul\\0'}",
    "? [a, b]\n: c",
    "<<: 3",
    "input: 2001-02-31",
    "synthesis: {m: 0x, seed: 99999999999999999999999999999999999999999999999999}",
    "\x00",
    "--- a\n--- b",
]


@dataclass
class Job:
    """A case as a file and a document. `text` takes the document's place where the YAML itself is what is wrong."""

    case: Case
    document: dict[str, Any]
    overrides: list[str]
    suffix: str
    text: str | None = None


@st.composite
def jobs(draw: Any) -> Job:
    """A job: mostly one that runs; `input.path` and `output.path` are filled in by the test."""
    case = draw(cases())
    output: dict[str, Any] = {}
    if _often(draw, 2):
        output = {"csv": draw(st.booleans()), "helpers": draw(st.sampled_from([[], ["r"], ["stata"], ["r", "stata"]]))}
        output["flag"] = draw(st.sampled_from([False, True, "made_up", "x"]))
    document: dict[str, Any] = {"input": {}, "synthesis": plain(case.spec), "output": output}
    if case.codebook is not None:
        document["columns"] = plain(case.codebook)
    if _often(draw, 8):
        names = [str(name) for name in case.frame.columns] or ["x"]
        document["input"]["columns"] = draw(st.lists(st.sampled_from([*names, *names, "nowhere"]), max_size=5))
    if _often(draw, 4):
        document["synthesis"]["partition_rows"] = draw(st.sampled_from([4, 5, 10, 25, 100, 1, -1, 2.5, "x", 2**200]))
    for key in draw(st.lists(st.sampled_from(list(READINGS)), max_size=2)) if _often(draw, 4) else []:
        document["input"][key] = draw(st.sampled_from(READINGS[key]))
    if _often(draw, 8):
        section = draw(st.sampled_from(["input", "columns", "synthesis", "output", "study", "analyses"]))
        document[section] = draw(_anything().map(plain))
    overrides = draw(st.lists(st.sampled_from(OVERRIDES), max_size=2)) if _often(draw, 4) else []
    text = draw(st.sampled_from(TEXTS) | st.text(max_size=60)) if _often(draw, 12) else None
    return Job(case, document, overrides, draw(st.sampled_from([".parquet", ".csv", ".csv.gz", "/"])), text)


# --- analyses ---------------------------------------------------------------------------------------------------------


@st.composite
def models(draw: Any, frame: pd.DataFrame) -> tuple[str, str]:
    """A model and its formula, over columns of the frame."""
    names = [quoted(str(name)) for name in frame.columns]
    side = st.sampled_from(names)
    model = draw(st.sampled_from(["ols", "ols", "logit", "polr", "poisson", "multinomial", "probit", "gamma"]))
    right = draw(st.lists(side, min_size=1, max_size=3, unique=True))
    return model, f"{draw(side)} ~ {' + '.join(right)}"


@st.composite
def estimands(draw: Any, frame: pd.DataFrame) -> list[dict[str, Any]] | None:
    """What a study estimates: the defaults, or some of each kind."""
    if _often(draw, 3):
        return None
    names = [str(name) for name in frame.columns]
    some = st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)
    model, formula = draw(models(frame))
    every = [
        {"describe": draw(some)},
        {"correlation": draw(some)},
        {"model": model, "formula": formula},
        {"discriminate": "all"},
        {"means": draw(some)},
        {"counts": draw(some)},
        {"densities": draw(some)},
        {"copies": True},
        {"describe": ["nowhere"]},
    ]
    return [dict(one) for one in draw(st.lists(st.sampled_from(every), min_size=1, max_size=3))]
