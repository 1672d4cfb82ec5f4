"""Settings of mice and synthpop as jobs: R's own, the plan that comes of them, and words for what is not here."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.errors import ExpressionError, SpecError
from replicant.plan import build_plan
from replicant.spec.convert import Converted, convert
from replicant.spec.load import parse_job
from replicant.spec.r_files import read_grid, read_json
from replicant.table import encode_table

NAMES = ["age", "hgt", "wgt", "bmi", "reg"]
METHOD = {"age": "", "hgt": "cart", "wgt": "cart", "bmi": "~ I(wgt / (hgt / 100)^2)", "reg": "cart"}
MATRIX = {
    "age": {"hgt": 1, "wgt": 1, "bmi": 1, "reg": 1},
    "hgt": {"age": 1, "wgt": 1, "reg": 1},
    "wgt": {"age": 1},
    "bmi": {},
    "reg": {"age": 1, "hgt": 1, "wgt": 1, "bmi": 1},
}


def matrix(ones: dict[str, dict[str, int]] = MATRIX, names: list[str] = NAMES) -> list[dict[str, Any]]:
    return [{**{name: ones.get(row, {}).get(name, 0) for name in names}, "_row": row} for row in ones]


def table(n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(100, 9, (n, 3)).round(1), columns=NAMES[:3])
    frame["bmi"] = frame["wgt"] / (frame["hgt"] / 100) ** 2
    return frame.assign(reg=rng.choice(["north", "south"], n))


def planned(made: Converted, frame: pd.DataFrame) -> Any:
    """The job as a user would run it: through its text, on the table."""
    return build_plan(parse_job(made.text).synthesis, encode_table(frame))


def every(names: list[str] = NAMES, rows: int = 40) -> list[dict[str, bool]]:
    """What `make.where(data, "all")` gives: mice synthesizes."""
    return [dict.fromkeys(names, True)] * rows


def synthesis(settings: dict[str, Any], **options: Any) -> dict[str, Any]:
    made: dict[str, Any] = convert({"where": every(), **settings}, **options).document["synthesis"]
    return made


def imputation(settings: dict[str, Any], **options: Any) -> dict[str, Any]:
    made: dict[str, Any] = convert(settings, **options).document["imputation"]
    return made


# --- mice ---------------------------------------------------------------------------------------------------------


def test_a_call_of_mice_becomes_the_plan_it_was() -> None:
    settings = {"method": METHOD, "predictorMatrix": matrix(), "visitSequence": NAMES, "m": 3, "seed": 7}
    made = convert({**settings, "where": every()})
    plan = planned(made, table())
    assert (plan.m, plan.conditioning, plan.cart.minbucket, plan.cart.cp) == (3, "observed", 5, 1e-4)
    assert {column.name: column.method for column in plan.columns} == {
        **dict.fromkeys(NAMES, "cart"),
        "age": "keep",
        "bmi": "passive",
    }
    for name in ("hgt", "wgt", "reg"):
        assert set(plan.column(name).predictors) == set(MATRIX[name])
    assert plan.column("bmi").expression.text == "wgt / (hgt / 100)**2"
    assert any("age" in note and "real values" in note for note in made.notes)


def test_the_text_is_the_document_with_the_notes_above() -> None:
    made = convert({"method": {**METHOD, "reg": "polyreg"}}, data="in put/d.csv", release="no")
    assert parse_job(made.text).input.path == "in put/d.csv"
    assert parse_job(made.text).output.path == "no"
    comments = "".join(line[4:].strip() + " " for line in made.text.splitlines() if line.startswith("#"))
    for note in made.notes:
        assert note in comments
    assert max(map(len, made.text.splitlines())) <= 120


def test_a_word_of_visits_is_what_mice_makes_of_it() -> None:
    drawn = ["hgt", "wgt", "reg"]
    masks = {"age": 0, "hgt": 5, "wgt": 3, "bmi": 40, "reg": 1}
    where = [{name: row < count for name, count in masks.items()} for row in range(40)]
    for word, order in (
        ("roman", "table"),
        ("arabic", drawn[::-1]),
        ("monotone", ["reg", "wgt", "hgt"]),
        ("revmonotone", ["hgt", "wgt", "reg"]),
    ):
        made = synthesis({"method": METHOD, "visitSequence": word, "where": where})
        assert made["visit_sequence"] in (order, "table" if order == drawn else order)
    assert synthesis({"method": METHOD, "visitSequence": [5, 2, 3]})["visit_sequence"] == ["reg", "hgt", "wgt"]


def test_a_mask_is_the_cells_that_are_replaced() -> None:
    frame = table()
    mask = pd.DataFrame(True, index=frame.index, columns=NAMES)
    mask["reg"] = False
    mask["hgt"] = frame["hgt"] > 100
    settings = {"method": METHOD, "where": [[bool(cell) for cell in row] for row in mask.to_numpy()], "names": NAMES}
    plan = planned(convert(settings), frame)
    assert plan.column("reg").method == plan.column("age").method == "keep"
    np.testing.assert_array_equal(plan.column("hgt").where, mask["hgt"])
    assert plan.column("wgt").where is None
    assert plan.column("bmi").method == "passive"


def test_blocks_are_their_columns() -> None:
    settings = {
        "method": {"size": "cart", "age": "sample", "reg": "cart"},
        "blocks": {"size": ["hgt", "wgt"], "age": ["age"], "reg": "reg"},
        "predictorMatrix": [[1, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 0]],
        "visitSequence": ["reg", "size", "age"],
        "names": ["age", "hgt", "wgt", "reg"],
        "where": every(["age", "hgt", "wgt", "reg"]),
    }
    made = synthesis(settings)
    assert made["visit_sequence"] == ["reg", "hgt", "wgt", "age"]
    # The rows stand for age, reg and size in another order: by name they are those of blocks.
    assert made["method"] == {"age": "sample"}


def test_numbers_of_visits_count_blocks() -> None:
    blocks = {"size": ["hgt", "wgt"], "age": ["age"], "bmi": "bmi", "reg": "reg"}
    made = imputation(
        {"method": dict.fromkeys(blocks, "cart"), "blocks": blocks, "visitSequence": [4, 1], "names": NAMES}
    )
    assert made["visit_sequence"] == ["reg", "hgt", "wgt"]


def test_an_order_of_levels_is_declared() -> None:
    made = convert({"method": {**METHOD, "reg": "polr"}, "levels": {"reg": ["low", "mid", "high"]}, "where": every()})
    assert made.document["columns"] == {"reg": {"kind": "ordered", "levels": ["low", "mid", "high"]}}
    assert not any(note.startswith("polr: ") for note in made.notes)
    assert any(note.startswith("polr: ") for note in convert({"method": {**METHOD, "reg": "polr"}}).notes)


def test_a_job_has_no_anchors() -> None:
    """`passive` is both of the synthesis and of its imputation."""
    made = convert({**HOLED, "where": every(), "nmis": [0, 1, 1, 1, 1]})
    assert made.text.count("wgt / (hgt / 100)**2") == 2


def test_columns_predicted_from_nothing_are_samples() -> None:
    made = convert({"method": METHOD, "predictorMatrix": matrix({**MATRIX, "wgt": {}}), "where": every()})
    assert made.document["synthesis"]["method"] == {"age": "keep", "wgt": "sample"}
    assert any(note.startswith("wgt: predicted from nothing") for note in made.notes)


def test_what_is_computed_from_a_column_does_not_predict_it() -> None:
    ones = {**MATRIX, "hgt": {"age": 1, "bmi": 1}}
    made = convert({"method": METHOD, "predictorMatrix": matrix(ones), "where": every()})
    assert made.document["synthesis"]["predictors"]["hgt"] == ["age"]
    assert any(note.startswith("hgt: not predicted from what is computed") for note in made.notes)
    planned(made, table())


@pytest.mark.parametrize("method", ["pmm", "norm", "polyreg", "polr", "logreg", "rf", "mean", "lda", "quadratic"])
def test_a_method_keeps_its_name(method: str) -> None:
    made = convert({"method": {**METHOD, "reg": method}, "where": every()}, strict=True)
    assert made.document["synthesis"]["method"]["reg"] == method
    assert imputation({"method": {**METHOD, "reg": method}}, strict=True)["method"]["reg"] == method


@pytest.mark.parametrize(
    ("method", "ours"),
    [("lasso.norm", "norm"), ("norm.predict", "norm.nob"), ("logreg.boot", "logreg"), ("panImpute", "jomo")],
)
def test_a_method_without_an_equal_is_noted_or_refused(method: str, ours: str) -> None:
    settings = {"method": {**METHOD, "reg": method}, "where": every()}
    made = convert(settings)
    assert any(note.startswith(f"reg: `{method}` becomes `{ours}`, which ") for note in made.notes)
    assert made.document["synthesis"]["method"]["reg"] == ours
    with pytest.raises(SpecError, match=f"'{method}', which has no equal here"):
        convert(settings, strict=True)


@pytest.mark.parametrize("method", ["mnar.norm", "mnar.logreg"])
def test_offsets_are_refused_with_what_to_write(method: str) -> None:
    with pytest.raises(SpecError, match=f"method of 'reg' is '{method}'.*\n.*\n.*delta"):
        convert({"method": {**METHOD, "reg": method}})


def test_one_method_for_all() -> None:
    made = synthesis({"method": ["cart"], "names": NAMES})
    assert "method" not in made
    assert made["visit_sequence"] == "table"
    assert imputation({"method": ["cart"], "names": NAMES})["method"] == "cart"
    assert imputation({"defaultMethod": ["rf"] * 4, "names": NAMES})["method"] == "rf"


# --- mice imputes -------------------------------------------------------------------------------------------------


def holed(n: int = 40) -> pd.DataFrame:
    """The table with missing cells in three columns, one of them computed."""
    frame = table(n)
    frame.loc[:5, "hgt"] = np.nan
    frame.loc[3:11, "wgt"] = np.nan
    frame["bmi"] = frame["wgt"] / (frame["hgt"] / 100) ** 2
    frame.loc[30:33, "reg"] = None
    return frame


HOLED = {"method": {**METHOD, "hgt": "pmm", "reg": "logreg"}, "predictorMatrix": matrix(), "maxit": 3, "m": 2}


def test_a_call_without_where_imputes() -> None:
    frame = holed()
    nmis = {name: int(count) for name, count in frame.isna().sum().items()}
    made = convert({**HOLED, "nmis": nmis, "visitSequence": ["wgt", "hgt", "bmi", "reg", "wgt"], "seed": 3})
    job = parse_job(made.text)
    plan = build_plan(job.synthesis, encode_table(frame))
    assert plan.m == 2
    assert plan.imputation is not None
    assert plan.imputation.maxit == 3
    assert plan.imputation.order == ("wgt", "hgt", "reg", "wgt")
    assert {one.name: one.declaration.name for one in plan.imputation.columns} == {
        "hgt": "pmm",
        "wgt": "cart",
        "reg": "logreg",
    }
    for name in ("hgt", "wgt", "reg"):
        assert set(plan.imputation.by_name[name].predictors) == set(MATRIX[name])
    assert [one.name for one in plan.imputation.passive] == ["bmi"]
    assert "missing" not in made.document["imputation"]
    assert any("as confidential as" in note for note in made.notes)


@pytest.mark.parametrize("how", ["nmis", "table"])
def test_a_mask_of_the_missing_cells_imputes(how: str) -> None:
    frame = holed()
    gone = {name: [bool(cell) for cell in mask] for name, mask in frame.isna().items()}
    known: dict[str, Any] = {"missing": gone} if how == "table" else {}
    settings = {**HOLED, "where": gone, **({"nmis": frame.isna().sum().to_dict()} if how == "nmis" else {})}
    assert "where" not in imputation(settings, **known)
    fewer = {**gone, "hgt": [False, *gone["hgt"][1:]]}
    made = convert({**settings, "where": fewer}, **known).document["imputation"]
    assert made["where"]["hgt"] == fewer["hgt"]
    more = {**gone, "hgt": [not cell for cell in gone["hgt"]]}
    assert convert({**settings, "where": more}, **known).document["synthesis"]["where"]["hgt"] == more["hgt"]


def test_whether_a_mask_is_that_of_missing_cells_may_be_unknown() -> None:
    gone = {name: [bool(cell) for cell in mask] for name, mask in holed().isna().items()}
    made = convert({**HOLED, "where": gone})
    assert "synthesis" in made.document
    assert any("Give the table by --data" in note for note in made.notes)
    with pytest.raises(SpecError, match="where has 40 rows for a table of 2"):
        convert({**HOLED, "where": gone}, missing={name: [True, False] for name in NAMES})


def test_all_cells_of_an_incomplete_table_are_imputed_and_synthesized() -> None:
    frame = holed()
    nmis = frame.isna().sum().to_dict()
    made = convert({**HOLED, "where": every(), "nmis": nmis})
    assert made.document["synthesis"]["missing"] == "impute"
    assert made.document["synthesis"]["imputation"]["maxit"] == 3
    assert made.document["synthesis"]["imputation"]["method"] == {"hgt": "pmm", "wgt": "cart", "reg": "logreg"}
    plan = planned(made, frame)
    assert plan.imputation is not None
    assert plan.column("hgt").method == "pmm"
    assert "missing" not in synthesis({**HOLED, "nmis": dict.fromkeys(NAMES, 0)})


def test_what_stays_missing() -> None:
    unvisited = imputation({**HOLED, "visitSequence": ["hgt", "wgt"]})
    assert unvisited["missing"] == {"age": "keep", "reg": "keep"}
    where = [{**dict.fromkeys(NAMES, True), "wgt": False}] * 40
    masked = imputation({**HOLED, "where": where}, missing={name: [True] * 40 for name in NAMES})
    assert masked["missing"] == {"age": "keep", "wgt": "keep"}


@pytest.mark.parametrize(
    ("word", "ours"),
    [("roman", "table"), ("arabic", "reverse"), ("monotone", "monotone"), ("revmonotone", "revmonotone")],
)
def test_a_word_of_visits_is_one_of_chains(word: str, ours: str) -> None:
    assert imputation({**HOLED, "visitSequence": word})["visit_sequence"] == ours
    assert imputation({**HOLED, "visitSequence": [5, 2, 3]})["visit_sequence"] == ["reg", "hgt", "wgt"]


def test_iterations_are_those_of_the_call() -> None:
    assert imputation({"method": METHOD})["maxit"] == 5
    assert imputation({"method": METHOD, "iteration": 7})["maxit"] == 7
    made = convert({"method": METHOD, "maxit": 0})
    assert made.document["imputation"]["maxit"] == 5
    assert any(note.startswith("maxit: 0 iterations") for note in made.notes)


def test_arguments_of_methods_are_options() -> None:
    method = {**METHOD, "hgt": "pmm", "wgt": "pmm", "reg": "rf"}
    made = imputation({"method": method, "donors": 3, "ntree": 20, "blots": {"wgt": {"donors": [7]}}})
    assert made["method"] == {
        "hgt": {"name": "pmm", "donors": 3},
        "wgt": {"name": "pmm", "donors": 7},
        "reg": {"name": "rf", "trees": 20},
    }
    trees = imputation({"method": METHOD, "minbucket": 9, "cp": 1e-4})["method"]
    assert trees == {name: {"name": "cart", "minbucket": 9, "cp": 1e-4} for name in ("hgt", "wgt", "reg")}
    assert any(note.startswith("donors: ") for note in convert({"donors": 3, "names": NAMES}).notes)
    assert any(note.startswith("ridge: ") for note in convert({"ridge": 1e-5, "names": NAMES}).notes)


def test_rows_that_are_not_fitted_on() -> None:
    rows = [True, *[False] * 39]
    assert imputation({**HOLED, "ignore": rows})["ignore"] == rows
    assert "ignore" not in imputation({**HOLED, "ignore": [False] * 40})
    assert any(note.startswith("ignore: ") for note in convert({**HOLED, "ignore": rows, "where": every()}).notes)


CLUSTERED = ["school", "pupil", "hours", "passed", "size"]
CODES = {
    "pupil": {"school": -2, "hours": 2, "passed": 1, "size": 1},
    "hours": {"school": -2, "pupil": 3, "passed": 1, "size": 1},
    "passed": {"school": -2, "pupil": 1, "hours": 4, "size": 1},
    "size": {"school": -2},
}
IN_CLUSTERS = {"school": "", "pupil": "2l.norm", "hours": "2l.pmm", "passed": "2l.bin", "size": "2lonly.mean"}


def test_codes_of_clusters() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.normal(50, 9, (80, 2)), columns=["pupil", "hours"])
    frame.insert(0, "school", np.repeat(np.arange(8) + 100, 10))
    frame["passed"] = rng.choice(["no", "yes"], 80)
    frame["size"] = frame["school"] * 3.5
    for at, name in enumerate(CLUSTERED[1:]):
        frame.loc[at * 3 :: 11, name] = np.nan
    made = convert({"method": IN_CLUSTERS, "predictorMatrix": matrix(CODES, CLUSTERED), "nmis": [0, 1, 1, 1, 1]})
    section = made.document["imputation"]
    assert section["cluster"] == "school"
    assert section["random_slopes"] == {"pupil": ["hours"], "passed": ["hours"]}
    assert section["cluster_means"] is True
    assert section["method"]["pupil"] == {"name": "2l.norm", "variances": "by_cluster"}
    assert section["predictors"] == {"size": []}
    plan = build_plan(parse_job(made.text).synthesis, encode_table(frame))
    assert plan.imputation is not None
    assert plan.imputation.cluster == "school"
    assert plan.imputation.by_name["passed"].random == ("hours",)


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ({**CODES, "hours": {"pupil": 1}}, "method of 'hours' is '2l.pmm', and no column has code -2"),
        ({**CODES, "hours": {"size": -2}}, "2 columns have code -2: school, size"),
    ],
)
def test_clusters_that_are_unclear(codes: dict[str, dict[str, int]], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        convert({"method": IN_CLUSTERS, "predictorMatrix": matrix(codes, CLUSTERED)})


# --- synthpop -----------------------------------------------------------------------------------------------------


def test_a_call_of_synthpop_becomes_the_plan_it_was() -> None:
    order = ["reg", "age", "hgt", "wgt", "bmi"]
    ones = {name: {other: 1 for other in order[:i]} for i, name in enumerate(order)}
    ones["wgt"] = {"reg": 1, "hgt": 1, "bmi": 1}
    settings = {
        "method": {**METHOD, "age": "cart", "reg": "sample"},
        "visit.sequence": {name: NAMES.index(name) + 1 for name in order},
        "predictor.matrix": matrix({name: ones[name] for name in NAMES}),
        "m": [2],
        "k": 30,
        "n": 40,
        "proper": [True],
        "minnumlevels": 6,
        "seed": "sample",
        "cont.na": {"age": [None, -8]},
        "semicont": {"wgt": 0},
        "cart.minbucket": 3,
    }
    made = convert(settings)
    frame = table()
    plan = planned(made, frame)
    assert made.package == "synthpop"
    assert (plan.m, plan.k, plan.conditioning, plan.proper, plan.cart.minbucket) == (2, 30, "synthetic", True, 3)
    assert plan.cart.cp == 1e-8
    assert [name for name in plan.sequences[0] if name != "bmi"] == order[:-1]
    assert set(plan.predictors_of("wgt", 0)) == {"reg", "hgt"}
    assert set(plan.predictors_of("hgt", 0)) == {"reg", "age"}
    assert made.document["columns"] == {"age": {"missing_codes": [-8]}, "wgt": {"spike": [0]}}
    assert any(note.startswith("minnumlevels = 6") for note in made.notes)


def test_methods_of_synthpop_keep_their_names() -> None:
    names = ["region", "town", "time", "died", "sex", "group", "income"]
    method = {"region": "sample", "town": "nested", "time": "survctree", "died": "", "sex": "catall", "group": "catall"}
    ones = {"town": {"region": 1}, "time": {"region": 1}, "income": {"region": 1, "sex": 1}}
    made = convert(
        {
            "method": {**method, "income": "normrank"},
            "visit.sequence": ["region", "town", "time", "sex", "group", "income"],
            "predictor.matrix": matrix({name: ones.get(name, {}) for name in names}, names),
            "event": {"time": "died"},
            "catall.priorn": 2,
            "polyreg.maxit": 50,
        },
        strict=True,
    )
    section = made.document["synthesis"]
    assert section["method"] == {
        "region": "sample",
        "town": {"name": "nested", "within": "region"},
        "time": {"name": "survival", "event": "died"},
        "died": {"name": "survival", "event": "died"},
        "sex": {"name": "catall", "prior": 2},
        "group": {"name": "catall", "prior": 2},
        "income": "normrank",
    }
    assert section["predictors"] == {"time": ["region"], "died": ["region"], "income": ["region", "sex"]}
    assert section["visit_sequence"] == "table"
    assert any(note.startswith("polyreg.maxit: ") for note in made.notes)
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({name: rng.choice(["a", "b"], 60) for name in ("region", "sex", "group")})
    frame["town"] = frame["region"] + rng.choice(["1", "2"], 60)
    frame = frame.assign(time=rng.exponential(9, 60), died=rng.integers(0, 2, 60), income=rng.normal(20, 3, 60))
    plan = planned(made, frame[names])
    assert plan.column("time").block == ("time", "died")
    assert plan.column("town").predictors == ("region",)


def test_a_later_predictor_is_left_out_with_a_note() -> None:
    ones = {name: {other: 1 for other in NAMES if other != name} for name in NAMES}
    settings = {"method": dict.fromkeys(NAMES, "cart"), "predictor.matrix": matrix(ones)}
    made = convert(settings)
    assert "predictors" not in made.document["synthesis"]
    assert any(note.startswith("age, hgt, wgt, bmi: predictors that come later") for note in made.notes)
    planned(made, table())


# --- mistakes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"metod": METHOD}, "'metod' is not a setting of mice, did you mean 'method'"),
        ({"method": {**METHOD, "reg": "crt"}}, "method of 'reg' is none of mice's: 'crt', did you mean 'cart'"),
        ({"method": {**METHOD, "reg": 3}}, "method of 'reg' is not a text"),
        ({"method": ["cart", "pmm"], "names": NAMES}, "method has 2 values for 5 columns"),
        ({"method": ["cart"] * 5}, "do not say what the columns are called"),
        (
            {"method": METHOD, "visitSequence": ["hgt", "wgth"]},
            "visitSequence names something that is not a column: 'wgth', did you mean 'wgt'",
        ),
        ({"method": METHOD, "visitSequence": "romn"}, "visitSequence is 'romn', did you mean 'roman'"),
        ({"method": METHOD, "visitSequence": [1, 9]}, "names column 9 of 5"),
        (
            {"method": METHOD, "visitSequence": [1, None]},
            "visitSequence names something that is not a column: something else",
        ),
        ({"method": METHOD, "predictorMatrix": [[0, 1], [1, 0]]}, "predictorMatrix has 2 columns for a table of 5"),
        ({"method": METHOD, "predictorMatrix": [[0] * 5] * 4}, "4 rows and 5 columns"),
        (
            {"method": METHOD, "predictorMatrix": matrix({**MATRIX, "wgt": {"age": -3}})},
            "'age' in the row of 'wgt' is another",
        ),
        ({"method": METHOD, "predictorMatrix": [["a"] * 5] * 5}, "in the row of 'age' is another"),
        ({"method": METHOD, "predictorMatrix": [[471147.25] * 5] * 5}, "in the row of 'age' is another"),
        ({"method": {**METHOD, "reg": "471147.25"}}, "the method of 'reg' is none of mice's: something else"),
        ({"method": METHOD, "visitSequence": ["471147.25"]}, "visitSequence is something else"),
        (
            {"method": METHOD, "visitSequence": [471147.25, 2]},
            "visitSequence names something that is not a column: something else",
        ),
        ({"method": METHOD, "predictorMatrix": matrix(names=[*NAMES[:-1], "regn"])}, "'reg'|'regn'"),
        ({"method": METHOD, "where": [[1, 0]]}, "where has 2 columns for a table of 5"),
        ({"method": METHOD, "where": [["x"] * 5]}, "in column 'age' that are not TRUE or FALSE"),
        ({"method": METHOD, "post": {"bmi": "imp[[j]]"}}, 'post holds R code for bmi.*\n.*\n.*delta: {bmi: "\\+5"}'),
        ({"method": METHOD, "post": {"bmi": "squeeze(x)"}}, "post holds R code for bmi.*\n.*\n.*method: {bmi: pmm}"),
        ({"method": METHOD, "ignore": [1, 2]}, "ignore holds something other"),
        ({"method": METHOD, "data": [{"age": 471147.25}]}, "'data', which is made of cells"),
        ({"method": METHOD, "m": "five"}, "m is not a whole number"),
        ({"method": METHOD, "m": [1, 2]}, "m is not a whole number"),
        ({"method": METHOD, "cp": {"a": 1}}, "cp is not a number"),
        ({"method": METHOD, "blocks": ["a"]}, "blocks have no names"),
        ({"method": dict.fromkeys(NAMES, "")}, "no column is imputed"),
        ({"method": dict.fromkeys(NAMES, ""), "where": every()}, "no column is synthesized"),
        ({"method": {**METHOD, "bmi": "~ I(wgt / hgtt)"}}, "names 'hgtt'.*did you mean 'hgt'"),
        ({"method": METHOD, "visit.sequence": NAMES, "rules": {"age": "x"}}, "rules is set for age"),
        ({"method": METHOD, "visit.sequence": NAMES, "event": {"age": "died"}}, "event is set for age"),
        ({"method": {**METHOD, "hgt": "survctree"}, "visit.sequence": NAMES}, "event does not name the event"),
        ({"method": {**METHOD, "hgt": "nested"}, "visit.sequence": NAMES}, "nested, and 0 columns predict it"),
    ],
)
def test_a_mistake_is_named(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words) as caught:
        convert(settings)
    assert "471147" not in str(caught.value)


def test_a_formula_is_refused_with_its_column_and_position() -> None:
    with pytest.raises(
        ExpressionError, match=r"passive formula of 'bmi': at position 5 the expression has a call to 'ifelse'"
    ):
        convert({"method": {**METHOD, "bmi": "~ I(ifelse(wgt, 1, 2))"}})


def test_names_are_those_of_the_table() -> None:
    with pytest.raises(SpecError, match="method names something that is not a column: 'reg', did you mean 'region'"):
        convert({"method": METHOD}, columns=["age", "hgt", "wgt", "bmi", "region"])
    made = convert({"method": ["cart"], "visit.sequence": [2, 1]}, columns=["1e5", "no", "x y"])
    assert parse_job(made.text).synthesis.visit_sequence == ["no", "1e5"]
    assert parse_job(made.text).synthesis.method == {"x y": "keep"}


WORDS = ["cart", "~ I(age)", "roman", "", "TRUE"]
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | st.sampled_from([*NAMES, *WORDS]),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.sampled_from([*NAMES, "_row"]), inner, max_size=6),
    max_leaves=12,
)
KEYS = ["method", "predictorMatrix", "visitSequence", "where", "blocks", "post", "m", "seed", "cp", "names", "nmis"]
KEYS += ["ignore", "blots", "donors", "maxit", "defaultMethod", "iteration", "event", "catall.priorn"]
KEYS += ["predictor.matrix", "visit.sequence", "cont.na", "semicont", "k", "n", "proper", "rules", "minnumlevels"]


@given(st.dictionaries(st.sampled_from(KEYS), ANY, max_size=6))
def test_whatever_is_written_there_is_a_job_or_an_error_of_ours(settings: dict[str, Any]) -> None:
    try:
        made = convert(settings, columns=NAMES)
    except SpecError:
        return
    assert parse_job(made.text).synthesis.m >= 1


# --- R itself -----------------------------------------------------------------------------------------------------

SCRIPT = """
suppressMessages(library(mice))
set.seed(1); n <- 60
d <- data.frame(age = rnorm(n), hgt = rnorm(n, 170, 9), wgt = rnorm(n, 70, 9))
d$reg <- factor(sample(c("a", "b"), n, TRUE)); d$bmi <- d$wgt / (d$hgt / 100)^2
d <- d[c("age", "hgt", "wgt", "bmi", "reg")]
w <- make.where(d, "all"); m <- make.method(d, where = w); m[] <- "cart"; m["bmi"] <- "~ I(wgt / (hgt / 100)^2)"
p <- make.predictorMatrix(d); p[c("hgt", "wgt"), "bmi"] <- 0; p["reg", c("age", "bmi")] <- 0
w[, "age"] <- FALSE; w[1:20, "reg"] <- FALSE
go <- function(v) suppressWarnings(mice(
  d, m = 2, method = m, predictorMatrix = p, where = w, maxit = 0, visitSequence = v))
imp <- go("arabic")
writeLines(jsonlite::toJSON(auto_unbox = TRUE, list(
  method = as.list(imp$method), m = imp$m, where = imp$where, seed = imp$seed,
  predictorMatrix = as.data.frame(imp$predictorMatrix), visitSequence = imp$visitSequence)), "mice.json")
write.csv(imp$method, "method.csv"); write.csv(imp$predictorMatrix, "predictors.csv", row.names = FALSE)
write.csv(imp$visitSequence, "visits.csv"); write.csv(imp$where, "where.csv", row.names = FALSE)
words <- c("roman", "arabic", "monotone", "revmonotone")
writeLines(jsonlite::toJSON(sapply(words, function(v) go(v)$visitSequence, simplify = FALSE)), "words.json")
write.csv(d, "d.csv", row.names = FALSE)
d[1:5, "hgt"] <- NA; d[4:9, "wgt"] <- NA; d[20:29, "reg"] <- NA; d$bmi <- d$wgt / (d$hgt / 100)^2
meth <- make.method(d); meth["bmi"] <- "~ I(wgt / (hgt / 100)^2)"
p <- make.predictorMatrix(d); p[c("hgt", "wgt"), "bmi"] <- 0
imp <- mice(
  d, m = 2, maxit = 3, method = meth, predictorMatrix = p, visitSequence = "monotone", print = FALSE, seed = 4)
writeLines(jsonlite::toJSON(auto_unbox = TRUE, list(
  method = as.list(imp$method), m = imp$m, where = imp$where, seed = imp$seed, nmis = as.list(imp$nmis),
  iteration = imp$iteration, ignore = imp$ignore, blocks = imp$blocks, blots = imp$blots, post = as.list(imp$post),
  predictorMatrix = as.data.frame(imp$predictorMatrix), visitSequence = imp$visitSequence)), "imputes.json")
write.csv(d, "holes.csv", row.names = FALSE)
"""


@pytest.fixture(scope="module")
def from_r(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("Rscript") is None:
        pytest.skip("R is not here")
    folder = tmp_path_factory.mktemp("mice")
    done = subprocess.run(["Rscript", "-e", SCRIPT], cwd=folder, capture_output=True, text=True, check=False)
    if "there is no package" in done.stderr:
        pytest.skip("R has no mice or no jsonlite")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.program
def test_what_mice_wrote_is_planned_as_mice_would_do_it(from_r: Path) -> None:
    settings = read_json((from_r / "mice.json").read_text(), "mice.json")
    frame = pd.read_csv(from_r / "d.csv")
    made = convert(settings)
    plan = planned(made, frame)
    theirs = {row.pop("_row"): row for row in settings["predictorMatrix"]}
    for name in ("hgt", "wgt", "reg"):
        assert set(plan.column(name).predictors) == {other for other, one in theirs[name].items() if one}
    assert plan.column("age").method == "keep"
    assert int(np.sum(plan.column("reg").where)) == 40
    files = {"method": "method", "predictorMatrix": "predictors", "visitSequence": "visits", "where": "where"}
    parts: dict[str, Any] = {key: read_grid((from_r / f"{name}.csv").read_text(), name) for key, name in files.items()}
    assert convert({**parts, "m": 2}).document == made.document


@pytest.mark.program
def test_words_of_visits_are_those_of_mice(from_r: Path) -> None:
    settings = read_json((from_r / "mice.json").read_text(), "mice.json")
    for word, theirs in json.loads((from_r / "words.json").read_text()).items():
        ours = synthesis({**settings, "visitSequence": word})["visit_sequence"]
        wanted = [name for name in theirs if name not in {"age", "bmi"}]
        assert (["hgt", "wgt", "reg"] if ours == "table" else ours) == wanted, word


@pytest.mark.program
def test_what_mice_imputed_is_imputed(from_r: Path) -> None:
    """All that a `mids` holds but its cells; of complete columns nothing is said."""
    settings = read_json((from_r / "imputes.json").read_text(), "imputes.json")
    frame = pd.read_csv(from_r / "holes.csv")
    made = convert(settings)
    section = made.document["imputation"]
    assert section["method"] == {"hgt": "pmm", "wgt": "pmm", "reg": "logreg"}
    assert (section["m"], section["maxit"], section["seed"]) == (2, 3, 4)
    assert not section.keys() & {"where", "ignore", "missing", "predictors"}
    plan = build_plan(parse_job(made.text).synthesis, encode_table(frame))
    assert plan.imputation is not None
    assert plan.imputation.order == ("hgt", "wgt", "reg")
    theirs = {row.pop("_row"): row for row in settings["predictorMatrix"]}
    for name in ("hgt", "wgt", "reg"):
        predictors = set(plan.imputation.by_name[name].predictors)
        assert predictors == {other for other, one in theirs[name].items() if one}
    without = {key: value for key, value in settings.items() if key != "nmis"}
    gone = {str(name): [bool(cell) for cell in mask] for name, mask in frame.isna().items()}
    assert convert(without, missing=gone).document == made.document
