"""Users: "declared missing codes are analysed as numbers", "kept as top levels", "labels fail" (synthpop's `cont.na`).

Every kind of column, and every way to an estimate: a code that was declared is missing, and the rows that it removes
are said. The truth is the same model on data in which the codes are missing cells.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import replicant as rp
from replicant.cli.main import main
from replicant.table import encode_table

N = 600
INCOME = {"missing_codes": {-8: "refused", -9: "not known"}}
HEALTH = {"kind": "ordered", "levels": [1, 2, 3], "missing_codes": [8, 9]}
PARTY = {"kind": "nominal", "missing_codes": ["refused"]}
SEX = {"labels": {1: "man", 2: "woman"}, "missing_codes": {9: "refused"}}
LANGUAGE = {"labels": {1: "Dutch", 2: "English"}, "missing_codes": [9]}
OPINION = {"kind": "ordered", "labels": {0: "no", 1: "yes"}, "missing_codes": [-2, -1]}
TONGUE = {"labels": {"nl": "Dutch", "en": "English"}, "missing_codes": ["?"]}
SPELT = {"missing_codes": ["N"]}
MARRIED = {"missing_codes": [7]}

CASES: list[tuple[str, str, dict[str, Any], list[Any]]] = [
    ("income", "number", INCOME, [-8, -9]),
    ("health", "ordered codes", HEALTH, [8, 9]),
    ("party", "nominal text", PARTY, ["refused"]),
    ("sex", "labelled codes", SEX, [9]),
    ("language", "labelled codes, and one that has no word", LANGUAGE, [9]),
    ("opinion", "labelled codes in order", OPINION, [-2, -1]),
    ("tongue", "labelled texts", TONGUE, ["?"]),
    ("hours", "numbers written as text", SPELT, ["N"]),
    ("married", "0 and 1", MARRIED, [7]),
]
COLUMNS = {name: spec for name, _, spec, _ in CASES}


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    """A tenth of each column holds its codes."""
    rng = np.random.default_rng(8)
    age = rng.integers(18, 90, N)
    frame = pd.DataFrame(
        {
            "age": age,
            "income": rng.normal(2000 + 20 * age, 300).round(),
            "health": rng.integers(1, 4, N),
            "party": rng.choice(["left", "right", "other"], N),
            "sex": rng.integers(1, 3, N),
            "language": rng.integers(1, 3, N),
            "opinion": rng.integers(0, 2, N),
            "tongue": rng.choice(["nl", "en"], N),
            "hours": rng.integers(10, 60, N).astype(str),
            "married": rng.integers(0, 2, N),
        }
    )
    for name, _, _, codes in CASES:
        rows = rng.choice(N, N // 10, replace=False)
        frame[name] = frame[name].astype(object)
        frame.loc[rows, name] = rng.choice(np.array(codes, dtype=object), len(rows))
        frame[name] = frame[name].infer_objects()
    return frame


@pytest.fixture(scope="module")
def clean(raw: pd.DataFrame) -> pd.DataFrame:
    """The same with missing cells instead of codes: pandas' own replacing."""
    frame = raw.copy()
    for name, _, _, codes in CASES:
        frame[name] = frame[name].where(~frame[name].isin(codes))
    frame["hours"] = frame["hours"].astype(float)
    for name in ("sex", "language", "opinion", "tongue"):
        frame[name] = frame[name].map(COLUMNS[name]["labels"])
    return frame


@pytest.fixture(scope="module")
def kept(raw: pd.DataFrame) -> Any:
    """A synthesis whose sets are the real rows: what it analyses can be held against the truth to the last digit."""
    others = {name: "keep" for name in raw if name != "age"}
    return rp.synthesize(raw, m=2, seed=1, columns=COLUMNS, method=others, shuffle=False)


@pytest.mark.parametrize(("name", "sort", "spec", "codes"), CASES, ids=[case[1] for case in CASES])
def test_the_codes_come_back_in_every_set(name: str, sort: str, spec: Any, codes: list[Any], raw: pd.DataFrame) -> None:
    syn = rp.synthesize(raw, m=2, seed=3, columns=COLUMNS)
    shown = codes
    if "labels" in spec:  # a kind of missing stands among words: by its meaning, or as it is spelt
        shown = [spec["missing_codes"][code] if name == "sex" else str(code) for code in codes]
    for one in syn:
        assert set(shown) <= set(one[name].unique())
        share = one[name].isin(shown).mean()
        assert abs(share - 0.1) < 4 * np.sqrt(0.1 * 0.9 * 2 / N)
    assert not set(shown) & set(syn.table[name].levels())


@pytest.mark.parametrize(("name", "sort", "spec", "codes"), CASES, ids=[case[1] for case in CASES])
def test_a_code_is_missing_in_every_analysis(
    name: str, sort: str, spec: Any, codes: list[Any], kept: Any, clean: pd.DataFrame
) -> None:
    missing = int(clean[name].isna().sum())
    assert missing == N // 10
    if kept.table[name].is_numeric or name == "married":
        # A moment, a correlation and a slope: pandas and statsmodels on the data with missing cells.
        described = kept.describe([name])
        np.testing.assert_allclose(described["mean"], clean[name].mean())
        assert described["n"].tolist() == [N - missing] * 2
        fit = kept.analyse("ols", f"{name} ~ age")[0]
        real = clean[[name]].astype(float).assign(age=kept[0]["age"])
        truth = smf.ols(f"{name} ~ age", real).fit()
        np.testing.assert_allclose(fit.estimates, truth.params, rtol=1e-9)
    else:
        shares = kept.shares([name])
        truth_shares = clean[name].value_counts(normalize=True)
        for row in shares.itertuples():
            assert row.share == pytest.approx(truth_shares[row.level])
        fit = kept.analyse("ols", f"age ~ {name}")[0]
    assert fit.n == N - missing
    assert f"{missing} rows with missing cells were left out" in fit.messages


@pytest.mark.parametrize("form", ["frame", "table", "csv", "parquet"])
def test_real_data_in_any_form_are_compared_by_the_codebook(
    form: str, kept: Any, raw: pd.DataFrame, tmp_path: Path
) -> None:
    real: Any = raw
    if form == "table":
        real = encode_table(raw, COLUMNS)
    elif form == "csv":
        real = tmp_path / "raw.csv"
        raw.to_csv(real, index=False)
    elif form == "parquet":
        real = tmp_path / "raw.parquet"
        raw.astype({"health": int, "income": float}).to_parquet(real)
    found = kept.compare(real, "ols", "income ~ health + party + sex + hours + married")
    assert len(found.frame) == 1 + 2 + 2 + 1 + 1 + 1
    np.testing.assert_allclose(found.frame["estimate_real"], found.frame["estimate_synthetic"], rtol=1e-8)
    told = kept.discriminate(real, "~ income + health + party + sex + hours + married")
    assert {"healthQ", "health.Q", "sexwoman"} & {*told.fits[0].terms}
    # The same rows on both sides: nothing tells them apart.
    assert told.frame["pmse"].max() < 1e-12


def test_real_data_may_have_columns_by_their_raw_names(raw: pd.DataFrame) -> None:
    book = {"gender": {"source": "sex", **SEX}, "income": INCOME, "hours": SPELT}
    frame = raw[["age", "income", "sex", "hours"]]
    others = {name: "keep" for name in ("gender", "income", "hours")}
    syn = rp.synthesize(frame, m=2, seed=1, columns=book, method=others, shuffle=False)
    found = syn.compare(frame, "ols", "income ~ gender + hours")
    assert found.frame["term"].tolist() == ["(Intercept)", "genderwoman", "hours"]
    np.testing.assert_allclose(found.frame["estimate_real"], found.frame["estimate_synthetic"], rtol=1e-8)


def test_the_command_line_gives_what_python_gives(
    kept: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.to_parquet(tmp_path / "rel")
    formula = "income ~ age + sex + hours"
    ours = rp.read_release(tmp_path / "rel").analyse("ols", formula).pool().frame
    with pytest.raises(SystemExit) as left:
        main(["pool", str(tmp_path / "rel"), "--formula", formula, "--csv"])
    assert left.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines[1 : 1 + len(ours)]] == ours["term"].tolist()
    np.testing.assert_allclose([float(line.split(",")[1]) for line in lines[1 : 1 + len(ours)]], ours["estimate"])


def test_releases_that_differ_in_their_codes_only_do_not_drift(raw: pd.DataFrame) -> None:
    """-8 in one year and -80 in the next: both are missing."""
    later = raw.assign(income=raw["income"].replace(-8, -80))
    books = [COLUMNS, {**COLUMNS, "income": {"missing_codes": [-80, -9]}}]
    method = {name: "keep" for name in raw if name != "age"}
    a, b = (
        rp.synthesize(one, m=2, seed=1, columns=book, method=method, shuffle=False)
        for one, book in zip((raw, later), books, strict=True)
    )
    found = rp.drift(a, b)
    assert not {"income", "health", "sex"} & set(found.differing)


def analysed(text: str) -> Callable[[pd.DataFrame], Any]:
    def of(frame: pd.DataFrame) -> Any:
        assert frame[text].isna().any()
        return [text], [float(frame[text].isna().sum())], [1.0]

    return of


def test_a_function_of_the_users_own_sees_missing_cells(kept: Any) -> None:
    assert kept.analyse(analysed("income"))[0].estimates.tolist() == [N // 10]


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="no Rscript on this machine")
def test_the_script_for_r_reads_codes_as_missing(kept: Any, clean: pd.DataFrame, tmp_path: Path) -> None:
    target = tmp_path / "rel"
    kept.to_parquet(target, helpers=["r", "stata"])
    (script,) = target.rglob("analyse.R")
    code = f"""
    source("{script}")
    d <- sets[[1]]
    cat("[", paste(sapply(d, function(x) sum(is.na(x))), collapse = ","), "]\\n", sep = "")
    cat("[", paste(format(coef(lm(income ~ age + sex, d)), digits = 15), collapse = ","), "]\\n", sep = "")
    """
    (tmp_path / "run.R").write_text(code)
    done = subprocess.run(
        ["Rscript", "--vanilla", str(tmp_path / "run.R")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    missing, found = (json.loads(line) for line in done.stdout.splitlines()[-2:])
    assert missing == clean.isna().sum().tolist()
    np.testing.assert_allclose(found, kept.analyse("ols", "income ~ age + sex")[0].estimates, rtol=1e-9)
    (stata,) = target.rglob("analyse.do")
    text = stata.read_text()
    assert "quietly replace income = .a if real(" in text
    assert 'st_vlmodify("income", .b, "not known")' in text


@pytest.mark.parametrize(
    ("levels", "order"),
    [
        (["low", "mid", "high"], ["low", "mid", "high"]),
        ([1, 2, 3], ["low", "mid", "high"]),
        ([3, 2, 1], ["high", "mid", "low"]),
        ([1, 2, 3, 9], ["low", "mid", "high"]),
        (None, ["low", "mid", "high"]),
    ],
)
def test_levels_beside_labels_are_labels_or_raw_values(levels: Any, order: list[str]) -> None:
    rng = np.random.default_rng(1)
    raw = pd.DataFrame({"wage": rng.choice([1, 2, 3, 9], 300), "x": rng.normal(size=300)})
    spec = {"kind": "ordered", "labels": {1: "low", 2: "mid", 3: "high"}, "missing_codes": [9]}
    columns = {"wage": spec if levels is None else spec | {"levels": levels}}
    syn = rp.synthesize(raw, m=2, seed=1, columns=columns)
    assert syn.table["wage"].levels() == order
    real = syn.compare(raw, "ols", "x ~ C(wage, treatment)").real
    assert real.n == (raw["wage"] != 9).sum()
    words = raw["wage"].map({1: "low", 2: "mid", 3: "high"}).astype(pd.CategoricalDtype(order))
    truth = smf.ols("x ~ wage", raw.assign(wage=words)).fit()
    np.testing.assert_allclose(real.estimates, truth.params, rtol=1e-9)


@pytest.mark.parametrize("side", ["synthesis", "release"])
def test_the_summary_counts_codes_as_missing(side: str, kept: Any, clean: pd.DataFrame, tmp_path: Path) -> None:
    sets: Any = kept
    if side == "release":
        kept.to_parquet(tmp_path / "rel")
        sets = rp.read_release(tmp_path / "rel")
    for column in sets.summary()["columns"]:
        assert column["synthetic"]["missing"] == pytest.approx(clean[column["name"]].isna().mean())
        if column["type"] == "categorical":
            shares = clean[column["name"]].value_counts(normalize=True)
            found = dict(zip(column["levels"], column["synthetic"]["shares"], strict=True))
            assert found == pytest.approx({_level(level): share for level, share in shares.items()})


def _level(level: Any) -> str:
    return str(int(level)) if isinstance(level, float) else str(level)
