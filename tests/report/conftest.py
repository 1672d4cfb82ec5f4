"""Results of a study as its page receives them, with made-up numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from replicant.evaluation import Evaluation, Figure, against_rate, judged

Document = dict[str, Any]
NUMBERS = ("age", "hgt", "wgt", "bmi", "hc", "tv")
LEVELS = {
    "gen": ["G1", "G2", "G3", "G4", "G5"],
    "phb": ["P1", "P2", "P3", "P4", "P5", "P6"],
    "reg": ["north", "east", "west", "south", "city"],
}
TRUTHS = {"age": 9.159, "hgt": 131.1, "wgt": 37.12, "bmi": 18.04, "hc": 51.62, "tv": 8.429}
LINEAR = ["(Intercept)", "age", "phb.L", "phb.Q", "phb.C", "phb^4", "phb^5"]
ORDERED = ["age", "hc", "regeast", "regwest", "regsouth", "regcity", "G1|G2", "G2|G3", "G3|G4", "G4|G5"]
SCORES = ["accuracy", "balanced accuracy", "kappa", "mcnemar p", "sensitivity", "specificity", "prevalence"]
STATISTICS = ["mean", "sd", "median", "min", "max", "skew", "kurtosis"]


def rows(
    rng: np.random.Generator,
    terms: Sequence[tuple[str, float | None, dict[str, Any]]],
    arms: Sequence[str],
    fields: Sequence[str],
    replicates: int,
) -> list[dict[str, Any]]:
    """A row per term and arm: plausible numbers, an error beside each."""
    made = []
    for (term, truth, extra), arm in itertools.product(terms, arms):
        sd = 0.05 * (1 + abs(truth or 0.0))
        bias = float(rng.normal(0, sd / 20)) + (0.0 if arm == "sample" else float(rng.normal(0, sd / 5)))
        numbers = {
            "estimate": ((truth if truth is not None else 0.5) + bias, sd),
            "bias": (bias, sd),
            "coverage": (float(rng.binomial(1000, 0.945 if arm == "sample" else 0.93)) / 1000, 0.23),
            "std_error": (sd * 1.02, sd / 10),
            "width": (sd * 4, sd / 5),
            "difference": (None if arm == "sample" else bias * 0.9, sd / 3),
            "statistic": (float(rng.normal()), 1.0),
            "df": (float(rng.uniform(200, 900)), 300.0),
            "p_value": (float(rng.uniform(0.3, 0.7)), 0.3),
        }
        row: dict[str, Any] = {"term": term, "arm": arm, "truth": truth, "replicates": replicates, "failed": 0}
        row |= {"sd": sd} | extra
        for field in fields:
            value, spread = numbers[field]
            row[field] = value
            row[f"{field}_error"] = None if value is None else spread / math.sqrt(max(replicates, 1))
        made.append(row)
    return made


def published(
    rng: np.random.Generator, made: Sequence[dict[str, Any]], source: str, arm: str, fields: Sequence[str], exact: bool
) -> dict[str, Any]:
    """Another's numbers near ours; the paper's come without errors, and one of R's is far off."""
    values: dict[str, dict[str, Any]] = {}
    for row in made:
        if row["arm"] == arm:
            for field in fields:
                error = row[f"{field}_error"]
                z = float(rng.normal()) if values or exact else 4.2
                value = row[field] - z * error * (1 if exact else math.sqrt(2))
                entry = {"value": value, "error": None if exact else error, "z": z}
                values.setdefault(row["term"], {})[field] = entry
    return {"source": source, "arm": arm, "values": values}


def boys(
    variants: Sequence[str] = ("observed", "synthetic", "shared"),
    replicates: int = 1000,
    beside: bool = True,
    seed: int = 1,
) -> Document:
    """Results of the shape that the paper's study has."""
    rng = np.random.default_rng(seed)
    arms = ["sample", *variants]

    def entry(
        name: str,
        kind: str,
        terms: Sequence[tuple[str, float | None, dict[str, Any]]],
        fields: Sequence[str],
        own: Sequence[str] = arms,
        **more: Any,
    ) -> dict[str, Any]:
        made = rows(rng, terms, own, fields, replicates)
        found = []
        compared = [field for field in ("bias", "coverage") if field in fields] or list(fields)
        if beside and kind not in {"means", "counts", "densities", "copies"}:
            found = [published(rng, made, "R (mice 3.15)", arm, compared, False) for arm in own[:2]]
            found += [published(rng, made, "paper", arm, compared, True) for arm in own[:2]]
        return {
            "name": name,
            "title": None,
            "kind": kind,
            "about": {},
            "fields": list(fields),
            "rows": made,
            "draws": None,
            "terms": [term for term, _, _ in terms],
            "published": found,
        } | more

    def draws(terms: Sequence[tuple[str, float | None, dict[str, Any]]], spread: Callable[[float], float]) -> Any:
        truths = np.array([float(truth or 0.0) for _, truth, _ in terms])
        wide = np.array([spread(float(truth)) for truth in truths])
        shift = {arm: rng.normal(0, 0.3, len(truths)) if arm != "sample" else 0.0 for arm in arms}
        return {
            arm: (truths + wide * (shift[arm] + rng.normal(size=(replicates, len(truths))))).tolist() for arm in arms
        }

    described = [
        (f"{column} {statistic}", TRUTHS[column] / (1 + i), {"column": column, "statistic": statistic})
        for column in NUMBERS
        for i, statistic in enumerate(STATISTICS)
    ]
    names = [*NUMBERS, *LEVELS]
    pairs = [
        (f"{a}, {b}", round(float(rng.uniform(-0.6, 0.99)), 6), {"column": a, "other": b})
        for a, b in itertools.combinations(names, 2)
    ]
    means = [(column, TRUTHS[column], {"column": column}) for column in NUMBERS]
    counts = [
        (f"{column} {level}", float(rng.integers(20, 300)), {"column": column, "level": level})
        for column, levels in LEVELS.items()
        for level in levels
    ]
    binned = []
    for column in NUMBERS:
        shares = rng.dirichlet(np.linspace(1, 20, 24))
        low = TRUTHS[column] / 2
        for i, part in enumerate(shares):
            step = TRUTHS[column] / 24
            bounds = {"low": low + i * step, "high": low + (i + 1) * step}
            binned.append((f"{column} {i + 1}", float(part), {"column": column, "kind": "numeric"} | bounds))
    for column, levels in LEVELS.items():
        for level, part in zip(levels, rng.dirichlet(np.ones(len(levels)) * 3), strict=True):
            extra = {"column": column, "kind": "levels", "level": level}
            binned.append((f"{column} {level}", float(part), extra))
    linear = [(term, float(rng.normal(0, 5)), {}) for term in LINEAR]
    ordered = [(term, float(rng.normal(0, 1)), {}) for term in ORDERED]
    synthetic = list(variants)
    scores = [f"{cut} {word}" for cut in ("drawn", "cut") for word in SCORES] + ["auc", "pmse", "pmse ratio"]
    intervals = ["estimate", "bias", "coverage", "std_error", "width", "difference"]
    rule = dict.fromkeys(synthetic, "reiter2003")
    densities = entry("densities", "densities", binned, ["estimate"], synthetic)
    for row in densities["rows"]:
        row["estimate"] = row["truth"] * float(rng.uniform(0.8, 1.2))
    return {
        "format": "replicant-study/2",
        "title": "Boys: the paper, reproduced",
        "note": "Numbers made up for a test.",
        "data": {"rows": 748, "columns": 9},
        "replicates": replicates,
        "m": 5,
        "level": 0.95,
        "samples": "given",
        "arms": [{"name": "sample", "label": "real samples", "settings": {}}]
        + [
            {
                "name": name,
                "label": name,
                "settings": {"conditioning": name, "fits": "own", "visit_sequence": ["a", "b"]},
            }
            for name in variants
        ],
        "estimands": [
            entry("table2", "describe", described, ["estimate", "bias", "difference"], title="Descriptives (Table 2)"),
            entry("table3", "correlation", pairs, intervals, title="Correlations (Table 3)", about={"rule": rule}),
            entry(
                "table4",
                "model",
                linear,
                intervals,
                title="hgt ~ age + phb (Table 4)",
                about={"model": "ols", "formula": "hgt ~ age + phb", "rule": rule},
            ),
            entry(
                "table5",
                "model",
                ordered,
                intervals,
                title="gen ~ age + hc + reg (Table 5)",
                about={"model": "polr", "formula": "gen ~ age + hc + reg", "rule": rule},
            ),
            entry(
                "table6",
                "discriminate",
                [(term, None, {}) for term in [*LINEAR, *ORDERED[1:6]]],
                ["estimate", "std_error", "statistic", "df", "p_value"],
                synthetic,
                title="Real or synthetic (Table 6)",
            ),
            entry("table7", "scores", [(term, None, {}) for term in scores], ["estimate"], synthetic),
            entry("means", "means", means, ["estimate", "bias", "difference"], draws=draws(means, lambda x: x / 30)),
            entry("counts", "counts", counts, ["estimate", "bias", "difference"], draws=draws(counts, math.sqrt)),
            densities,
            entry(
                "copies",
                "copies",
                [(term, None, {"column": term}) for term in [*names, "whole row", "whole row, any"]],
                ["estimate"],
                synthetic,
                title="Identical cells",
            ),
        ],
        "summary": [
            {
                "arm": arm,
                "coverage": 0.942 - 0.008 * i,
                "coverage_error": 0.003,
                "coverage_terms": 17,
                "largest_correlation_bias": 0.002 + 0.004 * i,
                "identical_cells": None if arm == "sample" else [0.593, 0.031, 0.029][(i - 1) % 3],
                "identical_rows": None if arm == "sample" else 0.04,
                "pmse_ratio": None if arm == "sample" else 0.8 + 0.5 * i,
                "failed": 0,
            }
            for i, arm in enumerate(arms)
        ],
        "events": ["phb: 2 levels were empty in 3 samples."],
    }


NASTY = "<script>alert('x')</script>"
LONG = "a_name_without_any_space_that_goes_on_and_on_for_more_than_a_screen_of_a_telephone_is_wide"


def renamed(document: Document, old: str, new: str) -> Document:
    """The same results, with one name changed wherever it stands."""

    def change(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(old, new)
        if isinstance(value, list):
            return [change(part) for part in value]
        if isinstance(value, dict):
            return {change(key): change(part) for key, part in value.items()}
        return value

    return change(document)  # type: ignore[no-any-return]


def emptied(document: Document, share: float, nothing: Any = None) -> Document:
    """The same results, with a share of their numbers (all, for 1) not there."""
    rng = np.random.default_rng(3)
    for estimand in document["estimands"]:
        for row in estimand["rows"]:
            for field in ("truth", "sd", *estimand["fields"], *(f"{field}_error" for field in estimand["fields"])):
                if rng.uniform() < share:
                    row[field] = nothing
            if share == 1:
                row["failed"], row["replicates"] = row["replicates"], 0
        for arm, values in (estimand["draws"] or {}).items():
            estimand["draws"][arm] = [
                None if rng.uniform() < share / 2 else [nothing if rng.uniform() < share else v for v in value]
                for value in values
            ]
        for found in estimand["published"]:
            for fields in found["values"].values():
                for entry in fields.values():
                    if rng.uniform() < share:
                        entry.update(z=nothing, error=nothing)
    for entry in document["summary"]:
        entry.update({name: nothing for name in entry if name != "arm" and rng.uniform() < share})
    return document


def without(document: Document, *kinds: str) -> Document:
    """The same results without some kinds of estimands."""
    document["estimands"] = [estimand for estimand in document["estimands"] if estimand["kind"] not in kinds]
    return document


def many_terms(count: int) -> Document:
    """A model of many terms."""
    document = without(boys(["synthetic"], 50), "describe", "correlation", "discriminate", "scores", "copies")
    model = document["estimands"][0]
    terms = [(f"x{i}", float(i) - 3.5, {}) for i in range(count)]
    rng = np.random.default_rng(4)
    model |= {"rows": rows(rng, terms, ["sample", "synthetic"], model["fields"], 50), "published": []}
    model["terms"] = [term for term, _, _ in terms]
    return document


def nothing_at_all() -> Document:
    """A study of which nothing came."""
    return boys(["observed"], 0) | {"estimands": [], "summary": [], "events": [], "title": None, "note": None}


ODD: dict[str, Callable[[], Document]] = {
    "one variant, nothing published": lambda: boys(["synthetic"], 200, beside=False),
    "seven variants": lambda: boys([f"variant {i}" for i in range(7)], 60, beside=False),
    "no real samples": lambda: (
        boys(["synthetic"], 60, beside=False) | {"arms": [{"name": "synthetic", "label": "synthetic", "settings": {}}]}
    ),
    "some numbers missing": lambda: emptied(boys(replicates=60), 0.3),
    "some numbers not finite": lambda: emptied(boys(replicates=60), 0.3, math.nan),
    "every fit failed": lambda: emptied(boys(replicates=60), 1.0),
    "one replicate": lambda: boys(replicates=1),
    "no correlations": lambda: without(boys(replicates=60), "correlation"),
    "two hundred terms": lambda: many_terms(200),
    "long names": lambda: renamed(renamed(boys(replicates=60), "hgt", LONG), "synthetic", LONG),
    "names of other scripts": lambda: renamed(
        renamed(boys(replicates=60), "hgt", "身長📏"), "observed", "\N{WOMAN}\u200d\N{GIRL} עברית"
    ),
    "names that try to break out": lambda: renamed(
        renamed(renamed(boys(replicates=60), "hgt", NASTY), "observed", f'"{NASTY}&'), "east", "line\nbreak \x1b[31m]]>"
    ),
    "nothing at all": nothing_at_all,
}

RUN = {
    "seconds": 95.2,
    "workers": 2,
    "replicates_per_second": 10.5,
    "rows_per_second": 117857.0,
    "task_share": 0.97,
    "overhead_share": 0.03,
    "seconds_by_stage": {"synthesis": 61.0, "estimation": 30.2},
    "software": {"replicant": "0.1", "python": "3.11.2", "numpy": "2.3"},
    "resumed": False,
}


@pytest.fixture(scope="session")
def make_document() -> Callable[..., Document]:
    """Makes results of the boys study's shape."""
    return boys


@pytest.fixture
def run_facts() -> dict[str, Any]:
    """How a run went."""
    return dict(RUN)


@pytest.fixture(scope="session", params=["boys", *ODD])
def any_document(request: pytest.FixtureRequest) -> Document:
    """Results of the boys study's shape, and odd ones. Nobody changes them."""
    return boys() if request.param == "boys" else ODD[request.param]()


@pytest.fixture(scope="session")
def nasty() -> str:
    """A name that would run if it were not escaped."""
    return NASTY


# --- evaluations ---------------------------------------------------------------------------------------------------

NAMES = ["age", "a rather long name of a column", "g <b>", *(f"v{i}" for i in range(27))]


def utility_of(names: list[str] = NAMES) -> Evaluation:
    rng = np.random.default_rng(1)
    size = len(names)
    figures = [
        Figure("k_marginal", value=900.0, baseline=950.0, p_value=0.001, worse="lower"),
        Figure("subsample_share", value=0.105, baseline=1 / 3),
    ]
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            p = 1e-9 if second == names[-1] else 0.5
            figures.append(
                Figure("s_pmse_twoway", f"{first} x {second}", 40.0 if p < 0.1 else 2.0, baseline=2.0, p_value=p)
            )
    half = [0.1, 0.2, 0.4, 0.3]
    numbers = {"kind": "continuous", "edges": [0.5, 1.5, 2.5, 3.5, 4.5], "ends": [1, 5], "tails": [False, True]}
    levels = {"kind": "nominal", "levels": ["one <b>", "two", "three", "missing"], "missing": [0.0, 0.0]}
    band = {"real": half, "low": [0.05, 0.15, 0.35, 0.25], "high": [0.15, 0.25, 0.45, 0.35]}
    marginals = [
        {"column": name, **(levels if i % 2 else {**numbers, "missing": [0.1, 0.2]}), **band}
        | {"synthetic": [0.4, 0.3, 0.2, 0.1] if i == size - 1 else half}
        for i, name in enumerate(names)
    ]
    matrix = rng.uniform(-1, 1, (size, size)).round(2).tolist()
    pictures = {
        "columns": names,
        "marginals": marginals,
        "associations": {"real": matrix, "synthetic": [[None, *row[1:]] for row in matrix]},
        "propensity": {
            "edges": [0.3, 0.4, 0.5, 0.6],
            "real": [0.5, 0.3, 0.2],
            "synthetic": [0.2, 0.3, 0.5],
            "share": 0.5,
        },
        "ladder": {"shares": [0.01, 0.1, 0.5, 0.9], "scores": [700.0, 890.0, 960.0, 990.0]},
    }
    return Evaluation("utility", judged(figures), settings={"n": 100, "k": 90, "m": 2}, pictures=pictures)


def disclosure_of() -> Evaluation:
    figures = [
        against_rate("copied_rows", [30, 34], 100, 2, 90),
        against_rate("copied_rows", [50, 54], 100, 40, 90, of="age x sex"),
        against_rate("linked", [5], 100, 2, 90, kind="control"),
    ]
    pictures = {
        "keys": ["age", "sex"],
        "baseline_kind": "holdout",
        "risk": {"shares": [0.0, 0.5, 1.0], "risk": [1.0, 0.5, 0.0], "baseline": [0.5, 0.0, 0.0]},
        "uniqueness": {"sizes": [1, 2, 3, 5], "records": [0.5, 0.3, 0.2, 0.0], "risk": [1.0, 0.5, 0.25, None]}
        | {"baseline": [0.2, 0.2, 0.2, None]},
    }
    settings = {"n": 100, "k": 90, "m": 2, "keys": ["age", "sex"]}
    return Evaluation("disclosure", judged(figures), settings=settings, pictures=pictures)


@pytest.fixture(scope="session")
def make_utility() -> Callable[..., Evaluation]:
    return utility_of


@pytest.fixture(scope="session")
def utility() -> Evaluation:
    return utility_of()


@pytest.fixture(scope="session")
def disclosure() -> Evaluation:
    return disclosure_of()
