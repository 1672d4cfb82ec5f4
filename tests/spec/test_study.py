"""Studies as documents: what is understood, and errors that name the key and the nearest right one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import yaml

from replicant.errors import SpecError
from replicant.spec.load import parse_job
from replicant.spec.study import KINDS, EstimandSpec, StudySpec
from replicant.spec.variants import variants_of

PUBLISHED = {"source": "R", "arm": "sample", "file": "f.csv", "fields": {"estimate": "e"}}


def parsed(study: dict[str, Any], *overrides: str, **sections: Any) -> StudySpec:
    job = {"input": {"path": "data.csv"}, "output": {"path": "out"}, "study": study, **sections}
    found = parse_job(yaml.safe_dump(job), overrides).study
    assert found is not None
    return found


def test_a_study_needs_nothing() -> None:
    found = parsed({})
    assert (found.replicates, found.level, found.samples, found.variants, found.estimands) == (1000, 0.95, None, {}, [])


def test_a_job_without_a_study_has_none() -> None:
    assert parse_job("input: {path: a.csv}\noutput: {path: out}\n").study is None


EXAMPLES: dict[str, Any] = {
    "describe": ["a"],
    "correlation": ["a", "b"],
    "model": "ols",
    "discriminate": "all",
    "means": "a",
    "counts": "a",
    "densities": "a",
    "copies": True,
    "utility": "ks",
    "disclosure": {"measures": ["dcap"], "keys": "a", "targets": "b"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_estimand_is_of_the_kind_whose_key_it_has(kind: str) -> None:
    formula = {"formula": "y ~ x"} if kind == "model" else {}
    assert parsed({"estimands": [{kind: EXAMPLES[kind], **formula}]}).estimands[0].kind == kind


def test_measures_alone_are_measures_without_keys() -> None:
    (found,) = parsed({"estimands": [{"disclosure": ["copied_rows"]}]}).estimands
    assert found.disclosure is not None
    assert (found.disclosure.measures, found.disclosure.keys) == (["copied_rows"], [])


def test_samples_are_given_or_drawn_in_a_way() -> None:
    assert parsed({"sampling": "halves"}).sampling == "halves"
    with pytest.raises(SpecError, match="sampling without samples only"):
        parsed({"sampling": "halves", "samples": "a.csv"})


def test_one_name_is_a_list_of_one() -> None:
    (found,) = parsed({"estimands": [{"means": "a"}]}).estimands
    assert found.means == ["a"]
    assert EstimandSpec(means=np.array(["a", "b"])).means == ["a", "b"]


def test_overrides_reach_into_a_study() -> None:
    found = parsed({}, "study.replicates=7", "study.level=0.5", "study.variants.a.conditioning=observed")
    assert (found.replicates, found.level) == (7, 0.5)
    assert found.variants == {"a": {"conditioning": "observed"}}


def test_a_variant_without_settings_is_the_synthesis_itself() -> None:
    found = parsed({"variants": {"a": None, "b": {}}}, synthesis={"m": 3, "seed": 1})
    assert found.variants == {"a": {}, "b": {}}
    job = parse_job("input: {path: a}\noutput: {path: b}\nsynthesis: {m: 3, seed: 1, minbucket: 4}\nstudy: {}\n")
    assert job.study is not None
    ((name, settings, spec),) = variants_of(job.study, job.synthesis)
    assert (name, settings, spec) == ("synthetic", {}, job.synthesis)


def test_variants_differ_where_they_say_so() -> None:
    job = parse_job(
        "input: {path: a}\noutput: {path: b}\nsynthesis: {m: 3, minbucket: 4}\n"
        "study: {variants: {a: {m: 5}, b: {minbucket: 1, conditioning: observed}}}\n"
    )
    assert job.study is not None
    found = {
        name: (spec.m, spec.minbucket, spec.conditioning) for name, _, spec in variants_of(job.study, job.synthesis)
    }
    assert found == {"a": (5, 4, "synthetic"), "b": (3, 1, "observed")}
    assert job.synthesis.m == 3


BAD: list[tuple[dict[str, Any], str]] = [
    ({"replicats": 3}, r"study\.replicats.*did you mean 'study\.replicates'"),
    ({"replicates": 1}, r"study\.replicates: found 1"),
    ({"replicates": 2_000_000}, r"study\.replicates"),
    ({"replicates": "x"}, r"study\.replicates: found the text 'x'"),
    ({"replicates": True}, r"study\.replicates: found true"),
    ({"replicates": 2.5}, r"study\.replicates: found 2\.5"),
    ({"level": 0}, r"study\.level: found 0"),
    ({"level": 1}, r"study\.level: found 1"),
    ({"level": "high"}, r"study\.level: found the text 'high'"),
    ({"variants": {"sample": {}}}, r"study\.variants(.|\n)*not `sample`"),
    ({"variants": {"a b": {}}}, r"study\.variants(.|\n)*letters, digits"),
    ({"variants": {"a.b": {}}}, r"study\.variants(.|\n)*letters, digits"),
    ({"variants": ["a"]}, r"study\.variants: found a list of 1"),
    ({"variants": {"a": "observed"}}, r"study\.variants\.a: found the text 'observed'"),
    ({"estimands": [{}]}, r"study\.estimands\[1\](.|\n)*exactly one of describe, correlation"),
    ({"estimands": [{"means": "a"}, {"means": "a", "counts": "b"}]}, r"study\.estimands\[2\](.|\n)*exactly one of"),
    ({"estimands": [{"meens": "a"}]}, r"study\.estimands\[1\]\.meens.*did you mean .*means"),
    ({"estimands": [{"model": "ols"}]}, r"study\.estimands\[1\](.|\n)*a formula with each named model"),
    (
        {"estimands": [{"means": "a", "formula": "y ~ x"}]},
        r"study\.estimands\[1\](.|\n)*a formula with each named model",
    ),
    ({"estimands": [{"model": 3, "formula": "y ~ x"}]}, r"study\.estimands\[1\]\.model"),
    ({"estimands": [{"copies": False}]}, r"study\.estimands\[1\]\.copies"),
    ({"estimands": [{"discriminate": "all", "against": "orignal"}]}, r"did you mean 'original'"),
    ({"estimands": [{"means": "a", "scores": "b"}]}, r"scores with discriminate only"),
    ({"estimands": [{"means": "a", "weights": "w"}]}, r"weights with a model only"),
    ({"estimands": [{"model": "ols", "formula": "y ~ x", "weight_kind": "sampling"}]}, r"survey.*frequency"),
    ({"estimands": [{"model": "ols", "formula": "y ~ x", "weihgts": "w"}]}, r"weights"),
    ({"estimands": [{"means": "a", "name": "1st"}]}, r"study\.estimands\[1\]\.name(.|\n)*beginning with a letter"),
    ({"estimands": [{"means": "a", "name": "../up"}]}, r"study\.estimands\[1\]\.name"),
    ({"estimands": [{"means": "a", "name": "x" * 65}]}, r"study\.estimands\[1\]\.name"),
    ({"estimands": {"means": "a"}}, r"study\.estimands: found a mapping"),
    (
        {"estimands": [{"means": "a", "published": [{**PUBLISHED, "fields": {"bias": ["a", "b", "c"]}}]}]},
        r"study\.estimands\[1\]\.published\[1\]\.fields(.|\n)*one column, or two",
    ),
    (
        {"estimands": [{"means": "a", "published": [{**PUBLISHED, "scores": True}]}]},
        r"published scores with discriminate",
    ),
    ({"estimands": [{"means": "a", "published": [{"surce": "R"}]}]}, r"did you mean .*source"),
    ({"estimands": [{"means": "a", "published": [{"source": "R"}]}]}, r"published\[1\]\.(arm|file|fields) is missing"),
]


@pytest.mark.parametrize(("study", "found"), BAD, ids=lambda value: str(value)[:60])
def test_what_is_wrong_is_said_with_its_place(study: dict[str, Any], found: str) -> None:
    with pytest.raises(SpecError, match=found) as raised:
        parsed(study)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("override", "found"),
    [
        ("study.replicates=x", r"study\.replicates: found the text 'x' \(--set\)"),
        ("study.replicates=1", r"study\.replicates: found 1 \(--set\)"),
        ("study.repplicates=5", r"study\.repplicates.*did you mean"),
        ("study=5", r"study: found 5"),
        ("study.replicates.x=5", r"study\.replicates holds a value"),
    ],
)
def test_overrides_are_judged_as_the_file_is(override: str, found: str) -> None:
    with pytest.raises(SpecError, match=found):
        parsed({"replicates": 5}, override)
