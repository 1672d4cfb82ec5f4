"""One model on m sets, pooled: held against R's mice on the same sets, and what is refused and said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import replicant as rp
from replicant.analysis import analyse, compare, discriminate
from replicant.cli.main import main
from replicant.errors import ReplicantError, SpecError


@pytest.fixture(scope="module")
def mice_sets(shared_reference: Path, shared_data: Path) -> list[pd.DataFrame]:
    """The five sets that R's mice drew of the boys data."""
    schema = json.loads((shared_data / "boys.schema.json").read_text())
    sets = []
    for i in range(1, 6):
        frame = pd.read_csv(shared_reference / "r" / f"mice_syn_boys_{i}.csv")
        for name, entry in schema.items():
            if "levels" in entry:
                frame[name] = frame[name].astype(pd.CategoricalDtype(entry["levels"], entry["kind"] == "ordered"))
        sets.append(frame)
    return sets


def manifest_of(frame: pd.DataFrame, **changes: Any) -> dict[str, Any]:
    columns = [{"name": str(name), "synthesized": "all", "method": "cart"} for name in frame]
    config = {"conditioning": "observed", "fits": "own", "proper": False, "missing": "keep"}
    return {"m": 5, "n": len(frame), "k": len(frame), "columns": columns, "config": config, **changes}


@pytest.mark.parametrize(
    ("model", "formula", "name", "accuracy"),
    [("ols", "hgt ~ age + phb", "lm hgt~age+phb", 1e-6), ("polr", "gen ~ age + hc + reg", "polr gen~age+hc+reg", 1e-4)],
)
def test_the_pooled_model_is_that_of_mice(
    mice_sets: list[pd.DataFrame], shared_reference: Path, model: str, formula: str, name: str, accuracy: float
) -> None:
    """From data to interval, on R's own sets; `dfcom=None` is mice's large sample; polr to R's own tolerance."""
    entries = json.loads((shared_reference / "r" / "mice_pool.json").read_text())
    entry = next(one for one in entries if one["name"] == name)
    pooled = analyse(mice_sets, manifest_of(mice_sets[0]), model, formula).pool(dfcom=None)
    assert pooled.rule == "reiter2003"
    theirs = dict(zip(entry["reiter2003"]["term"], range(len(pooled.terms)), strict=True))
    at = [theirs[term] for term in pooled.terms]
    summary = entry["reiter2003"]["summary"]
    for ours, key in ((pooled.estimate, "estimate"), (pooled.std_error, "std.error")):
        np.testing.assert_allclose(ours, np.asarray(summary[key], float)[at], rtol=accuracy, atol=accuracy)


def test_terms_that_a_set_lacks_are_said_and_not_dropped_in_silence() -> None:
    rng = np.random.default_rng(1)
    sets = []
    for i in range(3):
        group = rng.choice(["a", "b", "c"], 200)
        frame = pd.DataFrame({"x": rng.normal(size=200), "g": pd.Categorical(group, ["a", "b", "c"])})
        if i == 1:
            frame.loc[frame["g"] == "c", "g"] = "a"
        frame["y"] = frame["x"] + rng.normal(size=200)
        sets.append(frame)
    pooled = analyse(sets, manifest_of(sets[0], m=3), "ols", "y ~ x + g").pool()
    assert pooled.terms == ("(Intercept)", "x", "gb")
    assert any("gc" in message and "set 2" in message for message in pooled.messages)


def test_text_columns_have_the_levels_of_the_release() -> None:
    """A level that the first set lacks is a term where the others have it, and the reference level is the same."""
    frame = pd.DataFrame({"y": np.arange(60.0) % 7, "g": ["b", "c", "d"] * 20})
    manifest = manifest_of(frame, m=2)
    manifest["columns"][1]["levels"] = ["a", "b", "c", "d"]
    other = frame.assign(g=["a", "b", "c", "d"] * 15)
    fits = analyse([other, frame], manifest, "ols", "y ~ g")
    assert fits.terms == ("(Intercept)", "gb", "gc", "gd")


def test_a_rule_that_does_not_hold_is_refused_with_those_that_do() -> None:
    frame = pd.DataFrame({"x": np.arange(50.0), "y": np.arange(50.0) ** 2})
    syn = rp.synthesize(frame, m=3, seed=1)
    fits = syn.analyse("ols", "y ~ x")
    with pytest.raises(rp.SpecError, match="rubin1987") as caught:
        fits.pool("rubin1987")
    assert "reiter2003" in str(caught.value)
    assert fits.pool("reiter2003").rule == "reiter2003"
    with pytest.raises(rp.SpecError, match="reiter2003"):
        fits.pool("reiter2O03")


def test_pooled_intervals_of_a_synthesis_cover_the_truth() -> None:
    """40 samples of a known line, m = 5: an interval that covers 95 % misses more than 6 with a chance of 0.4 %."""
    rng = np.random.default_rng(11)
    missed = 0
    for replicate in range(40):
        x = rng.normal(size=300)
        frame = pd.DataFrame({"x": x, "y": 1 + 0.5 * x + rng.normal(size=300)})
        pooled = rp.synthesize(frame, m=5, seed=replicate).analyse("ols", "y ~ x").pool()
        at = pooled.terms.index("x")
        missed += not pooled.conf_low[at] < 0.5 < pooled.conf_high[at]
    assert missed <= 6


def test_shared_fits_are_warned_about() -> None:
    frame = pd.DataFrame({"x": np.arange(80.0), "y": np.sin(np.arange(80.0))})
    pooled = rp.synthesize(frame, m=3, seed=1, fits="shared").analyse("ols", "y ~ x").pool()
    assert any("shared" in message for message in pooled.messages)


def test_real_beside_synthetic() -> None:
    """The same sets as the real data: no difference, full overlap of equal intervals, no lack of fit."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=500)
    real = pd.DataFrame({"x": x, "y": 2 * x + rng.normal(size=500)})
    found = compare(real, [real, real], manifest_of(real, m=2), "ols", "y ~ x")
    np.testing.assert_allclose(found.frame["std_difference"], 0, atol=1e-10)
    np.testing.assert_allclose(found.frame["overlap"], 1, atol=5e-3)  # t intervals beside normal ones
    assert found.lack_of_fit[2] == pytest.approx(1)
    apart = real.assign(y=real["y"] + 5)
    found = compare(real, [apart, apart], manifest_of(real, m=2), "ols", "y ~ x")
    assert found.frame.set_index("term").loc["(Intercept)", "overlap"] < 0
    assert found.lack_of_fit[2] < 1e-6


def test_the_encoded_table_is_the_real_data_with_its_labels() -> None:
    """Terms are named by labels, which the raw codes do not have; the figures are those of labels put in by hand."""
    rng = np.random.default_rng(6)
    raw = pd.DataFrame({"party": rng.integers(0, 3, 300), "x": rng.normal(size=300)})
    labels = {0: "left", 1: "middle", 2: "right"}
    table = rp.encode_table(raw, {"party": {"kind": "nominal", "labels": labels}})
    syn = rp.synthesize(table, m=2, seed=1)
    by_hand = raw.assign(party=pd.Categorical(raw["party"].map(labels), list(labels.values())))
    found, wanted = (syn.compare(real, "ols", "x ~ party") for real in (table, by_hand))
    assert list(found.frame["term"]) == ["(Intercept)", "partymiddle", "partyright"]
    pd.testing.assert_frame_equal(found.frame, wanted.frame)
    pd.testing.assert_frame_equal(syn.discriminate(table).frame, syn.discriminate(by_hand).frame)


@pytest.fixture(scope="module")
def visits() -> pd.DataFrame:
    """Two hundred visits: a number, a date, codes with zeros, and a missing code."""
    rng = np.random.default_rng(12)
    days = pd.to_datetime("2001-01-01") + pd.to_timedelta(rng.integers(0, 900, 200), "D")
    score = (days.day_of_year / 90 + rng.normal(size=200)).round(2)
    area = rng.choice(["01", "02", "13"], 200)
    return pd.DataFrame({"score": np.where(rng.random(200) < 0.1, -9, score), "day": days, "area": area})


@pytest.mark.parametrize("how", ["european", "workbook", "tabs", "parquet"])
def test_real_data_in_a_file_are_read_as_it_is_written(visits: pd.DataFrame, how: str, tmp_path: Path) -> None:
    """`compare` and `discriminate` of a file, with its settings, are those of the frame; of a release too."""
    known: dict[str, Any] = {"score": {"missing_codes": [-9]}, "area": {"kind": "nominal"}}
    syn = rp.synthesize(visits, m=2, seed=1, columns=known)
    syn.to_parquet(tmp_path / "release")
    path, reading = written(visits, tmp_path, how)
    for sets in (syn, rp.read_release(str(tmp_path / "release"))):
        found, wanted = (
            sets.compare(real, "ols", "score ~ day + area", reading=said)
            for real, said in ((path, reading), (visits, None))
        )
        pd.testing.assert_frame_equal(found.frame, wanted.frame)
        scores, expected = (
            sets.discriminate(real, reading=said).frame for real, said in ((path, reading), (visits, None))
        )
        pd.testing.assert_frame_equal(scores, expected)
    if how == "european":
        with pytest.raises(ReplicantError):
            syn.compare(path, "ols", "score ~ day + area")


def written(frame: pd.DataFrame, folder: Path, how: str) -> tuple[Path, dict[str, Any]]:
    """A file, and the settings without which it is another table."""
    texts = frame.assign(day=frame["day"].dt.strftime("%d/%m/%Y"))
    if how == "european":
        path = folder / "real.csv"
        texts.to_csv(path, index=False, sep=";", decimal=",", encoding="cp1252")
        return path, {"delimiter": ";", "decimal": ",", "encoding": "cp1252", "date_format": "%d/%m/%Y"}
    if how == "workbook":
        path = folder / "real.xlsx"
        with pd.ExcelWriter(path, engine="xlsxwriter") as book:
            pd.DataFrame({"note": ["of no use"]}).to_excel(book, sheet_name="Notes", index=False)
            frame.to_excel(book, sheet_name="Data", index=False)
        return path, {"sheet": "Data"}
    if how == "tabs":
        path = folder / "real.txt"
        path.write_text("A title\n" + texts.to_csv(index=False, sep="\t"))
        return path, {"header": 2, "delimiter": "tab", "types": {"day": "date"}, "date_format": {"day": "%d/%m/%Y"}}
    path = folder / "real.parquet"
    texts.to_parquet(path, index=False)
    return path, {"date_format": {"day": "%d/%m/%Y"}}


def test_settings_of_reading_that_cannot_be(visits: pd.DataFrame, tmp_path: Path) -> None:
    syn = rp.synthesize(visits, m=2, seed=1)
    visits.to_csv(tmp_path / "real.csv", index=False)
    for real, reading, says in [
        (tmp_path / "real.csv", {"delimitter": ";"}, "did you mean 'delimiter'"),
        (tmp_path / "real.csv", {"delimiter": ";;"}, "reading.delimiter is not valid"),
        (tmp_path / "real.csv", {"sheet": 1}, "sheet"),
        (tmp_path / "real.csv", "semicolon", "`reading` is a str"),
        (visits, {"decimal": ","}, "`reading` was given with a DataFrame"),
        (syn.table, {"decimal": ","}, "`reading` was given with a DataFrame"),
    ]:
        for call in (syn.discriminate, lambda real, reading: syn.compare(real, "ols", "score ~ day", reading=reading)):
            with pytest.raises(SpecError, match=says):
                call(real, reading=reading)


def test_intervals_are_drawn_in_real_standard_errors() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=200)
    real = pd.DataFrame({"x": x, "y": 2 * x + rng.normal(size=200)})
    found = compare(real, [real, real], manifest_of(real, m=2), "ols", "y ~ x")
    (picture,) = found.plot(["x"]).pictures
    assert "x: real 0 (-1.96 to 1.96), synthetic 0 (" in picture.description
    with pytest.raises(rp.SpecError, match="'z' is not a term"):
        found.plot(["z"])
    with pytest.raises(rp.SpecError, match="'z' is not a term"):
        found.pooled.plot(["z"])
    assert "(Intercept)" not in found.pooled.plot().pictures[0].description


def test_sets_that_are_the_real_rows_cannot_be_told_from_them() -> None:
    """A model has nothing to go by, and pMSE is 0; rows that are shifted far away are told apart."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"x": rng.normal(size=400), "y": rng.normal(size=400)})
    syn = rp.synthesize(frame, m=2, seed=1)
    own = syn.discriminate(frame)
    assert (own.frame["auc"] < 0.6).all()
    assert own.pool().terms == ("(Intercept)", "x", "y")
    apart = syn.discriminate(frame + 1)
    assert (apart.frame["auc"] > 0.8).all()
    assert (apart.frame["pmse_ratio"] > 10).all()


# R 4.2.2, mice 3.15.0: summary(pool(...)) of glm(indic ~ ..., binomial, epsilon = 1e-14) on the five sets and boys:
# estimate, std.error, df, p.value.
TOLD_BY_MICE = {
    "(Intercept)": (0.05135937175802, 1.1546712060219, 214.582629245919, 0.9645634362524),
    "age": (-0.006810007984013, 0.04603552335758, 196.236919385939, 0.8825503617083),
    "gen.C": (0.08400638844021, 0.1470244654231, 841.132173159105, 0.5678967969528),
    "gen^4": (-0.001059100927896, 0.2165600896013, 43.516780862941, 0.9961202615116),
    "phb.L": (0.03372796787994, 0.4120090603595, 73.654925922722, 0.9349783454791),
    "regsouth": (0.04066455757006, 0.2290835476686, 52.916701674547, 0.8597857725169),
    "bmi": (-0.008765120392325, 0.05436324781417, 929.093515716873, 0.8719453651981),
}


def test_pooled_discrimination_is_that_of_r_and_mice(mice_sets: list[pd.DataFrame], boys: pd.DataFrame) -> None:
    """Table 6 of the paper, on R's own sets."""
    told = discriminate(boys, mice_sets, {}, "~ wgt + hgt + age + hc + gen + phb + tv + reg + bmi").pool()
    assert told.rule == "rubin1987"
    assert len(told) == 20
    found = told.frame.set_index("term").loc[list(TOLD_BY_MICE), ["estimate", "std_error", "df", "p_value"]]
    np.testing.assert_allclose(found, list(TOLD_BY_MICE.values()), rtol=1e-6)


def test_pooled_discrimination_is_that_of_statsmodels_and_rubin() -> None:
    rng = np.random.default_rng(8)

    def rows(by: float) -> pd.DataFrame:
        return pd.DataFrame({"x": rng.normal(by, 1, 300), "y": rng.normal(size=300)})

    real, sets = rows(0.0), [rows(0.3) for _ in range(4)]
    y = np.repeat([0.0, 1.0], 300)
    fits = [
        sm.GLM(y, sm.add_constant(pd.concat([one, real]).to_numpy()), family=sm.families.Binomial()).fit(tol=1e-14)
        for one in sets
    ]
    theirs = rp.pool([f.params for f in fits], [f.bse**2 for f in fits], "rubin1987", dfcom=597)
    told = discriminate(real, sets, {}).pool()
    assert told.terms == ("(Intercept)", "x", "y")
    for column in ("estimate", "std_error", "df", "p_value", "conf_low"):
        np.testing.assert_allclose(told.frame[column], theirs.frame[column], rtol=1e-7, err_msg=column)
    large = discriminate(real, sets, {}).pool(dfcom=None)
    assert (large.df > told.df).all()
    with pytest.raises(rp.SpecError, match="one set"):
        discriminate(real, sets[:1], {}).pool()


def test_a_term_told_in_some_sets_only_is_left_out_of_the_pool_and_said() -> None:
    rng = np.random.default_rng(9)
    real, one, other = (
        pd.DataFrame({"x": rng.normal(size=90), "g": pd.Categorical(["a", "b"] * 45, [*"abc"])}) for _ in range(3)
    )
    other.loc[:9, "g"] = "c"
    told = discriminate(real, [one, other], {}).pool()
    assert told.terms == ("(Intercept)", "x", "gb")
    assert any("gc" in message and "set 1" in message for message in told.messages)


def test_a_function_of_the_users_is_a_model() -> None:
    frame = pd.DataFrame({"x": np.arange(100.0)})
    syn = rp.synthesize(frame, m=4, seed=2)

    def mean(one: pd.DataFrame) -> tuple[list[str], list[float], list[float]]:
        return ["mean"], [one["x"].mean()], [one["x"].var() / len(one)]

    pooled = syn.analyse(mean).pool("reiter2003")
    means = [one["x"].mean() for one in syn]
    assert pooled.estimate[0] == pytest.approx(np.mean(means))
    within = np.mean([one["x"].var() / 100 for one in syn])
    assert pooled.std_error[0] ** 2 == pytest.approx(within + np.var(means, ddof=1) / 4)


@pytest.mark.parametrize(("model", "formula"), [("ols", "y ~ x + g"), ("logit", "b ~ x + g"), ("polr", "g ~ x + y")])
def test_a_release_in_partitions_is_analysed_part_by_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, formula: str
) -> None:
    """Four strata, four files a set: the same estimates as of whole frames, with no whole frame ever made."""
    rng = np.random.default_rng(6)
    g = pd.Categorical(rng.choice(["a", "b", "c", "d"], 1200), ["a", "b", "c", "d"], ordered=True)
    x = rng.normal(size=1200)
    y = x + g.codes + rng.normal(size=1200)
    frame = pd.DataFrame({"g": g, "x": x, "y": y, "b": (y > 1.5).astype(int)})
    syn = rp.synthesize(frame, m=2, seed=9, strata="g", min_stratum=50)
    syn.to_parquet(tmp_path / "release")
    whole = syn.analyse(model, formula)
    release = rp.read_release(tmp_path / "release")
    assert len(release.manifest["files"]) == 8
    monkeypatch.setattr(type(release), "__getitem__", lambda self, i: pytest.fail("a whole set was read"))
    for one, other in zip(release.analyse(model, formula), whole, strict=True):
        assert one.terms == other.terms
        np.testing.assert_allclose(one.estimates, other.estimates, rtol=1e-7, atol=1e-8)
        np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-6, atol=1e-8)


def test_a_release_in_partitions_is_described_and_compared_part_by_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the real data as files: the figures of whole frames by pandas, and the same comparison."""
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"g": rng.choice(["a", "b", "c"], 900), "x": rng.normal(size=900)})
    frame["y"] = frame["x"] + rng.normal(size=900)
    syn = rp.synthesize(frame, m=2, seed=9, strata="g", min_stratum=50)
    syn.to_parquet(tmp_path / "release")
    frame.to_parquet(tmp_path / "real", partition_cols=["g"])
    frame.to_csv(tmp_path / "real.csv", index=False)
    release = rp.read_release(tmp_path / "release")
    monkeypatch.setattr(type(release), "__getitem__", lambda self, i: pytest.fail("a whole set was read"))
    for one in (syn, release):
        table = one.describe(["x", "y"]).set_index(["imputation", "column"])
        shares = one.shares().set_index(["imputation", "level"])
        for i, whole in enumerate(syn, start=1):
            np.testing.assert_allclose(table.loc[i]["sd"], whole[["x", "y"]].std(), rtol=1e-9)
            np.testing.assert_allclose(table.loc[i]["median"], whole[["x", "y"]].median(), rtol=1e-9)
            assert shares.loc[i]["n"].to_dict() == whole["g"].value_counts().to_dict()
            found = one.correlation()[i - 1]
            assert found.estimates[0] == pytest.approx(whole["x"].corr(whole["y"]), rel=1e-9)
    expected, told = syn.compare(frame, "ols", "y ~ x + g"), syn.discriminate(frame)
    for real in (frame, tmp_path / "real", str(tmp_path / "real.csv")):
        pd.testing.assert_frame_equal(release.compare(real, "ols", "y ~ x + g").frame, expected.frame, rtol=1e-7)
        found = release.discriminate(real, "~ g + x + y")
        # Scores within one of 16,384 bins vary by a quarter of its squared width at most.
        np.testing.assert_allclose(found.frame["pmse"], told.frame["pmse"], rtol=1e-6, atol=0.25 / 16384**2)
        assert (abs(found.frame["auc"] - told.frame["auc"]) <= found.frame["auc_error"]).all()


def test_replicant_pool_from_a_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = pd.DataFrame({"x": np.arange(90.0), "y": np.cos(np.arange(90.0))})
    syn = rp.synthesize(frame, m=3, seed=5)
    syn.to_parquet(tmp_path / "release")
    with pytest.raises(SystemExit) as ended:
        main(["pool", str(tmp_path / "release"), "--formula", "y ~ x", "--csv"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    expected = syn.analyse("ols", "y ~ x").pool().frame
    assert printed == expected.to_csv(index=False)
    with pytest.raises(SystemExit) as ended:
        main(["pool", str(tmp_path / "release"), "--formula", "y ~ __import__('os')"])
    assert ended.value.code == 2
    with pytest.raises(SystemExit) as ended:
        main(["pool", str(tmp_path / "release"), "--formula", "y ~ x", "--workers", "2", "--scheduler", "tcp://h:1"])
    assert ended.value.code == 2
    assert "--workers and --scheduler cannot be combined" in capsys.readouterr().err


def test_a_text_column_declared_ordered_has_the_contrasts_of_an_ordered_one(boys: pd.DataFrame) -> None:
    """As texts in a file, with levels in the codebook: the same terms and figures as of an ordered categorical."""
    texts = boys.astype({"phb": str, "reg": str})
    said = {
        "phb": {"kind": "ordered", "levels": list(boys["phb"].cat.categories)},
        "reg": {"kind": "nominal", "levels": list(boys["reg"].cat.categories)},
    }
    settings = {"m": 2, "seed": 5, "passive": {"bmi": "wgt / (hgt / 100)**2"}}
    typed, plain = rp.synthesize(boys, **settings), rp.synthesize(texts, columns=said, **settings)
    assert plain[0]["phb"].dtype == texts["phb"].dtype
    theirs = typed.analyse("ols", "hgt ~ age + phb + reg").pool()
    ours = plain.analyse("ols", "hgt ~ age + phb + reg").pool()
    assert ours.terms == theirs.terms
    assert {"phb.L", "phb^5", "regeast"} <= set(ours.terms)
    np.testing.assert_allclose(ours.frame["estimate"], theirs.frame["estimate"], rtol=1e-9)
    assert plain.discriminate(texts).fits[0].terms == typed.discriminate(boys).fits[0].terms
    unknown = texts.assign(phb="P9")
    with pytest.raises(rp.DataError, match="748 cells, are none of its levels"):
        plain.compare(unknown, "ols", "hgt ~ age + phb")
