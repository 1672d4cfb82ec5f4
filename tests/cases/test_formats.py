"""Case 11: files of statistical packages and workbooks bring their codebook along [haven#4], and two more of its kind.

From the command line: what a file says of its columns need not be typed in again, and is in the release.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest
import xlsxwriter

import replicant as rp
from replicant import read_release
from replicant.cli.main import main
from replicant.table import read_table

N = 400

Command = Callable[..., tuple[int, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Runs the command line in this process: what it left with, and what it printed."""
    before = signal.getsignal(signal.SIGTERM)

    def run(*args: object) -> tuple[int, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(arg) for arg in args])
        done = capsys.readouterr()
        return int(left.value.code or 0), done.out + done.err

    yield run
    signal.signal(signal.SIGTERM, before)


def _frame() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    sex = rng.integers(1, 3, N).astype(float)
    agree = rng.integers(1, 5, N).astype(float)
    income = (1500 + 400 * sex + rng.normal(0, 200, N)).round(2)
    return pd.DataFrame({"sex": sex, "agree": agree, "income": income, "age": rng.integers(18, 90, N).astype(float)})


SEX = {1: "male", 2: "female"}
AGREE = {1: "not at all", 2: "rather not", 3: "rather", 4: "fully", 5: "never asked so"}


def a_file_of_spss(path: Path) -> None:
    frame = _frame()
    frame.loc[::10, "income"] = -8
    frame.loc[5::10, "income"] = -9
    frame.loc[::7, "agree"] = 9
    pyreadstat.write_sav(
        frame,
        str(path),
        column_labels={"income": "Net income", "agree": "Agreement"},
        variable_value_labels={
            "sex": SEX,
            "agree": {**AGREE, 9: "no answer"},
            "income": {-8: "refused", -9: "not known"},
        },
        missing_ranges={"agree": [9], "income": [{"lo": -9, "hi": -8}]},
        variable_measure={"agree": "ordinal", "sex": "nominal"},
    )


def a_file_of_stata(path: Path) -> None:
    frame = _frame().astype({"income": object, "agree": object})
    frame.loc[::10, "income"] = "a"
    frame.loc[5::10, "income"] = "b"
    frame.loc[::7, "agree"] = "c"
    pyreadstat.write_dta(
        frame,
        str(path),
        column_labels={"income": "Net income", "agree": "Agreement"},
        variable_value_labels={
            "sex": SEX,
            "agree": {**AGREE, "c": "no answer"},
            "income": {"a": "refused", "b": "not known"},
        },
        missing_user_values={"income": ["a", "b"], "agree": ["c"]},
    )


def a_workbook(path: Path) -> None:
    frame = _frame()
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("Survey")
    sheet.write_row(0, 0, frame.columns)
    for i, row in enumerate(frame.itertuples(), start=1):
        cells = [SEX[row.sex], AGREE[row.agree], row.income, row.age]
        if i % 10 == 1:
            cells[2] = -8
        if i % 10 == 6:
            cells[2] = -9
        if i % 7 == 1:
            cells[1] = "no answer"
        sheet.write_row(i, 0, cells)
    book.add_worksheet("Notes").write(0, 0, "as of 2024")
    book.close()


DECLARED = """
columns:
  sex: {kind: binary, levels: [male, female]}
  agree:
    kind: ordered
    levels: [not at all, rather not, rather, fully, never asked so]
    missing_codes: [no answer]
  income: {missing_codes: {-8: refused, -9: not known}}
"""


@pytest.mark.parametrize(
    ("make", "suffix", "said", "ordered"),
    [
        (a_file_of_spss, "sav", "", True),
        (a_file_of_stata, "dta", "columns: {agree: {kind: ordered}}", True),
        (a_file_of_stata, "dta", "", False),
        (a_workbook, "xlsx", DECLARED, True),
    ],
)
def test_the_codebook_comes_with_the_file(
    tmp_path: Path, command: Command, make: Callable[[Path], None], suffix: str, said: str, ordered: bool
) -> None:
    make(tmp_path / f"survey.{suffix}")
    job = tmp_path / "job.yaml"
    job.write_text(
        f"input: {{path: {tmp_path}/survey.{suffix}}}\noutput: {{path: {tmp_path}/release}}\n"
        f"synthesis: {{m: 2, seed: 1}}\n{said}\n"
    )
    code, said = command("run", job, "--threads", "1")
    assert code == 0, said
    assert command("verify", tmp_path / "release")[0] == 0
    release = read_release(tmp_path / "release")
    columns = {entry["name"]: entry for entry in release.manifest["columns"]}
    assert columns["sex"]["levels"] == ["male", "female"]
    assert columns["agree"]["kind"] == ("ordered" if ordered else "nominal")
    assert columns["agree"]["levels"] == list(AGREE.values())
    assert columns["income"]["kind"] == "continuous"
    assert len(columns["income"]["missing_codes"]) == 2
    # What is missing by code is missing in models: the slope is that of the rows that have an income.
    fit = release.analyse("ols", "income ~ sex").pool().frame.set_index("term")["estimate"]
    real = _frame()
    rows = np.arange(N) % 5 > 0
    kept = real[rows]
    expected = kept.loc[kept.sex == 2, "income"].mean() - kept.loc[kept.sex == 1, "income"].mean()
    assert abs(fit.drop("(Intercept)").iloc[0] - expected) < 100


# --- more of the kind: a codebook that is wrong, or that says too little --------------------------------------------


def test_a_sheet_that_is_not_there(tmp_path: Path, command: Command) -> None:
    a_workbook(tmp_path / "a.xlsx")
    job = tmp_path / "job.yaml"
    job.write_text(f"input: {{path: {tmp_path}/a.xlsx, sheet: Survy}}\noutput: {{path: {tmp_path}/release}}\n")
    code, said = command("run", job)
    assert code == 2
    assert "did you mean 'Survey'?" in said
    assert not (tmp_path / "release").exists()


def test_scales_with_labels_at_their_ends_and_codes_that_nobody_declared(tmp_path: Path, command: Command) -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "mood": rng.integers(0, 11, N).astype(float),
            "hours": np.where(rng.random(N) < 0.1, 99.0, rng.integers(0, 60, N)),
        }
    )
    labels: dict[str, dict[Any, str]] = {"mood": {0: "very bad", 10: "very good"}, "hours": {99: "no answer"}}
    pyreadstat.write_sav(frame, str(tmp_path / "a.sav"), variable_value_labels=labels)
    code, said = command("inspect", tmp_path / "a.sav")
    assert code == 0
    assert "mood: only 2 of its values have labels (0: very bad; 10: very good)" in said
    assert "hours: only 1 of its values has a label (99: no answer)" in said
    assert "list them under missing_codes" in said


@pytest.mark.parametrize("length", [31, 32, 33, 60])
@pytest.mark.parametrize("suffix", ["sav", "dta"])
def test_long_names_of_columns_with_levels(tmp_path: Path, length: int, suffix: str) -> None:
    frame = pd.DataFrame({"v" * length + end: np.tile(["x", "y", "z"], 40) for end in ("1", "2")})
    rp.synthesize(frame, m=1, seed=1).to_parquet(tmp_path / "release", copies=[suffix])
    (path,) = (tmp_path / "release" / "_copies" / suffix).rglob(f"*.{suffix}")
    loaded = read_table(path)
    assert loaded.frame.columns.is_unique
    for name, column in zip(loaded.frame.columns, frame.columns, strict=True):
        assert loaded.codebook[name].levels == ["x", "y", "z"]
        assert column.startswith(str(name).rstrip("_12"))
