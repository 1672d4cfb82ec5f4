"""Which rule holds: a table of releases, and real manifests."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import replicant as rp
from replicant.pool import RULES, choose, invalid, valid


def manifest(*, m: int = 5, k: int = 100, method: str = "cart", some: str = "all", **config: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"conditioning": "synthetic", "fits": "own", "proper": False, "missing": "keep", **config}
    columns = [
        {"name": "a", "synthesized": "all", "method": method, "parametric": method == "normal"},
        {"name": "b", "synthesized": some, "method": "keep" if some == "none" else method},
    ]
    columns[1]["parametric"] = columns[1]["method"] in {"keep", "normal"}
    return {"m": m, "n": 100, "k": k, "r": made.pop("r", 1), "columns": columns, "config": made}


@pytest.mark.parametrize(
    ("release", "rule", "holds"),
    [
        (manifest(), "reiter2003", {"reiter2003", "raab2016_partial", "census"}),
        (manifest(conditioning="observed"), "reiter2003", {"reiter2003", "raab2016_partial", "census"}),
        (manifest(some="some"), "reiter2003", {"reiter2003", "raab2016_partial", "census"}),
        (manifest(some="none"), "reiter2003", {"reiter2003", "raab2016_partial", "census"}),
        (manifest(k=50), "raab2016_partial", {"raab2016_partial", "census"}),
        (manifest(m=1), "raab2016_simple", {"raab2016_simple"}),
        (manifest(m=1, proper=True), "raab2016_proper", {"raab2016_proper"}),
        (
            manifest(method="normal"),
            "raab2016_simple",
            {"raab2016_simple", "reiter2003", "raab2016_partial", "census"},
        ),
        (
            manifest(method="normal", proper=True),
            "raab2016_proper",
            {"raab2016_proper", "raghunathan2003", "reiter2003", "raab2016_partial", "census"},
        ),
        (manifest(proper=True), "reiter2003", {"raghunathan2003", "reiter2003", "raab2016_partial", "census"}),
        (manifest(missing="impute"), "one_step", {"one_step", "census"}),
        (manifest(missing="impute", r=2), "reiter2004", {"reiter2004", "census"}),
    ],
)
def test_the_rule_follows_from_how_the_sets_were_made(release: dict[str, Any], rule: str, holds: set[str]) -> None:
    choice = choose(release)
    assert choice.rule == rule
    assert choice.why
    assert set(valid(release)) == holds
    assert all((invalid(name, release) is None) == (name in holds) for name in RULES)


@pytest.mark.parametrize("errors", ["survey", "weights", "cluster", "HC3"])
def test_the_noise_of_the_draws_is_measured_where_errors_are_not_the_models_own(errors: str) -> None:
    """Raab's rules take ubar for it: of a sample's design, or of clusters, it is something else."""
    release = manifest(method="normal")
    assert choose(release).rule == "raab2016_simple"
    assert choose(release, errors=errors).rule == "reiter2003"
    assert choose(manifest(method="normal", k=50), errors=errors).rule == "raab2016_partial"
    assert "not the model's own" in str(invalid("raab2016_simple", release, errors=errors))
    assert set(valid(release, errors=errors)) == {"reiter2003", "raab2016_partial", "census"}
    alone = choose(manifest(m=1, method="normal"), errors=errors)
    assert alone.rule == "raab2016_simple"
    assert any("sample of this design" in said for said in alone.warnings) == (errors != "HC3")
    assert choose(manifest(missing="impute"), errors=errors).options == {"complete": False}
    assert any("alike within them" in said for said in choose(release, errors=errors).warnings) == (
        errors in {"survey", "cluster"}
    )


def test_a_method_is_parametric_only_if_the_manifest_says_so() -> None:
    """Not by its name; one column that is not, analysed or not, or of which nothing is said, decides for all."""
    release = manifest(method="normal")
    assert choose(release).rule == "raab2016_simple"
    for word in (False, None, "yes", 1):
        release["columns"][1]["parametric"] = word
        assert choose(release, columns=["a"]).rule == "reiter2003"
        assert "not parametric" in str(invalid("raab2016_simple", release))
    del release["columns"][1]["parametric"]
    assert choose(release).rule == "reiter2003"
    release["columns"][1]["synthesized"] = "none"
    assert choose(release, columns=["a"]).rule == "raab2016_simple"


def test_only_the_analysed_columns_count() -> None:
    release = manifest(some="none", missing="impute")
    assert choose(release, columns=["b"]).rule == "rubin1987"
    assert choose(release, columns=["a"]).options == {"complete": True}
    assert choose(release, columns=["a", "b"]).options == {"complete": False}
    one = manifest(m=1, some="none")
    assert choose(one, columns=["a"]).rule == "raab2016_simple"
    with pytest.raises(rp.SpecError, match="not all analysed columns"):
        choose(one)
    with pytest.raises(rp.SpecError, match="did you mean 'a'"):
        choose(one, columns=["aa"])


def test_warnings() -> None:
    assert any("trees" in said for said in choose(manifest(m=1)).warnings)
    assert not choose(manifest(m=1, method="normal")).warnings
    assert any("shared" in said for said in choose(manifest(fits="shared")).warnings)
    assert any("upper bound" in said for said in choose(manifest(some="some", missing="impute")).warnings)
    assert any("2 sets" in said for said in choose(manifest(m=2)).warnings)
    assert not choose(manifest()).warnings
    assert choose(manifest(k=50, method="normal")).options == {"n": 100, "k": 50}


def test_a_wrong_rule_says_what_is_wrong() -> None:
    assert "too long" in str(invalid("rubin1987", manifest()))
    assert "about 0" in str(invalid("raghunathan2003", manifest()))
    assert "trees" in str(invalid("raab2016_simple", manifest()))
    assert "imputed" in str(invalid("reiter2003", manifest(missing="impute")))
    assert "real one" in str(invalid("raab2016_simple", manifest(conditioning="observed", method="normal")))
    with pytest.raises(rp.SpecError, match="did you mean 'census'"):
        invalid("sensus", manifest())


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({}, "reiter2003"),
        ({"m": 1}, "raab2016_simple"),
        ({"k": 30}, "raab2016_partial"),
        ({"conditioning": "observed"}, "reiter2003"),
        ({"proper": True}, "reiter2003"),
    ],
)
def test_manifests_as_they_are_written(options: dict[str, Any], rule: str, tmp_path: Any) -> None:
    data = pd.DataFrame({"x": range(60), "y": [float(i % 7) + 0.5 for i in range(60)]})
    sets = rp.synthesize(data, seed=1, **({"m": 3} | options))
    sets.to_parquet(tmp_path / "release")
    assert choose(rp.read_release(tmp_path / "release").manifest).rule == rule
