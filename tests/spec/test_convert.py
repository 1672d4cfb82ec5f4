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


def synthesis(settings: dict[str, Any], **options: Any) -> dict[str, Any]:
    return convert(settings, **options).document["synthesis"]


# --- mice ---------------------------------------------------------------------------------------------------------


def test_a_call_of_mice_becomes_the_plan_it_was() -> None:
    made = convert({"method": METHOD, "predictorMatrix": matrix(), "visitSequence": NAMES, "m": 3, "seed": 7})
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
    assert synthesis({"method": METHOD, "visitSequence": "monotone"})["visit_sequence"] == "table"
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
    }
    made = synthesis(settings)
    assert made["visit_sequence"] == ["reg", "hgt", "wgt", "age"]
    # The rows stand for age, reg and size in another order: by name they are those of blocks.
    assert made["method"] == {"age": "sample"}


def test_columns_predicted_from_nothing_are_samples() -> None:
    made = convert({"method": METHOD, "predictorMatrix": matrix({**MATRIX, "wgt": {}})})
    assert made.document["synthesis"]["method"] == {"age": "keep", "wgt": "sample"}
    assert any(note.startswith("wgt: predicted from nothing") for note in made.notes)


def test_what_is_computed_from_a_column_does_not_predict_it() -> None:
    ones = {**MATRIX, "hgt": {"age": 1, "bmi": 1}}
    made = convert({"method": METHOD, "predictorMatrix": matrix(ones)})
    assert made.document["synthesis"]["predictors"]["hgt"] == ["age"]
    assert any(note.startswith("hgt: not predicted from what is computed") for note in made.notes)
    planned(made, table())


@pytest.mark.parametrize("method", ["pmm", "norm", "polyreg", "polr", "logreg", "rf", "mean"])
def test_a_method_that_is_not_here_becomes_trees_or_is_refused(method: str) -> None:
    settings = {"method": {**METHOD, "reg": method}}
    made = convert(settings)
    assert any(note.startswith(f"reg: `{method}` becomes `cart`") for note in made.notes)
    assert "reg" not in made.document["synthesis"]["method"]
    with pytest.raises(SpecError, match=f"'{method}', which does not exist here"):
        convert(settings, strict=True)


@pytest.mark.parametrize("method", ["2l.pan", "2lonly.mean", "jomoImpute", "mnar.norm"])
def test_a_model_of_other_data_is_refused_always(method: str) -> None:
    with pytest.raises(SpecError, match=f"method of 'reg' is '{method}'"):
        convert({"method": {**METHOD, "reg": method}})


def test_one_method_for_all() -> None:
    made = synthesis({"method": ["cart"], "names": NAMES})
    assert "method" not in made
    assert made["visit_sequence"] == "table"


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


def test_a_later_predictor_is_left_out_and_told() -> None:
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
            {"method": METHOD, "predictorMatrix": matrix({**MATRIX, "wgt": {"age": -2}})},
            "'age' in the row of 'wgt' is -2",
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
        ({"method": METHOD, "post": {"bmi": "imp[[j]]"}}, "post holds R code for bmi"),
        ({"method": METHOD, "data": [{"age": 471147.25}]}, "'data', which is made of cells"),
        ({"method": METHOD, "m": "five"}, "m is not a whole number"),
        ({"method": METHOD, "m": [1, 2]}, "m is not a whole number"),
        ({"method": METHOD, "cp": {"a": 1}}, "cp is not a number"),
        ({"method": METHOD, "blocks": ["a"]}, "blocks have no names"),
        ({"method": dict.fromkeys(NAMES, "")}, "no column is synthesized"),
        ({"method": {**METHOD, "bmi": "~ I(wgt / hgtt)"}}, "names 'hgtt'.*did you mean 'hgt'"),
        ({"method": METHOD, "visit.sequence": NAMES, "rules": {"age": "x"}}, "rules is set for age"),
        ({"method": METHOD, "visit.sequence": NAMES, "event": {"age": "died"}}, "event is set for age"),
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
    made = convert({"method": ["cart"], "visitSequence": [2, 1]}, columns=["1e5", "no", "x y"])
    assert parse_job(made.text).synthesis.visit_sequence == ["no", "1e5"]
    assert parse_job(made.text).synthesis.method == {"x y": "keep"}


WORDS = ["cart", "~ I(age)", "roman", "", "TRUE"]
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | st.sampled_from([*NAMES, *WORDS]),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.sampled_from([*NAMES, "_row"]), inner, max_size=6),
    max_leaves=12,
)
KEYS = ["method", "predictorMatrix", "visitSequence", "where", "blocks", "post", "m", "seed", "cp", "names", "nmis"]
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
