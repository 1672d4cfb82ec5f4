"""One document, many jobs: what it is taken apart into, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.errors import SpecError
from replicant.spec.bulk import BulkJob
from replicant.spec.load import parse_any, parse_job

BULK = """
bulk:
  matrix: {year: {first: 2010, last: 2012}, region: [north, south]}
  exclude: [{year: 2010, region: south}]
  include: [{year: 2009, region: west}]
  overrides:
    - {for: {year: [2011, 2012], region: north}, set: {synthesis.minbucket: 10, data: "other/{year}.csv"}}
    - {for: {year: 2012}, set: {synthesis.minbucket: 20}}
  drift: year
input: {path: "in/{region}-{year}.parquet"}
columns: {"{region}": {kind: nominal, levels: ["{region}", "{{x}}"]}}
synthesis: {m: 2, seed: 3}
output: {path: "build/{region}/{year}"}
"""


def bulk(text: str = BULK, *overrides: str) -> BulkJob:
    found = parse_any(text, overrides)
    assert isinstance(found, BulkJob)
    return found


def test_every_cell_is_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    jobs = {release.name: release.job for release in bulk().releases}
    assert list(jobs) == ["2010-north", "2011-north", "2011-south", "2012-north", "2012-south", "2009-west"]
    assert jobs["2010-north"].input.path == f"{tmp_path}/in/north-2010.parquet"
    assert jobs["2011-north"].input.path == f"{tmp_path}/other/2011.csv"
    assert {name: job.synthesis.minbucket for name, job in jobs.items()} == {
        **dict.fromkeys(jobs),
        **{"2011-north": 10, "2012-north": 20, "2012-south": 20},  # later ones win
    }
    assert jobs["2009-west"].output.path == f"{tmp_path}/build/west/2009"
    # What is not to be shared lies beside the folder that is.
    assert bulk().folder == f"{tmp_path}/build"
    assert jobs["2009-west"].output.internal_path == f"{tmp_path}/build-internal/west/2009"
    # Placeholders in any text, but not in keys; doubled braces are braces.
    assert jobs["2009-west"].columns["{region}"].levels == ["west", "{x}"]


def test_a_list_of_tables_is_an_axis() -> None:
    text = """
bulk: {tables: [households, {name: persons, set: {input.path: data/p.csv, synthesis.m: 3}}], folder: build}
input: {path: "data/{table}.parquet"}
output: {path: "build/all/{table}"}
"""
    found = {release.name: release.job for release in bulk(text).releases}
    assert [Path(str(job.input.path)).name for job in found.values()] == ["households.parquet", "p.csv"]
    assert [job.synthesis.m for job in found.values()] == [5, 3]
    assert Path(bulk(text).folder).name == "build"


def test_neighbours_are_next_to_each_other_on_one_axis() -> None:
    """Numbers by their size: 2009 stands last in the document. A gap is bridged."""
    pairs = [(a.name, b.name) for a, b in bulk().neighbours]
    assert pairs == [("2010-north", "2011-north"), ("2011-north", "2012-north"), ("2011-south", "2012-south")]
    named = bulk(BULK, "bulk.drift=region")
    assert [(a.name, b.name) for a, b in named.neighbours] == [
        ("2011-north", "2011-south"),
        ("2012-north", "2012-south"),
    ]
    sizes = "bulk: {matrix: {n: [10, 9, 100]}, drift: n}\ninput: {path: '{n}.csv'}\noutput: {path: 'out/{n}'}"
    assert [(a.name, b.name) for a, b in bulk(sizes).neighbours] == [("9", "10"), ("10", "100")]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("output.path=build/{regoin}/{year}", r"the placeholder \{regoin\} is unknown, did you mean 'region'"),
        ("output.path=build/{year", "a brace is not closed"),
        ("output.path=build/{region}", "'2010-north' and '2011-north' would write their files to one folder"),
        ('output.path="{region}/{year}"', "no folder for its index page"),
        ("bulk.folder=elsewhere", "would not lie in the folder of the bulk"),
        ("output.internal=build/secret-{year}-{region}", "would lie in the folder of the bulk, which is shared"),
        ("output.internal=secret/{year}", "would write their internal manifests to one folder"),
        ("bulk.drift=yaer", "'yaer', did you mean 'year'"),
        ("bulk.matix={}", "unknown key 'bulk.matix', did you mean 'bulk.matrix'"),
        ("bulk.tables=[a]", "exactly one of matrix and tables"),
        ("bulk.matrix.year=[2010, 2010]", "year has '2010' twice"),
        ("bulk.matrix.region=[a/b]", "can be part of a file name"),
        ("bulk.matrix.region=[..]", "can be part of a file name"),
        ("bulk.matrix.year={first: 3, last: 1}", "last number that is not below the first"),
        ("bulk.matrix.year={first: 1, last: 30000}", "releases"),
        ("bulk.matrix={}", "bulk.matrix: found a mapping"),
        ("bulk.exclude=[{year: 1999}]", "no release has year '1999'"),
        ("bulk.exclude=[{}]", "names no axis"),
        ("bulk.exclude=[{region: [north, south]}]", "all are excluded"),
        ("bulk.include=[{year: 2010}]", r"include\[1\] names year"),
        ("bulk.include=[{year: 2011, region: north}]", "is there already"),
        ("bulk.overrides=[{for: {yer: 2010}, set: {}}]", "there is no axis 'yer', did you mean 'year'"),
        ("bulk.overrides=[{fro: {year: 2010}, set: {}}]", r"did you mean 'bulk.overrides\[1\].for'"),
        ("bulk.overrides=[{for: {year: 2011}, set: {study.replicates: 3}}]", "is not a key of a job"),
        ("bulk.overrides=[{for: {year: 2011}, set: {synthesis.m.n: 3}}]", "synthesis.m holds a value"),
        ("bulk.overrides=[{for: {year: 2011}, set: {synthesis.minbuckt: 3}}]", "in the release '2011-north'"),
        ("synthesis.m='{year}'", "synthesis.m: found the text '2010'"),
        ("study={}", "the bulk holds a study"),
    ],
)
def test_what_is_wrong_is_refused_with_the_right_word(override: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        bulk(BULK, *(["bulk.include=[]"] if "all are" in said else []), override)


def test_an_axis_that_no_path_uses_was_forgotten() -> None:
    with pytest.raises(SpecError, match=r"no path uses \{month\}") as caught:
        bulk(BULK, "bulk.matrix.month=[1, 2]", "bulk.include=[]")
    assert "output" in str(caught.value.fix)


def test_names_that_run_together_are_refused() -> None:
    text = "bulk: {matrix: {a: [x, x-y], b: [y-z, z]}}\ninput: {path: '{a}{b}.csv'}\noutput: {path: 'out/{a}/{b}'}"
    with pytest.raises(SpecError, match="two releases of the bulk are called 'x-y-z'"):
        bulk(text)


def test_a_release_inside_another_is_refused() -> None:
    text = """
bulk: {tables: [a, {name: b, set: {output.path: out/a/b}}], folder: out}
input: {path: "{table}.csv"}
output: {path: "out/{table}"}
"""
    with pytest.raises(SpecError, match="'a' and 'b' would write"):
        bulk(text)


def test_errors_name_the_line_of_the_file() -> None:
    with pytest.raises(SpecError, match=r"a\.yaml, line 12"):
        parse_any(BULK.replace("seed: 3", "sede: 3"), source="a.yaml")


def test_a_bulk_is_no_single_job() -> None:
    with pytest.raises(SpecError, match="bulk of releases"):
        parse_job(BULK)


words = st.text(st.sampled_from("abcXYZ019_-+ ."), min_size=1, max_size=6).filter(
    lambda word: word[0] not in " .-+" and word[-1] not in " ."
)


@given(st.lists(words, min_size=1, max_size=4, unique=True), st.lists(words, min_size=1, max_size=4, unique=True))
def test_a_matrix_is_a_product_and_places_are_as_many_as_names(one: list[str], other: list[str]) -> None:
    """Property: as many releases as combinations, each in a place of its own, or a refusal."""
    document: dict[str, Any] = {"one": one, "other": other}
    text = f"bulk: {{matrix: {document}}}\ninput: {{path: 'x.csv'}}\noutput: {{path: 'out/{{one}}/{{other}}'}}"
    if len({f"{a}-{b}" for a in one for b in other}) < len(one) * len(other):
        with pytest.raises(SpecError, match="are called"):
            parse_any(text)
        return
    found = bulk(text)
    places = {release.job.output.path for release in found.releases}
    assert len(found.releases) == len(places) == len(one) * len(other)
