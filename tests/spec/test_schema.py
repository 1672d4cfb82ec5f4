"""The JSON Schema of a job: a validator that knows nothing of us agrees with the models wherever both can tell."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from replicant.spec.bulk import BulkDocument
from replicant.spec.document import Document
from replicant.spec.load import _Loader
from replicant.spec.models import JobSpec, SynthesisSpec
from replicant.spec.schema import job_schema
from replicant.spec.study import StudySpec

JOBS = sorted((Path(__file__).resolve().parents[2] / "jobs").glob("*.yaml"))
SCHEMA = job_schema()
VALIDATOR = Draft202012Validator(SCHEMA)

WHOLE: dict[str, Any] = {
    "input": {"path": "a.parquet", "columns": ["a", "b"]},
    "columns": {"a": {"kind": "ordered", "levels": ["x", "y"], "labels": {"1": "x"}}, "b": {"missing_codes": [-8]}},
    "synthesis": {
        "m": 3,
        "partition_rows": 1000,
        "seed": 1,
        "method": {"a": "cart"},
        "cp": 1e-4,
        "passive": {"c": "a + b"},
        "predictors": {"a": ["b"]},
        "visit_sequence": ["a", "b"],
        "where": ["a > p99"],
        "strata": "b",
        "proper": True,
    },
    "study": {
        "replicates": 10,
        "variants": {"one": {"minbucket": 9}, "two": None},
        "estimands": [
            {"name": "fit", "model": "ols", "formula": "a ~ b"},
            {
                "discriminate": "all",
                "scores": "told",
                "published": [{"source": "s", "arm": "one", "file": "f", "fields": {"bias": "b"}, "scores": True}],
            },
            {"copies": True},
            {"means": "a"},
        ],
        "level": 0.9,
    },
    "output": {"path": "out", "csv": True, "helpers": ["r"]},
    "bulk": {
        "matrix": {"year": [2010, 2011], "region": ["north", 7]},
        "include": [{"year": 2020, "region": "south"}],
        "exclude": [{"year": [2011]}],
        "overrides": [{"for": {"region": "north"}, "set": {"synthesis.m": 2}}],
        "drift": "year",
    },
}

# No "yes" or 0 for a truth value: the models take them, as YAML 1.1 did; an editor may frown.
VALUES: list[Any] = [None, "word", "r", "ordered", -1, 2.5, 3, 10**40, [], ["a"], ["a", "b", "c"], [3], {}]
VALUES += [{"a": "b"}, {"a": 2.5}, {"a": None}, {"a": ["b"]}, {"model": "ols"}, {"path": "x"}, [{"means": ["a"]}]]

Path_ = tuple[Any, ...]


def paths(document: Any, here: Path_ = ()) -> list[Path_]:
    steps = (
        document.items() if isinstance(document, dict) else enumerate(document if isinstance(document, list) else ())
    )
    return [here, *(path for step, below in steps for path in paths(below, (*here, step)))]


def changed(document: Any, path: Path_, what: str, value: Any) -> Any:
    """One thing other than it was."""
    document = copy.deepcopy(document)
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    if what == "remove":
        del holder[path[-1]]
    elif what == "add" and isinstance(holder[path[-1]], dict):
        holder[path[-1]][value if isinstance(value, str) else "dataset"] = "word"
    else:
        holder[path[-1]] = value
    return document


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """A whole job with one to three things changed."""
    document: Any = copy.deepcopy(WHOLE)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(paths(document)[1:] or [("input",)]))
        document = changed(
            document, path, draw(st.sampled_from(["remove", "add", "set"])), draw(st.sampled_from(VALUES))
        )
    return document


def accepts(document: Any) -> bool:
    """What the models say. A variant's settings are looked at when the study is planned, by the synthesis' model."""
    try:
        job = (BulkDocument if "bulk" in document else JobSpec).model_validate(document)
        for variant in job.study.variants.values() if job.study else ():
            SynthesisSpec.model_validate(variant)
    except ValidationError:
        return False
    return True


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("job", JOBS, ids=lambda path: path.stem)
def test_every_job_is_valid(job: Path) -> None:
    VALIDATOR.validate(yaml.load(job.read_text(), Loader=_Loader))


def test_the_examples_are_valid() -> None:
    for example in [*SCHEMA["examples"], WHOLE]:
        VALIDATOR.validate(example)
        assert accepts(example)


@given(documents())
def test_schema_and_models_agree(document: Any) -> None:
    errors = [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(document)]
    assert accepts(document) == (not errors), errors


def test_every_change_of_one_place_is_judged_alike() -> None:
    """Not by chance: every key removed, and every value in every place."""
    for path in paths(WHOLE)[1:]:
        for what, value in [("remove", None), ("add", "word"), *(("set", value) for value in VALUES)]:
            document = changed(WHOLE, path, what, value)
            assert accepts(document) == VALIDATOR.is_valid(document), (path, what, value)


def test_every_key_says_what_it_is_for() -> None:
    sections = [SCHEMA, *(one for one in SCHEMA["$defs"].values() if "properties" in one)]
    silent = [
        f"{one['title']}.{key}"
        for one in sections
        for key, said in one["properties"].items()
        if not said.get("description")
    ]
    assert not silent
    # A method with options has whatever keys its options are.
    assert {one["title"] for one in sections if one["additionalProperties"] is not False} == {"MethodChoice"}


def test_descriptions_and_defaults_are_those_of_the_models() -> None:
    said = SCHEMA["$defs"]["SynthesisSpec"]["properties"]
    assert said["strata"]["description"] == "Columns whose groups are synthesized by themselves."
    assert said["minbucket"]["description"] == said["maxdepth"]["description"]
    for section, model in (("SynthesisSpec", SynthesisSpec), ("StudySpec", StudySpec)):
        defaults = {key: said["default"] for key, said in SCHEMA["$defs"][section]["properties"].items()}
        assert defaults == model().model_dump()


def test_a_new_key_enters_by_itself() -> None:
    class More(Document):
        """A section.

        Attributes
        ----------
        one, other
            Of two
            lines.

            And a paragraph.
        """

        one: int = 1
        other: list[str] | None = None

    said = More.model_json_schema()
    assert said["description"] == "A section."
    assert {key: one["description"] for key, one in said["properties"].items()} == dict.fromkeys(
        ["one", "other"], "Of two lines. And a paragraph."
    )
