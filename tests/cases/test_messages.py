"""What somebody is told who slips: each slip of a kind has a message with what was found and the right fix (case UX).

One line of a table is one slip: what is written, and words that the message must have, those of the fix among them. A
slip in a job or on the command line leaves with code 2 (or 3, if it is the data's) and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import replicant as rp
from replicant.execution import dask_client
from replicant.table.kinds import Kind

from ..commands import Command, Outcome, command_line, records

JOB: dict[str, Any] = {
    "input": {"path": "data.csv"},
    "columns": {"word": {"kind": "nominal"}},
    "synthesis": {"m": 2, "seed": 5},
    "output": {"path": "release"},
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a table and a job."""
    monkeypatch.chdir(tmp_path)
    records().to_csv("data.csv", index=False)
    Path("job.yaml").write_text(yaml.safe_dump(JOB))
    return tmp_path


@pytest.fixture
def replicant(place: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """The command line in this process: what fails prints no result, and writes nothing."""
    with command_line(capsys) as run:

        def told(*args: object) -> Outcome:
            there = set(place.rglob("*"))
            outcome = run(*args)
            if outcome.code:
                assert outcome.out == ""
                assert set(place.rglob("*")) == there
            return outcome

        yield told


def with_changed(section: str, **values: Any) -> None:
    """The job with some keys of a section changed."""
    job = {name: dict(keys) for name, keys in JOB.items()}
    job.setdefault(section, {}).update(values)
    Path("job.yaml").write_text(yaml.safe_dump(job))


def refused(told: Outcome, code: int, *words: str) -> None:
    """The message has all these words, and says what to do."""
    assert told.code == code, told.err
    for word in words:
        assert word in told.err, told.err
    assert re.search(r"^Fix: |^Needed: |Usage: |did you mean", told.err, re.MULTILINE), told.err


# --- expressions ------------------------------------------------------------------------------------------------------

PASSIVE: dict[str, tuple[str, ...]] = {
    # typing errors in names, of columns and of functions
    "wieght * 2": ("did you mean 'weight'", "columns of the table: height, weight"),
    "Height / 100": ("did you mean 'height'",),
    "childern + 1": ("did you mean 'children'",),
    "lgo(height)": ("a call to 'lgo'", "did you mean 'log'"),
    "Sqrt(height)": ("did you mean 'sqrt'",),
    "ln(height)": ("a call to 'ln'", "Fix: write log(x)"),
    "pow(height, 2)": ("Fix: write x ** 2",),
    "mean(height)": ("row by row",),
    "ifelse(height > 170, 1, 0)": ("a condition is not arithmetic",),
    "np.log(height)": ("a name with a dot", "Fix: write log"),
    "weigth(height)": ("a call to 'weigth'", "one of abs, ceil"),
    # brackets
    "log(height": ("at position 4 the expression has a ( that is never closed", "Fix: close it with a )"),
    "(height + weight": ("at position 1 the expression has a ( that is never closed",),
    "((height) * (weight)": ("at position 1 the expression has a ( that is never closed",),
    "height + weight)": ("at position 16 the expression has a ) that closes nothing",),
    "height[1]": ("square brackets",),
    "(height]": ("a ] where a ( is open",),
    # numbers of arguments
    "log(height, 2, 3)": ("log with 3 arguments", "1 in log(...)", "Fix: write log(x)"),
    "log(height, 10)": ("log with 2 arguments", "log(x) / log(base)"),
    "round()": ("round with no arguments", "write round(x) or round(x, 2)"),
    "min(height)": ("has min with 1 argument", "of one row"),
    "sqrt(height, weight)": ("sqrt with 2 arguments",),
    # signs
    "height^2": ("a power is written **",),
    "weight = height * 2": ("at position 8 the expression has an = sign", "the column's name is the key already"),
    "height == 2": ("a comparison", "a condition is not arithmetic"),
    "height × 2": ("the sign ×", "Fix: write *"),
    "height²": ("the sign ²", "Fix: write **2"),
    "√height": ("the sign √", "sqrt"),
    "height – weight": ("the sign –", "Fix: write -"),
    "data$height": ("the sign $", "without its table"),
    "height % 2": ("the operator %", "floor"),
    "height // 2": ("the operator //", "floor(a / b)"),
    "1,5 * height": ("a comma outside a call", "a decimal point is a dot"),
    "'height' * 2": ("a text among the numbers", "without quotes"),
    "`height * 2": ("never closed",),
    # what is missing, or too much
    "height *": ("an end right after a *", "the value that is missing"),
    "* height": ("nothing before the *",),
    "height * / 2": ("a / right after a *",),
    "2 height": ("two values side by side", "a product is written"),
    "2height": ("a product is written 2 * height",),
    "body weight * 2": ("two values side by side", "`body weight`"),
    "log height": ("a function has parentheses: log(x)",),
    "class + 1": ("the word class", "`class`"),
    "": ("the expression has nothing in it",),
    "42": ("names no column",),
}


@pytest.mark.parametrize("text", PASSIVE)
def test_an_expression(text: str, replicant: Command) -> None:
    with_changed("synthesis", passive={"weight": text})
    refused(replicant("plan", "job.yaml"), 2, "passive.weight", *PASSIVE[text])


RULES: dict[str, tuple[str, ...]] = {
    "heigth > 3": ("did you mean 'height'",),
    "height => 3": ("the sign =>", "Fix: write >="),
    "height <> 3": ("the sign <>", "Fix: write !="),
    "height ≥ 3": ("the sign ≥", "Fix: write >="),
    "height > 3 && weight > 2": ("the sign &&", "Fix: write and"),
    "height > 3 || weight > 2": ("the sign ||", "Fix: write or"),
    "!(height > 3)": ("the sign !", "Fix: write not"),
    "(height > 3": ("a ( that is never closed",),
    "height > 3 and": ("an end right after the word and",),
    "height": ("a comparison is needed",),
    "region == 'nowhere'": ("a level that column 'region'", "inspect"),
}


@pytest.mark.parametrize("text", RULES)
def test_a_rule(text: str, replicant: Command) -> None:
    with_changed("synthesis", where=[text])
    refused(replicant("plan", "job.yaml"), 2, *RULES[text])


# --- words for settings -----------------------------------------------------------------------------------------------

KINDS: dict[str, tuple[Kind, ...]] = {
    **dict.fromkeys(("categorical", "category", "Factor", "enum"), (Kind.NOMINAL, Kind.ORDERED, Kind.BINARY)),
    **dict.fromkeys(("string", "text", "str", "object"), (Kind.NOMINAL, Kind.ORDERED, Kind.IDENTIFIER)),
    **dict.fromkeys(("ordinal", "likert", "ordered factor"), (Kind.ORDERED,)),
    **dict.fromkeys(("numeric", "number", "numerical"), (Kind.CONTINUOUS, Kind.COUNT)),
    **dict.fromkeys(("float", "double", "float64"), (Kind.CONTINUOUS,)),
    **dict.fromkeys(("int", "integer", "int64"), (Kind.COUNT, Kind.NOMINAL)),
    **dict.fromkeys(("bool", "boolean", "logical", "dummy"), (Kind.BINARY,)),
    **dict.fromkeys(("datetime", "timestamp", "POSIXct"), (Kind.DATE,)),
    **dict.fromkeys(("id", "key", "uuid"), (Kind.IDENTIFIER,)),
    "nominl": (Kind.NOMINAL,),
    "Continuous": (Kind.CONTINUOUS,),
}


@pytest.mark.parametrize("word", KINDS)
def test_a_kind(word: str, replicant: Command) -> None:
    with_changed("columns", height={"kind": word})
    told = replicant("plan", "job.yaml")
    refused(told, 2, "columns.height.kind", repr(word))
    hint = re.search(r"(Fix: .*|did you mean .*)", told.err)
    assert hint is not None
    assert all(kind in hint[1] for kind in KINDS[word]), told.err
    with pytest.raises(rp.SpecError) as caught:
        rp.Codebook({"height": {"kind": word}})
    assert all(kind in str(caught.value).replace("one of " + ", ".join(Kind), "") for kind in KINDS[word])


SETTINGS: dict[tuple[str, str], tuple[str, ...]] = {
    ("method", "ranger"): ("not a method", "Fix: write rf"),
    ("method", "lm"): ("not a method", "Fix: write norm", "logreg", "polyreg", "polr"),
    ("method", "hotdeck"): ("not a method", "Fix: write pmm", "cart"),
    ("method", "logistic"): ("not a method", "Fix: write logreg"),
    ("method", "norm.predict"): ("not a method", "spread", "norm.nob"),
    ("method", "ctgan"): ("not a method", "cart"),
    ("method", "bootstrap"): ("Fix: write sample",),
    ("method", "none"): ("Fix: write keep",),
    ("method", "crat"): ("did you mean 'cart'",),
    ("method", "CART"): ("did you mean 'cart'",),
    ("conditioning", "sequential"): ("Fix: write synthetic",),
    ("conditioning", "mice"): ("Fix: write observed",),
    ("conditioning", "observd"): ("did you mean 'observed'",),
    ("missing", "fill"): ("Fix: write impute", "a chain of its own"),
    ("missing", "drop"): ("Fix: write keep or impute",),
    ("missing", "kepe"): ("did you mean 'keep'",),
    ("fits", "same"): ("Fix: write shared",),
    ("class_risk", "entropy"): ("Fix: write gini",),
    ("splits", "unbiased"): ("Fix: write corrected",),
    ("splits", "cart"): ("Fix: write rpart",),
    ("donors", "unique"): ("Fix: write distinct",),
    ("donors", "distnct"): ("did you mean 'distinct'",),
}


@pytest.mark.parametrize(("key", "word"), SETTINGS)
def test_a_setting(key: str, word: str, replicant: Command) -> None:
    with_changed("synthesis", **{key: word})
    refused(replicant("plan", "job.yaml"), 2, key, repr(word), *SETTINGS[key, word])


@pytest.fixture(scope="module")
def syn() -> rp.Synthesis:
    return rp.synthesize(records(), m=2, seed=1, columns={"word": {"kind": "nominal"}})


MODELS = {
    "lm": "write ols",
    "linear": "write ols",
    "logistic": "write logit",
    "multinom": "write multinomial",
    "ordinal": "write polr",
    "coxph": "write phreg",
    "lmer": "write mixedlm",
    "glm.nb": "write negbin",
    "logti": "did you mean 'logit'",
}


@pytest.mark.parametrize("word", MODELS)
def test_a_model(word: str, syn: rp.Synthesis) -> None:
    with pytest.raises(rp.SpecError, match="is unknown") as caught:
        syn.analyse(word, "weight ~ height")
    assert MODELS[word] in str(caught.value)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("rubin", "rubin1987"),
        ("reiter", "reiter2003"),
        ("raab", "raab2016_simple"),
        ("Reiter2003", "did you mean 'reiter2003'"),
    ],
)
def test_a_pooling_rule(word: str, hint: str, syn: rp.Synthesis) -> None:
    for attempt in (
        lambda: syn.analyse("ols", "weight ~ height").pool(word),
        lambda: rp.pool([1, 2], [1, 1], rule=word),
    ):
        with pytest.raises(rp.SpecError, match="No rule is called") as caught:
            attempt()
        assert hint in str(caught.value)


# --- job files --------------------------------------------------------------------------------------------------------

DATA = "input: {path: data.csv}\n"
TO = "output: {path: release}\n"
FILES: dict[str, tuple[str, tuple[str, ...]]] = {
    "a misspelt section": (DATA + "sinthesis: {m: 2}\n" + TO, ("line 2", "did you mean 'synthesis'")),
    "a capital": ("Input: {path: data.csv}\n" + TO, ("did you mean 'input'",)),
    "m at the top": (DATA + "m: 3\n" + TO, ("line 2", "did you mean 'synthesis.m'")),
    "a path at the top": ("path: data.csv\n" + TO, ("did you mean 'input.path'",)),
    "a codebook": (DATA + "codebook: {height: {kind: count}}\n" + TO, ("did you mean 'columns'",)),
    "a key of another tool": (DATA + "synthesis: {random_state: 3}\n" + TO, ("did you mean 'synthesis.seed'",)),
    "a key of a column": (DATA + "columns: {height: {type: count}}\n" + TO, ("did you mean 'columns.height.kind'",)),
    "tabs": ("input:\n\tpath: data.csv\n" + TO, ("line 2", "a tab", "indent by spaces")),
    "a tab further in": (DATA + "synthesis:\n  m: 2\n\tseed: 3\n" + TO, ("a tab", "indent by spaces")),
    "a key twice": (DATA + DATA + TO, ("line 2", "'input' occurs twice (first on line 1)")),
    "a nested key twice": (DATA + "synthesis:\n  m: 2\n  m: 3\n" + TO, ("line 4", "'m' occurs twice")),
    "a list of columns": (DATA + "columns: [height, weight]\n" + TO, ("found a list of 2", "input.columns")),
    "a list of mappings": (
        DATA + "columns:\n  - height: {kind: count}\n" + TO,
        ("found a list of 1", "Fix: write columns:"),
    ),
    "a word for a column": (DATA + "columns: {height: count}\n" + TO, ("Fix: write height: {kind: count}",)),
    "a word for the input": ("input: data.csv\n" + TO, ("Fix: write input: {path:",)),
    "a word for the output": (DATA + "output: release\n", ("Fix: write output: {path:",)),
    "no output": (DATA, ("output is missing", "add output: {path: release}")),
    "nothing": ("", ("job.yaml is empty", "input: {path:")),
    "a comment": ("# later\n", ("job.yaml is empty",)),
    "a list": ("- input\n", ("not a mapping", "input: {path:")),
    "no space after a colon": ("input:\n  path:data.csv\n" + TO, ("a space after the colon",)),
    "no space in brackets": ("input:{path: data.csv}\n" + TO, ("a space after the colon",)),
    "a bracket left open": ("input: {path: data.csv\n" + TO, ("close", "}")),
    "a list left open": (DATA + "synthesis: {where: [height > 3}\n" + TO, ("not valid YAML", "]")),
    "a quote left open": ('input: {path: "data.csv}\n' + TO, ("a quote that is never closed",)),
    "an at sign": (DATA + "synthesis: {method: @cart}\n" + TO, ("a @ at the beginning", "in quotes")),
    "two documents": (DATA + "---\n" + TO, ("another document", "---")),
    "backslashes": ('input: {path: "C:\\data.csv"}\n' + TO, ("a backslash inside double quotes",)),
    "indented anew": ("input:\n  path: data.csv\n " + TO, ("line 3", "indented")),
    "a number as a text": (DATA + "synthesis: {m: '5'}\n" + TO, ("without quotes: 5",)),
    "a negative m": (DATA + "synthesis: {m: -1}\n" + TO, ("found -1", "at least 1")),
    "half a set": (DATA + "synthesis: {m: 2.5}\n" + TO, ("a whole number",)),
    "a null label": (
        DATA + "columns: {region: {labels: {north: N, south: , west: W}}}\n" + TO,
        ("columns.region.labels: found nothing (null)", "in quotes"),
    ),
    "a null to label": (
        DATA + "columns: {region: {labels: {null: N, south: S, west: W}}}\n" + TO,
        ("columns.region.labels", "null", "in quotes"),
    ),
    "a null level": (
        DATA + "columns: {region: {levels: [north, ~, west]}}\n" + TO,
        ("columns.region.levels: found nothing (null)", "in quotes"),
    ),
    "a null code": (
        DATA + "columns: {height: {missing_codes: [null, -8]}}\n" + TO,
        ("missing_codes: found nothing (null)",),
    ),
    "a null column": (
        "input: {path: data.csv, columns: [height, null]}\n" + TO,
        ("input.columns[2]: found nothing (null)", "take"),
    ),
    "a null stratum": (DATA + "synthesis: {strata: [null]}\n" + TO, ("strata[1]: found nothing (null)",)),
    "a null predictor": (DATA + "synthesis: {predictors: {height: [~]}}\n" + TO, ("height[1]: found nothing (null)",)),
    "levels in a word": (DATA + "columns: {region: {levels: north}}\n" + TO, ("levels: [",)),
    "labels in a list": (DATA + "columns: {region: {labels: [a, b]}}\n" + TO, ("labels: {",)),
    "a code without brackets": (DATA + "columns: {height: {missing_codes: -8}}\n" + TO, ("missing_codes: [",)),
}


@pytest.mark.parametrize("case", FILES)
def test_a_job_file(case: str, replicant: Command) -> None:
    text, words = FILES[case]
    Path("job.yaml").write_text(text)
    told = replicant("run", "job.yaml")
    refused(told, 2, *words)
    assert "job.yaml" in told.err


# --- the command line -------------------------------------------------------------------------------------------------

LINES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("run", "job.yaml", "--set", "synthesis.m", "3"): ("'synthesis.m' is not KEY=VALUE", "write --set synthesis.m="),
    ("run", "job.yaml", "--set", "synthesis.m"): ("no equals sign", "KEY=VALUE"),
    ("run", "job.yaml", "--set", "synthesis.m:3"): ("KEY=VALUE", "write --set synthesis.m=3"),
    ("run", "job.yaml", "--set", "synthesis.m 3"): ("KEY=VALUE", "write --set synthesis.m=3"),
    ("run", "job.yaml", "--set", "synthesis.m="): ("found nothing", "a value after the equals sign"),
    ("run", "job.yaml", "--set", "=3"): ("KEY=VALUE",),
    ("run", "job.yaml", "--set", "typo.key=1"): ("unknown key 'typo'", "one of input, columns"),
    ("run", "job.yaml", "--set", "synthesis.minbuket=1"): ("did you mean 'synthesis.minbucket'",),
    ("run", "job.yaml", "--set", "m=1"): ("did you mean 'synthesis.m'",),
    ("run", "job.yaml", "--set", "synthesis.m=-1"): ("found -1 (--set)", "at least 1"),
    ("run", "job.yaml", "--set", "synthesis.strata=[region"): ("--set synthesis.strata", "never closed"),
    ("run", "job.yaml", "--threads", "0"): ("--threads", "whole number from 1"),
    ("run", "job.yaml", "--threads", "two"): ("--threads", "whole number from 1"),
    ("run", "job.yaml", "--workers", "-1"): ("--workers", "whole number from 1"),
    ("run", "job.yaml", "--memory", "much"): ("--memory", "2GB"),
    ("run", "job.yaml", "--quite"): ("--quite", "--help"),
    ("run", "job.yaml", "--overwite"): ("--overwrite",),
    ("run",): ("JOB", "replicant run job.yaml"),
    ("run", "my", "job.yaml"): ("in quotes",),
    ("rnu", "job.yaml"): ("did you mean 'run'",),
    ("run", "jbo.yaml"): ("did you mean 'job.yaml'",),
    ("pool", "release"): ("--formula",),
    ("run", "job.yaml", "--set", "columns.word.kind=nominl"): ("did you mean 'nominal'",),
    ("run", "job.yaml", "--set", "input.encoding=utf9"): ("did you mean 'utf-8'",),
    ("inspect", "data.csv", "--codebook", "nowhere/book.yaml"): ("nowhere/book.yaml", "Create it first"),
    ("inspect", "data.csv", "--job", "nowhere/job.yaml"): ("nowhere/job.yaml", "Create it first"),
    ("help", "polo"): ("did you mean 'pool'",),
}


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_a_command_line(line: tuple[str, ...], replicant: Command) -> None:
    refused(replicant(*line), 2, *LINES[line])


def test_spaces_around_the_equals_sign(replicant: Command) -> None:
    assert replicant("plan", "job.yaml", "--set", "synthesis.m = 2").code == 0


ADDRESSES: dict[str, tuple[int, tuple[str, ...]]] = {
    "tcp://127.0.0.1:9": (1, ("answers at tcp://127.0.0.1:9", "nothing listens", "dask scheduler")),
    "localhost:9": (1, ("answers at localhost:9",)),
    "tcp://no-such-host.invalid:8786": (1, ("answers at tcp://no-such-host.invalid:8786", "name of its host")),
    "http://127.0.0.1:8787": (2, ("'http://127.0.0.1:8787'", "tcp://127.0.0.1:8786")),
    "ftp://127.0.0.1:8786": (2, ("'ftp://127.0.0.1:8786'", "tcp://127.0.0.1:8786")),
    "tcp:127.0.0.1:8786": (2, ("write tcp://127.0.0.1:8786",)),
    "tcp://127.0.0.1": (2, ("add the port", "tcp://127.0.0.1:8786")),
    "tcp://127.0.0.1:99999": (2, ("correct the port", "65535")),
    "tcp://127.0.0.1:8786/status": (2, ("leave out what follows the port",)),
    "8786": (2, ("name the host",)),
    "scheduler.json": (2, ('the "address"',)),
    "": (2, ("it is empty",)),
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_scheduler(address: str, replicant: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_client, "CONNECT_SECONDS", 0.5)
    code, words = ADDRESSES[address]
    refused(replicant("run", "job.yaml", "--scheduler", address), code, *words)


def test_a_password_in_an_address_is_not_repeated(replicant: Command) -> None:
    told = replicant("run", "job.yaml", "--scheduler", "tcp://someone:sesame@127.0.0.1:9")
    refused(told, 2, "address is not one")
    assert "sesame" not in told.err


# --- places -----------------------------------------------------------------------------------------------------------


def test_suffixes_in_capitals(replicant: Command) -> None:
    Path("data.csv").rename("DATA.CSV")
    pd.read_csv("DATA.CSV").to_parquet("Data.Parquet")
    Path("job.yaml").rename("JOB.YAML")
    for name in ("DATA.CSV", "Data.Parquet"):
        assert replicant("plan", "JOB.YAML", "--set", f"data={name}").code == 0
        assert replicant("inspect", name).code == 0


def test_the_home_in_a_path(place: Path, replicant: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    home = place / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    Path("data.csv").rename(home / "data.csv")
    Path("job.yaml").write_text("input: {path: ~/data.csv}\nsynthesis: {m: 1}\noutput: {path: ~/release}\n")
    assert replicant("run", "job.yaml", "--quiet").code == 0
    assert (home / "release" / "_SUCCESS").is_file()
    assert not (place / "~").exists()


PLACES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "in the folder of the data": ({"input": "folder", "output": "folder/release"}, ("lies inside the input", "folder")),
    "the folder of the data": ({"input": "folder", "output": "folder"}, ("both",)),
    "the data themselves": ({"input": "data.csv", "output": "data.csv"}, ("both 'data.csv'",)),
    "around the data": ({"input": "folder/part.parquet", "output": "folder"}, ("lies inside output.path",)),
    "the working directory": ({"input": "data.csv", "output": "."}, ("the working directory",)),
    "above it": ({"input": "data.csv", "output": ".."}, ("above it",)),
    "the root": ({"input": "data.csv", "output": "/"}, ("the root of the file system",)),
    "nowhere": ({"input": "data.csv", "output": ""}, ("output.path is empty",)),
}


@pytest.mark.parametrize("case", PLACES)
@pytest.mark.parametrize("more", [(), ("--overwrite",)], ids=["", "overwrite"])
def test_an_output(case: str, more: tuple[str, ...], place: Path, replicant: Command) -> None:
    paths, words = PLACES[case]
    (place / "folder").mkdir()
    pd.read_csv("data.csv").to_parquet("folder/part.parquet")
    Path("job.yaml").write_text(yaml.safe_dump({key: {"path": path} for key, path in paths.items()}))
    refused(replicant("run", "job.yaml", *more), 2, *words)


def test_the_same_job_twice(replicant: Command) -> None:
    assert replicant("run", "job.yaml", "--quiet").code == 0
    refused(replicant("run", "job.yaml"), 1, "There is a finished release", "--overwrite")


def test_a_folder_in_place_of_a_job(place: Path, replicant: Command) -> None:
    (place / "jobs").mkdir()
    refused(replicant("run", "jobs"), 2, "it is a folder", "Fix: name the file")
    Path("job.yaml").rename("jobs/job.yaml")
    refused(replicant("run", "jobs"), 2, "jobs/job.yaml")
    (place / "table").mkdir()
    pd.read_csv("data.csv").to_parquet("table/part.parquet")
    assert replicant("plan", "table").code == 0


@pytest.mark.parametrize("path", ["dat.csv", "Data.csv", "data.cvs"])
def test_a_table_that_is_not_there(path: str, replicant: Command) -> None:
    with_changed("input", path=path)
    refused(replicant("run", "job.yaml"), 3, path, "data.csv")


# --- Python -----------------------------------------------------------------------------------------------------------

CALLS: dict[str, tuple[Callable[[Any], Any], tuple[str, ...]]] = {
    "a column in square brackets": (lambda syn: syn["height"], ("number of a set", '[0]["')),
    "a list in square brackets": (lambda syn: syn[["height"]], ("number of a set",)),
    "a number with a point": (lambda syn: syn[1.0], ("number of a set",)),
    "a fit by its name": (lambda syn: syn.analyse("ols", "weight ~ height")["height"], (".frame",)),
    "no formula": (lambda syn: syn.analyse("ols"), ("without a formula", '"ols", "y ~ x"')),
    "a blank formula": (lambda syn: syn.analyse("ols", "  "), ("without a formula",)),
    "a formula alone": (lambda syn: syn.analyse("weight ~ height"), ('write "ols", "weight ~ height"',)),
    "the wrong order": (lambda syn: syn.analyse("region ~ height", "polr"), ('write "polr", "region ~ height"',)),
    "no formula to compare": (lambda syn: syn.compare(records(), "ols"), ("without a formula",)),
    "the wrong case": (lambda syn: syn.analyse("ols", "Weight ~ height"), ("did you mean 'weight'",)),
    "a typing error": (lambda syn: syn.analyse("ols", "weight ~ hieght"), ("did you mean 'height'", "position 10")),
    "an equals sign": (lambda syn: syn.analyse("ols", "weight = height"), ("no ~", "write ~ instead")),
    "a parenthesis left open": (
        lambda syn: syn.analyse("ols", "weight ~ log(height"),
        ("at position 13 the formula has a ( that is never closed", "close it with a )"),
    ),
    "nested ones left open": (
        lambda syn: syn.analyse("ols", "weight ~ I(sqrt(height) + 1"),
        ("at position 11 the formula has a ( that is never closed",),
    ),
    "nothing after a sign": (
        lambda syn: syn.analyse("ols", "weight ~ height +"),
        ("an end where more is needed", "after the +"),
    ),
    "a plot of what is not there": (lambda syn: syn.plot("heigth"), ("did you mean 'height'",)),
    "a plot of a number": (lambda syn: syn.plot(3), ("name of a column",)),
    "a description of what is not there": (lambda syn: syn.describe(["heigth"]), ("did you mean 'height'",)),
    "a correlation of levels": (lambda syn: syn.correlation(["height", "region"]), ("'region' has levels",)),
    "a correlation of one": (lambda syn: syn.correlation("height"), ("two or more",)),
    "columns in a list": (lambda syn: rp.synthesize(records(), columns=["height"]), ("columns is a list", "{'educ'")),
    "a null label": (
        lambda syn: rp.synthesize(records(), columns={"region": {"labels": {"north": None}}}),
        ("columns.region.labels is null instead of a value", "in quotes"),
    ),
    "a null level": (
        lambda syn: rp.synthesize(records(), columns={"region": {"levels": ["north", None]}}),
        ("columns.region.levels is null instead of a value",),
    ),
    "an address for a client": (
        lambda syn: rp.synthesize(records(), client="tcp://127.0.0.1:9"),
        ("distributed.Client",),
    ),
    "a negative m": (lambda syn: rp.synthesize(records(), m=-1), ("found -1",)),
    "a formula for estimands": (
        lambda syn: rp.study(records(), 4, estimands="weight ~ height"),
        ("estimands is a text", '"formula": "y ~ x"'),
    ),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_call(case: str, syn: rp.Synthesis) -> None:
    call, words = CALLS[case]
    with pytest.raises(rp.ReplicantError) as caught:
        call(syn)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert caught.value.need or caught.value.fix
    assert "471147" not in message


@pytest.mark.parametrize(
    "names", [["height", "region"], ("height", "region"), pd.Index(["height", "region"])], ids=type
)
def test_a_plot_of_a_list(names: Any, syn: rp.Synthesis) -> None:
    assert syn.plot(names).svg == syn.plot("height", "region").svg
    assert len(syn.plot("height", ["region", "children"]).pictures) == 3


def test_terms_by_one_name(syn: rp.Synthesis) -> None:
    pooled = syn.analyse("ols", "weight ~ height + children").pool()
    assert pooled.plot("height").svg == pooled.plot(["height"]).svg
    assert list(syn.describe("height")["column"].unique()) == ["height"]


def test_a_set_that_is_not_there(syn: rp.Synthesis) -> None:
    for number in (2, 7, -3):
        with pytest.raises(IndexError, match=f"no set {number}: there are 2 synthetic sets, counted from 0 to 1"):
            syn[number]
    assert syn[-1] is syn[1]
    assert syn[np.int64(1)] is syn[1]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("pool", r"\.analyse\(model, formula\)\.pool\(\)"),
        ("analyze", r"\.analyse\(model, formula\)"),
        ("height", r'\[0\]\["height"\]'),
        ("head", r"\[0\]\.head"),
        ("frame", r"\.stack\(\)"),
        ("sumary", "summary"),
    ],
)
def test_an_attribute_that_is_not_there(name: str, hint: str, syn: rp.Synthesis) -> None:
    with pytest.raises(AttributeError, match=hint):
        getattr(syn, name)
    assert not hasattr(syn, "_nothing")


def test_a_name_that_the_package_does_not_have() -> None:
    with pytest.raises(AttributeError, match="did you mean 'synthesize'"):
        rp.synthesise
    with pytest.raises(AttributeError, match="a method of what `synthesize` gives"):
        rp.analyse


def test_small_figures_keep_their_digits() -> None:
    """pMSE of sets that are nearly right is far below 0.0001."""
    rng = np.random.default_rng(3)
    real = pd.DataFrame({"x": rng.normal(size=4000), "y": rng.normal(size=4000)})
    told = rp.synthesize(real, m=2, seed=1).discriminate(real)
    shown = str(told).splitlines()
    column = shown[1].split().index("pmse")
    for line, exact in zip(shown[2:], told.frame["pmse"], strict=True):
        assert exact < 0.001
        assert float(line.split()[column]) == pytest.approx(exact, rel=1e-3)
