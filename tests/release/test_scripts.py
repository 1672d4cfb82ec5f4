"""The scripts for analysts: R runs for real and must pool as we do; Stata's is held to its manual's rules of form."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.errors import DataError, ReleaseError, SpecError
from replicant.pool import RULES, pool
from replicant.release import helper_text, sheet_of
from replicant.release.scripts import r, stata
from replicant.release.scripts.facts import Advice, Facts
from replicant.table import encode_table

RSCRIPT = shutil.which("Rscript")
needs_r = pytest.mark.skipif(RSCRIPT is None, reason="no Rscript on this machine")

NASTY = [
    "plain",
    "with, comma",
    'a "quoted" one',
    "two\nlines",
    "carriage\rreturn",
    "both\r\nends",
    "007",
    "NA",
    "",
    "  padded ",
    "é ß 漢 \U0001f600",
    "back\\slash",
    "it's `q` $x /* no comment */ // nor this",
    "#hash",
    "@RULES@",
    "{brace",
]
FRACTIONS = [0.1, 1 / 3, 1e-300, 123456789.123456789, -2.5e200, 5e-324, 2**53 + 2.0]


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    """Every kind of column, missing cells, and texts and names that break careless readers."""
    rng = np.random.default_rng(11)
    n = 400
    day = pd.Timestamp("1999-12-25") + pd.to_timedelta(rng.integers(0, 900, n), unit="D")
    frame = pd.DataFrame(
        {
            "y": rng.normal(0, 3, n),
            "grade": pd.Categorical(rng.choice(["lo", "mid", "hi"], n), ["lo", "mid", "hi"], ordered=True),
            "text": rng.choice(NASTY, n),
            "told": rng.choice(["never", "often", "once"], n),
            "code": rng.choice([4, 1, 2], n),
            "float": rng.choice(FRACTIONS, n),
            "single": rng.normal(size=n).astype("float32"),
            "big": pd.array(rng.integers(0, 2**52, n), dtype="Int64"),
            "smokes": pd.array(rng.choice([True, False], n), dtype="boolean"),
            "zero_one": rng.choice([0, 1], n),
            "day": day,
            "iso": day.strftime("%Y-%m-%d"),
            "moment": pd.Timestamp("1950-03-01") + pd.to_timedelta(rng.integers(0, 10**9, n), unit="ms"),
            "there": day.tz_localize("Europe/Berlin"),
            "lasted": pd.to_timedelta(rng.integers(0, 10**6, n), unit="s"),
            'odd "name",\nß': rng.choice(["a", "b"], n),
        }
    )
    frame["y"] += frame["grade"].cat.codes - 2 * (frame["told"] == "once") + frame["smokes"].astype(float)
    for i, name in enumerate(frame.columns):
        if name not in {"zero_one", "code"}:
            frame.loc[frame.index[7 * i : 7 * i + 11], name] = None
    return frame


COLUMNS = {"told": {"kind": "ordered", "levels": ["never", "once", "often"]}, "code": {"kind": "nominal"}}


@pytest.fixture(scope="module")
def written(data: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of three sets with both scripts."""
    target = tmp_path_factory.mktemp("helpers") / "release"
    rp.synthesize(data, m=3, seed=4, columns=COLUMNS).to_parquet(target, helpers=["r", "stata"])
    return target


def run_r(code: str, folder: Path, locale: str = "C.UTF-8") -> Any:
    """What R says in JSON, in full precision; the script is not in the release's folder."""
    assert RSCRIPT is not None
    script = folder.parent / "run.R"
    script.write_text(f'source("{folder}/_scripts/analyse.R")\n{JSON}\n{code}\n', encoding="utf-8")
    done = subprocess.run(
        [RSCRIPT, "--vanilla", str(script)],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "LC_ALL": locale, "TZ": "America/New_York"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


# Base R writes no JSON: texts as code points, numbers as hexadecimal fractions, which are exact.
JSON = """
codes <- function(x) ifelse(is.na(x), "null", vapply(enc2utf8(as.character(x)), function(s)
  paste0("[", paste(utf8ToInt(s), collapse = ","), "]"), ""))
numbers <- function(x) ifelse(is.na(x), "null", paste0('"', sprintf("%a", as.numeric(x)), '"'))
list_of <- function(x) paste0("[", paste(x, collapse = ","), "]")
map_of <- function(...) { x <- c(...); cat(paste0("{", paste0('"', names(x), '":', x, collapse = ","), "}"), "\\n") }
table_of <- function(t) map_of(terms = list_of(codes(t$term)), sapply(t[-1], function(x) list_of(numbers(x))))
"""


def texts(cells: list[list[int] | None]) -> list[str | None]:
    return [None if cell is None else "".join(map(chr, cell)) for cell in cells]


def numbers(cells: list[str | None]) -> np.ndarray[Any, Any]:
    special = {"Inf": np.inf, "-Inf": -np.inf}
    return np.array([np.nan if c is None else special.get(c) or float.fromhex(c) for c in cells])


TABLE = {
    "estimate": "estimate",
    "std.error": "std_error",
    "statistic": "statistic",
    "df": "df",
    "p.value": "p_value",
    "conf.low": "conf_low",
    "conf.high": "conf_high",
}


def assert_same_table(found: dict[str, Any], pooled: Any, rtol: float = 1e-8) -> None:
    assert texts(found["terms"]) == list(pooled.terms)
    for theirs, ours in TABLE.items():
        one, other = numbers(found[theirs]), np.asarray(getattr(pooled, ours))
        if ours == "df":  # beyond this t is normal, and sets that are equal but for rounding have any
            one, other = np.minimum(one, 1e10), np.minimum(other, 1e10)
        # An incomplete beta function of 1 less very little has eight digits: that is what p has at df of 1e8.
        tolerance = max(rtol, 1e-7) if ours == "p_value" else rtol
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=1e-300, err_msg=ours)


# --- R ----------------------------------------------------------------------------------------------------------------


@needs_r
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_every_cell_survives_into_r(written: Path, locale: str) -> None:
    release = rp.read_release(written)
    asked = """
    kind <- function(x) if (is.ordered(x)) "ordered" else class(x)[1]
    one <- function(x) if (is.factor(x) || is.character(x)) list_of(codes(x)) else
      list_of(numbers(if (inherits(x, "Date")) as.numeric(x) * 86400 else x))
    cells <- vapply(sets, function(s) list_of(vapply(s, one, "")), "")
    kinds <- list_of(paste0('"', vapply(sets[[1]], kind, ""), '"'))
    levels_of <- list_of(vapply(sets[[1]], function(x) list_of(codes(levels(x))), ""))
    map_of(names = list_of(codes(names(sets[[1]]))), kinds = kinds, levels = levels_of, cells = list_of(cells))
    """
    found = run_r(asked, written, locale)
    assert texts(found["names"]) == list(release.names)
    kinds = dict(zip(release.names, found["kinds"], strict=True))
    levels = dict(zip(release.names, map(texts, found["levels"]), strict=True))
    assert (kinds["grade"], levels["grade"]) == ("ordered", ["lo", "mid", "hi"])
    assert (kinds["told"], levels["told"]) == ("ordered", ["never", "once", "often"])
    assert (kinds["text"], set(levels["text"])) == ("factor", set(NASTY))
    assert (kinds["code"], levels["code"]) == ("factor", ["1", "2", "4"])
    assert [kinds[name] for name in ("smokes", "zero_one", "big", "lasted")] == ["logical", *["numeric"] * 3]
    assert [kinds[name] for name in ("day", "iso", "moment", "there")] == ["Date", "Date", "POSIXct", "POSIXct"]
    for frame, columns in zip(release, found["cells"], strict=True):
        for name, cells in zip(release.names, columns, strict=True):
            series = frame[name]
            if kinds[name] in {"factor", "ordered"}:
                wanted = [None if pd.isna(cell) else str(cell) for cell in series]
                assert texts(cells) == wanted, name
            elif kinds[name] in {"Date", "POSIXct"}:
                instants = pd.to_datetime(series, utc=True)
                seconds = (instants - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
                np.testing.assert_allclose(numbers(cells), seconds, rtol=0, atol=1e-6, err_msg=name)
            else:
                days = series.dt.total_seconds() / 86400 if series.dtype.kind == "m" else series
                plain = days.to_numpy("float64", na_value=np.nan)
                # R's own reader of decimals may be off by one in the last place.
                np.testing.assert_allclose(numbers(cells), plain, rtol=2.3e-16, atol=5e-324, err_msg=name)


@needs_r
@pytest.mark.parametrize(
    "formula",
    ["y ~ grade + told", "y ~ grade + smokes", "y ~ text + zero_one", "y ~ single + day", "zero_one ~ grade * single"],
)
def test_r_pools_as_we_do(written: Path, formula: str) -> None:
    found = run_r(f"table_of(pool_syn(lapply(sets, function(d) lm({formula}, d))))", written)
    pooled = rp.read_release(written).analyse("ols", formula).pool()
    assert pooled.rule == "reiter2003"
    assert_same_table(found, pooled)


@needs_r
def test_other_models(written: Path) -> None:
    release = rp.read_release(written)
    code = "table_of(pool_syn(lapply(sets, function(d) glm(zero_one ~ grade + y, binomial, d, epsilon = 1e-14))))"
    assert_same_table(run_r(code, written), release.analyse("logit", "zero_one ~ grade + y").pool(), rtol=1e-6)
    # The thresholds come with the slopes; R's Hessian is numerical.
    code = "table_of(pool_syn(lapply(sets, function(d) MASS::polr(grade ~ y + zero_one, d, Hess = TRUE))))"
    pooled = release.analyse("polr", "grade ~ y + zero_one").pool()
    found = run_r(code, written)
    assert texts(found["terms"]) == list(pooled.terms)
    np.testing.assert_allclose(numbers(found["estimate"]), pooled.estimate, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(numbers(found["std.error"]), pooled.std_error, rtol=1e-3)


@needs_r
@pytest.mark.parametrize(
    ("settings", "chosen", "others"),
    [
        ({"m": 1}, "raab2016_simple", []),
        ({"m": 1, "proper": True}, "raab2016_proper", []),
        ({"m": 4, "method": "sample"}, "raab2016_simple", ["reiter2003", "raab2016_partial", "census"]),
        ({"m": 4, "method": "sample", "k": 150}, "raab2016_simple", ["raab2016_partial", "census"]),
        ({"m": 4, "k": 150}, "raab2016_partial", ["census"]),
        ({"m": 4, "where": ["single > 0"]}, "reiter2003", ["raab2016_partial", "census"]),
        ({"m": 4, "proper": True, "method": "sample"}, "raab2016_proper", ["raghunathan2003"]),
        ({"m": 3, "strata": "told", "min_stratum": 20}, "reiter2003", ["raab2016_partial"]),
    ],
    ids=str,
)
def test_the_rules_that_a_release_may_need(
    settings: dict[str, Any], chosen: str, others: list[str], data: pd.DataFrame, tmp_path: Path
) -> None:
    frame = data[["y", "told", "single", "zero_one"]].dropna(ignore_index=True)
    rp.synthesize(frame, seed=8, **settings).to_parquet(tmp_path / "release", csv=True, helpers=["r"])
    release = rp.read_release(tmp_path / "release")
    model = "lapply(sets, function(d) lm(y ~ single + zero_one, d))"
    found = run_r(f"table_of(pool_syn({model}))", tmp_path / "release")
    analyses = release.analyse("ols", "y ~ single + zero_one")
    pooled = analyses.pool()
    assert pooled.rule == chosen
    assert_same_table(found, pooled)
    for rule in others:
        table = run_r(f'table_of(pool_syn({model}, rule = "{rule}", level = 0.9))', tmp_path / "release")
        assert_same_table(table, analyses.pool(rule, level=0.9))
    text = (tmp_path / "release" / "_scripts/analyse.R").read_text()
    assert f"Rule: {chosen}, since" in text
    comments = " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))
    assert all(note in comments for note in pooled.messages if "trees" in note or "sets only" in note)


def facts(rules: tuple[str, ...], m: int, complete: bool = True, n: int = 90, k: int = 120) -> Facts:
    sheet = sheet_of(encode_table(pd.DataFrame({"x": [1.5, 2.5]})))
    return Facts("0", m, n, k, "keep", 2, (0,), sheet, True, Advice(rules, "it is so", (), complete))


@needs_r
@pytest.mark.parametrize("m", [2, 3, 8])
@pytest.mark.parametrize("complete", [True, False])
def test_every_rule_in_r_is_ours(m: int, complete: bool, tmp_path: Path) -> None:
    """On arrays, those too that no release of today needs; negative variances and no variance at all among them."""
    rng = np.random.default_rng(m)
    rules = tuple(r.RULES)
    q = rng.normal(3, [1, 0.3, 2, 0.1, 0], (m, 5))
    u = rng.uniform(0.1, 1.2, (m, 5))
    text = r.script(facts(rules, m, complete))
    (tmp_path / "release" / "_scripts").mkdir(parents=True)
    (tmp_path / "release" / "_scripts/analyse.R").write_text(text[text.index("pool_syn <- local({") :])
    as_r = ", ".join(
        f"structure(list(q = c({', '.join(map(repr, a.tolist()))}), u = c({', '.join(map(repr, b.tolist()))})), "
        'class = "fit")'
        for a, b in zip(q, u, strict=True)
    )
    methods = (
        "coef.fit <- function(object, ...) setNames(object$q, paste0('t', 1:5))\n"
        "vcov.fit <- function(object, ...) structure(diag(object$u), dimnames = rep(list(paste0('t', 1:5)), 2))\n"
        "df.residual.fit <- function(object, ...) 41\n"
    )
    for rule in rules:
        options: dict[str, Any] = {"dfcom": 41} if rule in {"rubin1987", "reiter2003"} else {}
        if rule.startswith(("raab", "ragh")):
            options |= {"n": 90, "k": 120}
        if rule == "one_step":
            options["complete"] = complete
        code = f'{methods}table_of(pool_syn(list({as_r}), rule = "{rule}"))'
        wanted = pool(q, u, rule, terms=[f"t{i}" for i in range(1, 6)], **options)
        assert_same_table(run_r(code, tmp_path / "release"), wanted)


def test_both_languages_know_the_rules_of_sets_that_are_not_nested() -> None:
    assert set(r.RULES) == set(stata.RULES) == set(RULES) - {"reiter2004"}


@needs_r
def test_what_pooling_in_r_refuses(written: Path) -> None:
    say = "tell <- function(x) map_of(said = list_of(codes(tryCatch(x, error = conditionMessage))))\n"
    lm = "lapply(sets, function(d) lm(y ~ grade, d))"
    for call, said in [
        (f'pool_syn({lm}, rule = "rubin1987")', "Rules that hold"),
        (f"pool_syn({lm}[1:2])", "one fit for each"),
        # A level that one set lacks makes other polynomials of the rest.
        ('{ sets[[2]]$y[sets[[2]]$grade == "hi"] <- NA; pool_syn(' + lm + ") }", "does not occur in every set"),
    ]:
        assert said in str(texts(run_r(f"{say}tell({call})", written)["said"])[0])


@needs_r
def test_an_analysts_own_names_change_nothing(written: Path) -> None:
    clutter = "m <- 99; n <- 1; k <- 7; rules <- NULL; columns <- 3; folder <- 'x'\n"
    code = "table_of(pool_syn(lapply(sets, function(d) lm(y ~ grade, d))))"
    assert run_r(clutter + code, written) == run_r(code, written)


@needs_r
@pytest.mark.parametrize("name", ["words", "amount"])
def test_a_column_alone(name: str, tmp_path: Path) -> None:
    """An empty cell is then an empty line."""
    rng = np.random.default_rng(2)
    cells = {"words": rng.choice(["a", "", None], 60), "amount": np.where(rng.random(60) < 0.3, np.nan, 1.5)}
    syn = rp.synthesize(pd.DataFrame({name: cells[name]}), m=2, seed=1)
    syn.to_parquet(tmp_path / "release", csv=True, helpers=["r"])
    found = run_r(
        "map_of(na = list_of(vapply(sets, function(s) sum(is.na(s[[1]])), 1)), n = list_of(vapply(sets, nrow, 1)))",
        tmp_path / "release",
    )
    assert found == {"na": [int(frame[name].isna().sum()) for frame in syn], "n": [60, 60]}


def test_one_set_of_which_only_some_columns_are_synthesized(data: pd.DataFrame, tmp_path: Path) -> None:
    frame = data[["y", "single", "zero_one"]].dropna(ignore_index=True)
    rp.synthesize(frame, m=1, seed=8, method={"y": "cart", "single": "cart", "zero_one": "keep"}).to_parquet(
        tmp_path / "release", helpers=["r", "stata"]
    )
    text = (tmp_path / "release" / "_scripts/analyse.R").read_text()
    assert "Rule: raab2016_simple" in text
    assert 'poolable <- c("y", "single")' in text
    if RSCRIPT is not None:
        ask = 'tell <- function(f) codes(tryCatch({ pool_syn(lapply(sets, function(d) lm(f, d))); "ok" }, '
        ask += "error = conditionMessage))\nmap_of(a = tell(y ~ single), b = tell(y ~ zero_one))"
        found = run_r(ask, tmp_path / "release")
        assert texts([found["a"]]) == ["ok"]
        assert str(texts([found["b"]])[0]).endswith("zero_one")


def test_one_set_by_which_nothing_can_be_pooled(data: pd.DataFrame, tmp_path: Path) -> None:
    frame = data[["y", "single"]].dropna(ignore_index=True)
    rp.synthesize(frame, m=1, seed=8, where=["y > 0", "single > 0"]).to_parquet(
        tmp_path / "release", helpers=["r", "stata"]
    )
    for name in ("_scripts/analyse.R", "_scripts/analyse.do"):
        assert "No rule holds for this release" in (tmp_path / "release" / name).read_text()
    if RSCRIPT is not None:
        found = run_r("map_of(a = codes(tryCatch(pool_syn(sets), error = conditionMessage)))", tmp_path / "release")
        assert "No rule holds" in str(texts([found["a"]])[0])


@needs_r
def test_parquet_is_read_by_arrow_where_there_is_no_csv(
    data: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for R's package arrow, giving the types that its documentation names."""
    names = ["y", "grade", "text", "told", "code", "smokes", "day", "moment", "lasted"]
    syn = rp.synthesize(data[names], m=2, seed=3, columns=COLUMNS)
    syn.to_parquet(tmp_path / "plain", helpers=["r"])
    syn.to_parquet(tmp_path / "csv", helpers=["r"], csv=True)
    assert not list((tmp_path / "plain").rglob("*.csv"))
    package = tmp_path / "source" / "arrow"
    (package / "R").mkdir(parents=True)
    (package / "DESCRIPTION").write_text("Package: arrow\nVersion: 0.1\nTitle: T\nDescription: D.\nLicense: MIT\n")
    (package / "NAMESPACE").write_text("export(read_parquet)\n")
    (package / "R" / "read.R").write_text(
        "read_parquet <- function(file) {\n"
        '  file <- sub("plain", "csv", sub("imputation(.*)parquet$", "_copies/csv/imputation\\\\1csv", file))\n'
        '  raw <- read.csv(file, na.strings = "<NA>", colClasses =\n'
        '    c("numeric", rep("character", 3), "integer", rep("character", 3), "numeric"), check.names = FALSE)\n'
        "  raw$grade <- factor(raw$grade); raw$text <- factor(raw$text)\n"
        '  raw$smokes <- as.logical(raw$smokes); raw$day <- as.POSIXct(raw$day, tz = "UTC", format = "%Y-%m-%d")\n'
        '  raw$moment <- as.POSIXct(raw$moment, tz = "UTC", format = "%Y-%m-%d %H:%M:%OS")\n'
        '  raw$lasted <- as.difftime(raw$lasted * 86400, units = "secs"); raw\n}\n'
    )
    (tmp_path / "library").mkdir()
    built = subprocess.run(
        ["R", "CMD", "INSTALL", "--no-docs", "--no-test-load", f"--library={tmp_path / 'library'}", str(package)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    monkeypatch.setenv("R_LIBS", str(tmp_path / "library"))
    script = f'source("{tmp_path}/csv/_scripts/analyse.R")'
    code = f"both <- sets; {script}; map_of(same = codes(isTRUE(all.equal(both, sets))))"
    assert texts([run_r(code, tmp_path / "plain")["same"]]) == ["TRUE"]


# --- Stata ------------------------------------------------------------------------------------------------------------

STRING = re.compile(r'"(?:[^"`$\\\n]|`(?:number|part|rule|file|i|term)\')*"')


def test_the_form_of_the_do_file(written: Path) -> None:
    release = rp.read_release(written)
    text = (written / "_scripts/analyse.do").read_text(encoding="utf-8")
    lines = [line.split(" // ")[0] for line in text.splitlines() if not line.lstrip().startswith("*")]
    code = "\n".join(lines)
    assert "@" not in code
    assert code.count("{") == code.count("}")
    assert code.count('`"') == code.count("\"'")
    assert len(re.findall(r"^program define", code, re.M)) == len(re.findall(r"^end$", code, re.M))
    for line in lines:
        assert line.count('"') % 2 == 0, line
        assert "/*" not in line
        assert line.count("`") <= line.count("'"), line
    # every CSV file is read
    (loop,) = re.findall(r"forvalues i = 1/(\d+) \{\n    local number : display %0(\d)\.0f", code)
    (parts,) = re.findall(r"foreach part in ([\d ]+) \{", code)
    (path,) = re.findall(r'import delimited using "([^"]+)"', code)
    named = {
        path.replace("`number'", f"{i:0{loop[1]}d}").replace("`part'", part)
        for i in range(1, int(loop[0]) + 1)
        for part in parts.split()
    }
    assert named == {str(file.relative_to(written)) for file in written.rglob("*.csv")}
    # every column, and every level of those that have them, in order
    made = re.findall(r"^quietly generate (?:\w+ )?(\w+) = [^\n]*", code.split("* Levels")[-1], re.M)
    names = [name for name in made if name != "imputation"]
    assert len(names) == len(set(names)) == len(release.names)
    for name in names:
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,31}", name)
    for name, column in zip(names, release.manifest["columns"], strict=True):
        if column["dtype"] in {"category", "str"} and column["kind"] != "date":
            coded = re.findall(rf"^quietly replace {name} = (\d+) if (v\d+) == (.+)$", code, re.M)
            assert [int(number) for number, _, _ in coded] == list(range(1, column["level_count"] + 1))
            assert [stata_text(said) for _, _, said in coded] == [str(level) for level in column["levels"]]
            labelled = re.findall(rf'^mata: st_vlmodify\("{name}", (\d+), (.+)\)$', code, re.M)
            assert {int(number): stata_text(said) for number, said in labelled} == {
                i: str(level) for i, level in enumerate(column["levels"], 1) if level
            }
            assert f"label values {name} {name}" in code


def stata_text(expression: str) -> str:
    """What a sum of strings and characters stands for: read by our own few lines, not by those that wrote it."""
    out, rest = "", expression
    while rest:
        found = re.match(r'"([^"`$\\]*)"|u?char\((\d+)\)', rest)
        assert found, rest
        out += found[1] if found[1] is not None else chr(int(found[2]))
        rest = rest[found.end() :].removeprefix(" + ")
    return out


@pytest.mark.parametrize(
    ("names", "valid"),
    [
        (["age", "Age"], ["age", "Age"]),
        (["a b", "a.b", "a_b"], ["a_b", "a_b_2", "a_b_3"]),
        (["1st", "_x", "", "größe"], ["x1st", "x_x", "x_", "gr__e"]),
        (["if", "v12", "str3", "using", "_n"], ["if_", "v12_", "str3_", "using_", "x_n"]),
        (["imputation", "imputation"], ["imputation", "imputation_2"]),
        (["x" * 40, "x" * 41], ["x" * 32, "x" * 30 + "_2"]),
    ],
)
def test_names_of_variables(names: list[str], valid: list[str]) -> None:
    assert stata.valid_names(names) == valid


# --- both -------------------------------------------------------------------------------------------------------------


def test_a_script_says_nothing_that_the_manifest_does_not(written: Path) -> None:
    """Numbers of the text beyond those of levels, rows and sets would be cells."""
    release = rp.read_release(written)
    cells = {repr(float(cell)) for frame in release for cell in frame["y"].dropna()}
    for name in ("_scripts/analyse.R", "_scripts/analyse.do"):
        text = (written / name).read_text(encoding="utf-8")
        assert not cells & set(re.findall(r"-?\d+\.\d+", text))
        assert not re.findall(r"\d{4}-\d{2}-\d{2}", text)
        assert text.isascii() or name == "_scripts/analyse.do"


def test_levels_beyond_those_of_the_manifest_stay_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    words = [f"level-{i}" for i in range(1200)]
    frame = pd.DataFrame({"word": rng.permutation(words * 2), "x": rng.normal(size=2400)})
    rp.synthesize(frame, m=1, seed=1, method="sample").to_parquet(tmp_path / "release", helpers=["r", "stata"])
    for name in ("_scripts/analyse.R", "_scripts/analyse.do"):
        assert "level-" not in (tmp_path / "release" / name).read_text()


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"a": pd.Categorical(["x\r\ny", "x\ny"] * 40)}, "equal in CSV"),
        ({"a": pd.Categorical([1, "1"] * 40)}, "equal in CSV"),
        ({"a": ["x\0y", "z"] * 40}, "cannot hold"),
        ({"a\r": [1.5, 2.5] * 40, "a\n": [1.5, 2.7] * 40}, "equal in CSV"),
    ],
    ids=str,
)
def test_what_cannot_be_written_is_refused_before_anything_is(frame: Any, said: str, tmp_path: Path) -> None:
    syn = rp.synthesize(pd.DataFrame(frame), m=1, seed=1)
    with pytest.raises(DataError, match=said):
        syn.to_parquet(tmp_path / "release", csv=True)
    assert list(tmp_path.iterdir()) == []
    syn.to_parquet(tmp_path / "release")


def test_an_unknown_language(data: pd.DataFrame, tmp_path: Path) -> None:
    syn = rp.synthesize(data[["zero_one"]], m=1, seed=1)
    with pytest.raises(SpecError, match=r"output.helpers\[1\].*did you mean 'stata'"):
        syn.to_parquet(tmp_path / "release", helpers=["sttata"])  # type: ignore[list-item]


def test_stata_reads_no_parquet(table: Any, make_plan: Callable[..., Any]) -> None:
    from replicant import release

    parts = [release.SetFile(i, 0, f"imputation=0{i}/part-0.parquet", 60, 1000, "a" * 64) for i in (1, 2, 3)]
    manifest = release.public_manifest(make_plan(), table, parts)
    with pytest.raises(ReleaseError, match="CSV"):
        helper_text("stata", manifest, sheet_of(table))
    assert "arrow::read_parquet" in helper_text("r", manifest, sheet_of(table))
    with pytest.raises(ReleaseError, match="nested"):
        helper_text("r", {**manifest, "r": 2}, sheet_of(table))
