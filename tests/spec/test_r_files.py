"""What R writes of a matrix and of a vector, in every form that it comes in."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from replicant.errors import SpecError
from replicant.spec.r_files import Grid, as_grid, as_vector, read_grid, read_json

NAMES = ["age", "net income", "phb"]
CELLS = [[0, 1, 1], [1, 0, 0], [1, 1, 0]]
METHOD = {"age": "", "net income": "cart", "phb": '~ I(a, "b")'}

FORMS = """
p <- matrix(c(0, 1, 1, 1, 0, 1, 1, 0, 0), 3, dimnames = list(n <- c("age", "net income", "phb"), n))
m <- setNames(c("", "cart", '~ I(a, "b")'), n)
j <- function(x, file, ...) writeLines(jsonlite::toJSON(x, ...), file)
write.csv(p, "named.csv"); write.csv(p, "bare.csv", row.names = FALSE); write.csv(p, "plain.csv", quote = FALSE)
write.csv(m, "vector.csv"); write.csv(unname(m), "unnamed.csv"); write.csv(t(m), "wide.csv")
write.csv(data.frame(m), "frame.csv", row.names = FALSE)
j(p, "matrix.json"); j(as.data.frame(p), "records.json"); j(as.list(as.data.frame(p)), "columns.json")
j(m, "array.json"); j(as.list(m), "object.json"); j(as.list(m), "unboxed.json", auto_unbox = TRUE)
j("cart", "alone.json", auto_unbox = TRUE)
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("Rscript") is None:
        pytest.skip("R is not here")
    folder = tmp_path_factory.mktemp("r")
    done = subprocess.run(["Rscript", "-e", FORMS], cwd=folder, capture_output=True, text=True, check=False)
    if "jsonlite" in done.stderr and "there is no package" in done.stderr:
        pytest.skip("R has no jsonlite")
    assert done.returncode == 0, done.stderr
    return folder


def read(place: Path) -> Any:
    return (read_grid if place.suffix == ".csv" else read_json)(place.read_text(), place.name)


@pytest.mark.program
@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("named.csv", NAMES, NAMES),
        ("plain.csv", NAMES, NAMES),
        ("bare.csv", None, NAMES),
        ("matrix.json", None, None),
        ("records.json", NAMES, NAMES),
        ("columns.json", None, NAMES),
    ],
)
def test_a_matrix_keeps_its_cells_and_the_names_that_r_wrote(
    written: Path, name: str, rows: list[str] | None, columns: list[str] | None
) -> None:
    grid = as_grid(read(written / name), name)
    assert (grid.rows, grid.columns) == (rows, columns)
    assert [[int(cell) for cell in row] for row in grid.cells] == CELLS


@pytest.mark.program
@pytest.mark.parametrize("name", ["vector.csv", "wide.csv", "object.json", "unboxed.json"])
def test_a_named_vector(written: Path, name: str) -> None:
    assert as_vector(read(written / name), name) == METHOD


@pytest.mark.program
@pytest.mark.parametrize("name", ["unnamed.csv", "frame.csv", "array.json"])
def test_a_vector_without_names(written: Path, name: str) -> None:
    assert as_vector(read(written / name), name) == list(METHOD.values())


@pytest.mark.program
def test_a_text_alone(written: Path) -> None:
    assert as_vector(read(written / "alone.json"), "method") == ["cart"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"method": }', "s.json, line 1, column 12: not valid JSON"),
        ('{"m": 1,\n "m": 2}', "the key 'm' occurs twice"),
        ("[" * 100_000, "nested too deep"),
        ("", "not valid JSON"),
    ],
)
def test_bad_json(text: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        read_json(text, "s.json")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"","a"\n"a",0,1\n', "s.csv, line 2: 3 fields where the first line has 2"),
        ('"","a"\n', "1 lines"),
        ("", "0 lines"),
        ('"","a"\n"a,0\n', "not valid CSV"),
    ],
)
def test_bad_csv(text: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        read_grid(text, "s.csv")


@pytest.mark.parametrize(
    "value", [3, "x", [], [[]], [[1], [1, 2]], {}, {"a": [1], "b": [1, 2]}, [{"a": 1}, {"b": 1}], [{}]]
)
def test_what_is_no_matrix(value: Any) -> None:
    with pytest.raises(SpecError, match="predictorMatrix is not a matrix"):
        as_grid(value, "predictorMatrix")


@pytest.mark.parametrize("value", [[["a", "b"]], {"a": []}, {"a": {"b": 1}}, Grid([["1", "2"], ["3", "4"]])])
def test_what_is_no_vector(value: Any) -> None:
    with pytest.raises(SpecError, match="method"):
        as_vector(value, "method")
