"""Job files: what is read, and what is answered to mistakes."""

from __future__ import annotations

import json
import random
import string
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from replicant.errors import SpecError
from replicant.spec.load import load_job, parse_job, validate_imputation, validate_output, validate_synthesis
from replicant.spec.models import InputSpec, JobSpec, OutputSpec, SynthesisSpec
from replicant.table import ColumnSpec

CANARY = "Zanzibar-7741"
SMALL = "input: {path: survey.csv}\noutput: {path: release}\n"


def test_the_job_of_the_design() -> None:
    job = parse_job(
        """
        input: {path: survey.parquet}
        columns: {educ: {kind: ordered, levels: [low, high]}, age: }
        synthesis: {m: 5, seed: 1, conditioning: synthetic, cp: 1e-8, passive: {bmi: "wgt / (hgt / 100)**2"}}
        output: {path: release}
        """
    )
    assert job.input.path == "survey.parquet"
    assert job.columns["educ"].levels == ["low", "high"]
    assert job.columns["age"] == ColumnSpec()
    assert job.synthesis.cp == 1e-8
    assert job.output.internal_path == "release-internal"


def test_the_demo_job(repository: Path) -> None:
    job = load_job(repository / "jobs" / "demo.yaml", ["synthesis.m=2", "output.path=elsewhere"])
    assert (job.synthesis.m, job.output.path, job.input.dataset) == (2, "elsewhere", "anes96")


def test_defaults_are_the_ones_of_the_contract() -> None:
    spec = validate_synthesis()
    assert spec == SynthesisSpec()
    assert (spec.m, spec.cp, spec.minbucket, spec.minsplit) == (5, 1e-8, None, None)
    settings = ("minbucket", "class_risk", "splits", "leaf_weights", "visit_sequence")
    assert [spec.used(name) for name in settings] == ["auto", "gini", "corrected", "regression", "auto"]
    assert spec.most_donations == 3
    observed = validate_synthesis(conditioning="observed")
    assert [observed.used(name) for name in settings] == [5, "misclassified", "rpart", "equal", "random"]
    assert observed.most_donations is None
    assert observed.used("minbucket") == validate_synthesis(minbucket=5).used("minbucket")
    assert JobSpec.model_json_schema()["additionalProperties"] is False


def test_yaml_words_mean_what_they_look_like() -> None:
    job = parse_job(SMALL + "columns: {no: {levels: [yes, no, on, 01, 2001-02-03, 1e3, 1.5, 7, true, 12:30]}}")
    assert list(job.columns) == ["no"]
    assert job.columns["no"].levels == ["yes", "no", "on", "01", "2001-02-03", 1000.0, 1.5, 7, True, "12:30"]


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**12), 10**12)
        | st.floats(allow_nan=False)
        | st.text(string.printable),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(string.ascii_letters, min_size=1), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_json_is_read_as_json(value: Any) -> None:
    """YAML 1.2 holds JSON: our reader must agree with Python's own JSON on it."""
    from replicant.spec.load import read_yaml

    text = json.dumps(value).replace("Infinity", ".inf")
    found, _ = read_yaml(text, "x")
    assert found == json.loads(json.dumps(value)) or "inf" in text


@pytest.mark.parametrize(
    ("given_", "settings"),
    [
        ({"m": np.int64(3)}, {"m": 3}),
        ({"m": 3.0}, {"m": 3}),
        ({"cp": 0}, {"cp": 0.0}),
        ({"predictors": {"a": "b"}}, {"predictors": {"a": ["b"]}}),
        ({"predictors": {"a": ("b", "c")}}, {"predictors": {"a": ["b", "c"]}}),
        ({"visit_sequence": pd.Index(["a", "b"])}, {"visit_sequence": ["a", "b"]}),
        ({"where": "a > p99"}, {"where": ["a > p99"]}),
        ({"passive": None}, {"passive": {}}),
        ({"strata": "sex"}, {"strata": "sex"}),
    ],
)
def test_arguments_in_other_dress(given_: dict[str, Any], settings: dict[str, Any]) -> None:
    spec = validate_synthesis(**given_)
    assert {name: getattr(spec, name) for name in settings} == settings


def test_masks_pass_through() -> None:
    frame = pd.DataFrame({"a": [True, False]})
    assert validate_synthesis(where=frame).where is frame
    array = np.ones((2, 2), dtype=bool)
    assert validate_synthesis(where=array).where is array


@pytest.mark.parametrize(
    "wrong",
    [
        {"m": 0},
        {"m": 1001},
        {"m": "5"},
        {"m": True},
        {"m": 2.5},
        {"seed": -1},
        {"seed": "a"},
        {"minbucket": 0},
        {"cp": -1},
        {"cp": "1e-8"},
        {"minsplit": 1},
        {"maxdepth": 0},
        {"conditioning": "synthetc"},
        {"fits": "none"},
        {"splits": "one"},
        {"donors": "one"},
        {"donors": {"distinct": 0}},
        {"donors": {"distinct": "x"}},
        {"donors": 1},
        {"missing": "fill"},
        {"k": 0},
        {"passive": {"a": 3}},
        {"passive": "a"},
        {"passive": ["a"]},
        {"predictors": {"a": [1]}},
        {"predictors": ["a"]},
        {"method": 3},
        {"method": {"a": 3}},
        {"where": 3},
        {"where": [3]},
        {"where": np.ones(3, dtype=bool)},
        {"strata": 3},
        {"strata": [3]},
        {"proper": "perhaps"},
        {"visit_sequence": 3},
        {"min_stratum": 0},
    ],
)
def test_wrong_values_say_what_is_needed(wrong: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as caught:
        validate_synthesis(**wrong)
    error = caught.value
    assert error.exit_code == 2
    assert str(error).startswith(next(iter(wrong)))
    assert error.need
    assert "pydantic" not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__


@pytest.mark.parametrize("validate", [validate_synthesis, validate_imputation])
@pytest.mark.parametrize("method", ["cart", {}, {"a": "cart"}, {"a": {"name": "cart", "cp": 0.1}}], ids=str)
@pytest.mark.parametrize(
    "options", [-1, 0, 2.5, True, "a", "", ["ab"], [["a", {}]], [], {"a": 3}, {"b": "cart"}], ids=str
)
def test_options_that_are_none_beside_a_method_of_each_column(validate: Any, method: Any, options: Any) -> None:
    """What is taken out of `method` goes to them, and what they are is said of them."""
    with pytest.raises(SpecError, match=r"\boptions\b"):
        validate(method=method, options=options)


# --- misspelt keys -------------------------------------------------------------------------------------------------

FULL: dict[str, Any] = {
    "input": {"path": "a.csv", "columns": ["a"]},
    "columns": {"a": {"kind": "ordered", "levels": ["x", "y"], "missing_codes": [-8]}},
    "synthesis": {
        "m": 2,
        "seed": 1,
        "method": "cart",
        "options": {"a": {"cp": 0.01}},
        "conditioning": "observed",
        "minbucket": 3,
        "cp": 0.001,
        "minsplit": 9,
        "maxdepth": 10,
        "passive": {"b": "a * 2"},
        "predictors": {"a": ["c"]},
        "visit_sequence": "table",
        "where": ["a > p99"],
        "strata": "s",
        "min_stratum": 10,
        "k": 5,
        "missing": "keep",
        "fits": "shared",
        "proper": True,
        "exclude_self": True,
        "splits": "corrected",
        "donors": {"distinct": 2},
        "shuffle": False,
    },
    "output": {"path": "release", "internal": "inner"},
}
SECTIONS = [(), ("input",), ("synthesis",), ("output",), ("columns", "a")]


def _section(document: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


def test_the_full_job_is_right() -> None:
    parse_job(yaml.safe_dump(FULL))


@given(st.sampled_from(SECTIONS), st.integers(0, 10**6))
def test_a_typo_is_answered_with_the_right_key(path: tuple[str, ...], seed: int) -> None:
    rng = random.Random(seed)
    document = json.loads(json.dumps(FULL))
    section = _section(document, path)
    key = rng.choice(sorted(section))
    at = rng.randrange(len(key))
    typo = rng.choice(
        [
            key[:at] + key[at + 1 :],
            key[:at] + rng.choice(string.ascii_lowercase) + key[at:],
            key[:at] + key[at] + key[at:],
        ]
    )
    if typo in {
        *section,
        *SynthesisSpec.model_fields,
        *ColumnSpec.model_fields,
        *InputSpec.model_fields,
        *OutputSpec.model_fields,
        "",
    }:
        return
    section[typo] = section.pop(key)
    text = yaml.safe_dump(document, sort_keys=False)
    with pytest.raises(SpecError) as caught:
        parse_job(text, source="job.yaml")
    error = caught.value
    assert error.exit_code == 2
    assert ".".join([*path, typo]) in str(error)
    line = next(i for i, line in enumerate(text.splitlines(), 1) if line.strip(" -").startswith(f"{typo}:"))
    assert f"line {line}" in str(error)
    if get_close_matches(typo, [key], cutoff=0.75) and len(key) > 4:
        assert repr(".".join([*path, key])) in str(error)
    assert "pydantic" not in str(error)
    assert error.__suppress_context__


def test_a_key_in_the_wrong_section_is_sent_to_the_right_one() -> None:
    with pytest.raises(SpecError, match=r"'minbucket'.*did you mean 'synthesis.minbucket'"):
        parse_job(SMALL + "minbucket: 3")


@given(
    st.sampled_from(SECTIONS),
    st.integers(0, 10**6),
    st.sampled_from([[CANARY], {CANARY: CANARY}, [[CANARY]], CANARY, -7741.25]),
)
def test_wrong_types_never_show_what_stands_in_the_codebook(path: tuple[str, ...], seed: int, value: Any) -> None:
    document = json.loads(json.dumps(FULL))
    section = _section(document, path)
    key = random.Random(seed).choice(sorted(section))
    section[key] = value
    message = ""
    try:
        parse_job(yaml.safe_dump(document))
    except SpecError as error:
        message = str(error)
    assert "Traceback" not in message
    if path[:1] == ("columns",) and key != "kind":
        assert "7741" not in message


@pytest.mark.parametrize(
    "columns",
    [
        {"a": {"levels": {CANARY: 1}}},
        {"a": {"levels": [[CANARY]]}},
        {"a": {"labels": {CANARY: [CANARY]}}},
        {"a": {"labels": [CANARY]}},
        {"a": {"missing_codes": CANARY}},
        {"a": {"spike": [CANARY]}},
        {"a": {"decimals": CANARY}},
        {"a": CANARY},
        {"a": [CANARY]},
        CANARY,
    ],
)
def test_codebook_values_stay_out_of_messages(columns: Any) -> None:
    with pytest.raises(SpecError) as caught:
        parse_job(SMALL + yaml.safe_dump({"columns": columns}))
    assert CANARY not in str(caught.value)
    assert "columns" in str(caught.value)


@given(st.text(max_size=200))
def test_any_text_is_a_job_or_a_spec_error(text: str) -> None:
    with pytest.raises(SpecError):
        parse_job(text)


@given(st.binary(max_size=100))
def test_any_file_is_a_job_or_a_spec_error(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    place = tmp_path_factory.mktemp("job") / "job.yaml"
    place.write_bytes(raw)
    with pytest.raises(SpecError):
        load_job(place)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SMALL + "synthesis:\n  m: 2\n  m: 3\n", "line 5: the key 'm' occurs twice (first on line 4)"),
        (SMALL + SMALL, "the key 'input' occurs twice (first on line 1)"),
        (SMALL + "synthesis: [1, 2", "line 3"),
        (SMALL + "synthesis:\n\tm: 2", "line 4"),
        (SMALL + "synthesis: {m: !!python/object/apply:os.system [x]}", "line 3"),
        ("---\na: 1\n---\nb: 2", "another document"),
        ("just words", "not a mapping"),
        ("- a list", "not a mapping"),
        (SMALL + "columns: {2001: {kind: count}}", "quotes"),
        (SMALL + "synthesis: {passive: {2001: a}}", "quotes"),
        ("input: {path: a, dataset: b}\noutput: {path: c}", "exactly one of path and dataset"),
        ("input: {}\noutput: {path: c}", "exactly one of path and dataset"),
        ("input: {path: a}", "output is missing"),
        ("[" * 3000, "not valid YAML"),
        ("a: &a {b: *a}", "unfolds to more than"),
    ],
)
def test_bad_files_say_where(text: str, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_job(text, source="job.yaml")
    assert says in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(SMALL)
    for name, says in {
        "stduy.yaml": "did you mean 'study.yaml'",
        "": "cannot be read",
        "survey.rds": "looks like data of a kind that cannot be read",
    }.items():
        with pytest.raises(SpecError, match=says):
            load_job(tmp_path / name)
    (tmp_path / "latin.yaml").write_bytes(b"input:\n  path: \xe4.csv\n")
    with pytest.raises(SpecError, match="line 2: not UTF-8"):
        load_job(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    "name", ["survey.csv", "survey.parquet", "survey.csv.gz", "survey.sav", "s3://bucket/survey.parquet"]
)
def test_a_table_stands_for_its_job(name: str) -> None:
    job = load_job(name, ["synthesis.m=2"])
    assert (job.input.path, job.output.path, job.synthesis.m) == (name, "survey-release", 2)
    assert load_job(name, ["output.path=other"]).output.path == "other"


@pytest.mark.parametrize(
    ("overrides", "check"),
    [
        (["synthesis.m=2"], lambda job: job.synthesis.m == 2),
        (["synthesis.m=2", "synthesis.m=3"], lambda job: job.synthesis.m == 3),
        (["synthesis.seed="], lambda job: job.synthesis.seed is None),
        (["synthesis.passive={bmi: a / b}"], lambda job: job.synthesis.passive == {"bmi": "a / b"}),
        (["synthesis.passive.bmi=a == b"], lambda job: job.synthesis.passive == {"bmi": "a == b"}),
        (["columns.a.kind=nominal"], lambda job: job.columns["a"].kind == "nominal"),
        (["input.path=other.csv"], lambda job: job.input.path == "other.csv"),
        (["synthesis.cp=1e-4"], lambda job: job.synthesis.cp == 1e-4),
    ],
)
def test_overrides(overrides: list[str], check: Any) -> None:
    assert check(parse_job(SMALL, overrides))


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("synthesis.minbuket=3", "did you mean 'synthesis.minbucket'? (--set)"),
        ("m=3", "did you mean 'synthesis.m'? (--set)"),
        ("synthesis.m", "KEY=VALUE"),
        ("=3", "KEY=VALUE"),
        ("synthesis..m=3", "KEY=VALUE"),
        ("input.path.x=3", "holds a value"),
        ("synthesis.m=[3", "not valid YAML"),
        ("synthesis.m=0", "at least 1"),
    ],
)
def test_wrong_overrides(override: str, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_job(SMALL, [override])
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("said", "helpers", "copies"),
    [
        ("", [], ()),
        (", helpers: ", [], ()),
        (", helpers: [], copies: []", [], ()),
        (", csv: true", [], ("csv",)),
        (", copies: csv", [], ("csv",)),
        (", copies: [csv, csv], csv: true", [], ("csv",)),
        (", helpers: r", ["r"], ()),
        (", helpers: [r], copies: [csv]", ["r"], ("csv",)),
        (", helpers: [stata, r, stata]", ["stata", "r"], ("csv",)),
        (", helpers: [stata], csv: false", ["stata"], ("csv",)),
    ],
)
def test_what_goes_with_a_release(said: str, helpers: list[str], copies: tuple[str, ...]) -> None:
    output = parse_job(SMALL.replace("release", f"release{said}")).output
    assert (output.helpers, output.formats) == (helpers, copies)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("helpers: [r, sttata]", r"output\.helpers\[2\]: found the text 'sttata', did you mean 'stata'"),
        ("helpers: {r: true}", r"output\.helpers: found a mapping"),
        ("copies: [csw]", r"output\.copies\[1\]: found the text 'csw', did you mean 'csv'"),
        ("csv: 3", r"output\.csv: found 3"),
        ("helper: [r]", r"did you mean 'output\.helpers'"),
    ],
)
def test_mistakes_in_what_goes_with_a_release(said: str, answer: str) -> None:
    with pytest.raises(SpecError, match=answer):
        parse_job(SMALL.replace("release}", f"release, {said}}}"))


def test_output_from_python() -> None:
    assert validate_output(path="x", helpers=("r",)).helpers == ["r"]
    with pytest.raises(SpecError, match=r"output\.helpers\[1\]"):
        validate_output(path="x", helpers=["sas"])


@pytest.mark.parametrize("setting", ["k", "minbucket", "minsplit", "min_stratum"])
def test_a_number_of_rows_that_no_table_has(setting: str) -> None:
    with pytest.raises(SpecError, match=f"{setting}: found") as caught:
        validate_synthesis(**{setting: 2**64})
    assert caught.value.need == "at most 1000000000000" + (" or 'auto'" if setting == "minbucket" else "")


def test_a_job_file_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(SMALL + "#" + "x" * (4_000_000 - len(SMALL) - 1))
    assert load_job(path).output.path == "release"
    path.write_text(path.read_text() + "x")
    with pytest.raises(SpecError, match="larger than 4 MB"):
        load_job(path)


def nested(levels: int) -> str:
    """A list that stands for 10 ** levels words in a few hundred characters."""
    text = "&a0 [x, x, x, x, x, x, x, x, x, x]"
    for i in range(1, levels):
        text = f"&a{i} [{text}, {', '.join([f'*a{i - 1}'] * 9)}]"
    return text


@pytest.mark.parametrize(
    "bomb", [nested(9), "&a [x, *a]", "&a {b: *a}"], ids=["lists", "itself", "itself in a mapping"]
)
@pytest.mark.parametrize("place", ["synthesis: {where: {x: %s}}", "study: {variants: {a: {where: {x: %s}}}}", "%s"])
def test_anchors_that_unfold_to_more_than_they_are(bomb: str, place: str) -> None:
    with pytest.raises(SpecError, match="unfolds to more than"):
        parse_job(SMALL + place % bomb if place != "%s" else f"columns: {bomb}")
    with pytest.raises(SpecError, match="unfolds to more than"):
        parse_job(SMALL, [f"synthesis.where={bomb}"])


def test_anchors_that_save_typing() -> None:
    job = parse_job(SMALL + "columns: {a: &scale {kind: ordered, levels: [low, high]}, b: *scale, c: {<<: *scale}}")
    assert job.columns["a"] == job.columns["b"] == job.columns["c"] != ColumnSpec()
