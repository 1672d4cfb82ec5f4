"""`replicant utility` and `replicant disclosure`, on files of any tool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from replicant.cli.main import cli
from replicant.report.measures import title


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    rng = np.random.default_rng(6)
    paths = []
    for name in ("real", "syn1", "syn2", "holdout"):
        frame = pd.DataFrame({"x": rng.normal(size=120).round(1), "g": rng.choice(["a", "b"], 120)})
        paths.append(str(tmp_path / f"{name}.csv"))
        frame.to_csv(paths[-1], index=False)
    return paths


@pytest.mark.parametrize("command", [["utility"], ["disclosure", "--keys", "g", "--targets", "x"]])
def test_every_form_of_output(command: list[str], files: list[str], tmp_path: Path) -> None:
    real, one, two, holdout = files
    asked = [*command, real, one, two, "--holdout", holdout, "--effort", "quick"]
    text = CliRunner().invoke(cli, asked, catch_exceptions=False)
    assert text.exit_code == 0
    assert text.output.lower().startswith(command[0])
    kept = json.loads(CliRunner().invoke(cli, [*asked, "--json"], catch_exceptions=False).output)
    assert (kept["settings"]["m"], kept["settings"]["holdout"]) == (2, 120)
    table = CliRunner().invoke(cli, [*asked, "--csv"], catch_exceptions=False).output
    assert len(table.splitlines()) == len(kept["figures"]) + 1
    page = tmp_path / "page.html"
    CliRunner().invoke(cli, [*asked, "-o", str(page)], catch_exceptions=False)
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_a_codebook_is_obeyed(files: list[str], tmp_path: Path) -> None:
    book = tmp_path / "book.yaml"
    book.write_text("x: {kind: continuous, missing_codes: [0.1]}\n")
    asked = ["utility", *files[:2], "--codebook", str(book), "--effort", "quick", "--json"]
    assert CliRunner().invoke(cli, asked, catch_exceptions=False).exit_code == 0


def test_three_way_tables_and_published_figures(files: list[str], tmp_path: Path) -> None:
    declared = tmp_path / "published.yaml"
    declared.write_text("mean x: {mean: x, by: g}\npositive: {share: x > 0}\n")
    asked = ["utility", *files[:2], "--effort", "quick", "--indicators", str(declared), "--json"]
    kept = json.loads(CliRunner().invoke(cli, asked, catch_exceptions=False).output)
    errors = {one["of"] for one in kept["figures"] if one["measure"] == "relative_error"}
    assert errors == {"mean x, g = a", "mean x, g = b", "positive"}


def test_what_an_intruder_knows_and_what_only_the_owner_sees(files: list[str], tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("g,count\na,900\nb,800\n")
    records = tmp_path / "at_risk.csv"
    asked = ["disclosure", *files[:2], "--keys", "g", "--sensitive", "x", "--effort", "quick", "--json"]
    asked += ["--earlier", files[2], "--population", str(people), "--records", str(records)]
    found = CliRunner().invoke(cli, asked, catch_exceptions=False)
    kept = json.loads(found.stdout)
    assert kept["settings"]["targets"] == ["x"]
    assert (kept["settings"]["earlier"], kept["settings"]["population"]) == (1, True)
    assert records.stat().st_mode & 0o777 == 0o600
    assert records.read_text().splitlines()[0] == "row,reason,column,sets,class_size"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--three-way", "x,g,gg"], "three_way names 'gg', which is no column that both tables have, did you mean 'g'"),
        (["--three-way", "x,g"], "three_way names 2 columns"),
        (["--three-wai", "x,g"], "Did you mean '--three-way'"),
        (["--indicators", "publishd.yaml"], "did you mean 'published.yaml'"),
        (["--indicators", "published.yaml"], "has the key 'meen', did you mean 'mean'"),
    ],
)
def test_a_typing_error_is_named(
    options: list[str], said: str, files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("published.yaml").write_text("mean x: {meen: x}\n")
    found = CliRunner().invoke(cli, ["utility", *files[:2], "--effort", "quick", *options])
    assert found.exit_code
    assert said in " ".join((found.output + str(found.exception)).split())


MADE_BY_MICE = Path(__file__).parents[1] / "reference" / "mice_sets.csv"


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Files of a made-up table: the real rows, those held out, and sets by R's mice and by a plain resampler."""
    folder = tmp_path_factory.mktemp("others")
    rows = pd.read_csv(MADE_BY_MICE)
    frames = {name: rows[rows["set"] == at].drop(columns="set") for name, at in SETS.items()}
    for seed in (1, 2):
        frames[f"resampled{seed}"] = frames["real"].sample(frac=1, replace=True, random_state=seed)
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return {
        tool: [str(folder / f"{name}.csv") for name in ("real", *sets, "holdout")]
        for tool, sets in (("mice", ("mice1", "mice2")), ("resampler", ("resampled1", "resampled2")))
    }


SETS = {"real": 0, "holdout": -1, "mice1": 1, "mice2": 2}


def evaluated(command: str, tool: list[str], *options: str) -> dict[str, dict[str, Any]]:
    """The figures by what they are of, from the JSON, which must be what the text shows."""
    *tables, holdout = tool
    asked = [command, *tables, "--holdout", holdout, "--effort", "quick", *options]
    text = CliRunner().invoke(cli, asked, catch_exceptions=False)
    kept = json.loads(CliRunner().invoke(cli, [*asked, "--json"], catch_exceptions=False).output)
    assert text.exit_code == 0
    assert kept["about"] == command
    assert (kept["settings"]["n"], kept["settings"]["k"], kept["settings"]["m"]) == (250, 250, 2)
    flags = [one for one in kept["figures"] if one["flag"]]
    assert kept["passed"] == (not flags)
    for one in flags:
        assert title(one["measure"]) in text.output
    return {f"{one['measure']} {one['of']}".strip(): one for one in kept["figures"]}


def test_sets_of_mice(others: dict[str, list[str]]) -> None:
    found = evaluated("utility", others["mice"])
    assert found["s_pmse_logit"]["value"] < 4
    # mice fills in what is missing: no row of its sets misses an income, as 8 of the real ones do.
    assert found["missing_share income"]["value"] == pytest.approx(8 / 250)
    found = evaluated("disclosure", others["mice"], "--keys", "age,region", "--targets", "income")
    assert not found["copied_unique_rows"]["flag"]
    assert found["copied_unique_rows"]["value"] < 0.2


def test_a_resampler_is_found_out(others: dict[str, list[str]]) -> None:
    found = evaluated("utility", others["resampler"])
    assert not any(one["flag"] for one in found.values())
    found = evaluated("disclosure", others["resampler"], "--keys", "age,region", "--targets", "income")
    assert found["copied_rows"]["value"] == 1
    for measure in ("copied_rows", "copied_unique_rows", "membership_auc", "dcap income"):
        assert found[measure]["flag"], measure
