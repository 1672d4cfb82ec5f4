"""`replicant convert`."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import click

from replicant.cli.options import common_options, write_file
from replicant.errors import DataError, SpecError, nearest

__all__ = ["convert"]

LARGEST = 256_000_000  # bytes of a file of settings; a mask of cells takes a few for each cell

_SETTINGS = {
    "mice": {"method": "method", "predictors": "predictorMatrix", "visits": "visitSequence", "where": "where"},
    "synthpop": {"method": "method", "predictors": "predictor.matrix", "visits": "visit.sequence"},
}


@click.command()
@click.argument("settings", type=click.Path(dir_okay=False), required=False)
@click.option("--method", metavar="FILE", help="The methods, from a CSV or JSON file of their own.")
@click.option("--predictors", metavar="FILE", help="The predictor matrix, from a CSV or JSON file of its own.")
@click.option("--visits", metavar="FILE", help="The visit sequence, from a CSV or JSON file of its own.")
@click.option(
    "--where", metavar="FILE", help="The matrix of cells to replace (mice), from a CSV or JSON file of its own."
)
@click.option(
    "--from",
    "package",
    type=click.Choice(["mice", "synthpop"]),
    help="The package they belong to.  [default: inferred from names]",
)
@click.option("--data", metavar="PATH", default="data.csv", show_default=True, help="The table: the job's input.path.")
@click.option(
    "--release", metavar="PATH", default="release", show_default=True, help="The release: the job's output.path."
)
@click.option("--output", "-o", metavar="FILE", help="Write the job to this file.  [default: standard output]")
@click.option(
    "--strict", is_flag=True, help="Refuse methods without an equal here; otherwise the nearest replaces them."
)
@common_options
def convert(
    settings: str | None,
    method: str | None,
    predictors: str | None,
    visits: str | None,
    where: str | None,
    package: Literal["mice", "synthpop"] | None,
    data: str,
    release: str,
    output: str | None,
    strict: bool,
) -> None:
    """Convert the settings of a call of mice or synthpop in R to a job.

    SETTINGS is a JSON file with any of method, predictorMatrix, visitSequence, where, maxit, ignore, blocks, m, seed,
    nmis (mice), or method, predictor.matrix, visit.sequence, minnumlevels, m, proper (synthpop); each may also come
    from a file of its own. Settings without a counterpart are listed on standard error and in the job's comments. If
    the table is there, names of columns are checked.

    A call of mice without `where`, or with one that selects missing cells only, becomes a job that imputes; one that
    selects observed cells, or a call of synthpop, becomes a job that synthesizes.

    \b
    In R:
        settings <- list(method = as.list(imp$method), visitSequence = imp$visitSequence,
                         predictorMatrix = as.data.frame(imp$predictorMatrix), where = imp$where,
                         nmis = as.list(imp$nmis), m = imp$m, iteration = imp$iteration)
        writeLines(jsonlite::toJSON(settings, auto_unbox = TRUE), "mice.json")
        write.csv(imp$predictorMatrix, "predictors.csv")

    \b
    Examples:
        replicant convert mice.json --data survey.csv -o job.yaml
        replicant convert --method method.csv --predictors predictors.csv --data survey.csv
        replicant convert syn.json --from synthpop --strict
    """
    from replicant.spec.convert import convert as converted

    files = {"method": method, "predictors": predictors, "visits": visits, "where": where}
    if settings is None and not any(files.values()):
        raise click.UsageError("Give SETTINGS, or single settings by --method, --predictors, --visits, --where.")
    if output is not None and Path(output).exists():
        raise click.UsageError(f"{output} exists and may have been edited. Choose another name or remove it.")
    given = _settings(settings, package, {name: file for name, file in files.items() if file is not None})
    columns = _columns(data)
    missing = _missing(data) if columns is not None and given.get("where") is not None and "nmis" not in given else None
    job = converted(given, package=package, columns=columns, missing=missing, data=data, release=release, strict=strict)
    if output is None:
        click.echo(job.text, nl=False)
    else:
        write_file(output, job.text)
        click.echo(output)
    for note in job.notes:
        click.echo(click.wrap_text(note, 100, "note: ", "      "), err=True)


def _settings(whole: str | None, package: str | None, files: Mapping[str, str]) -> dict[str, Any]:
    """All settings by R's names, from a file that holds several and from files that hold one each."""
    from replicant.spec.r_files import read_json

    given: dict[str, Any] = {}
    if whole is not None:
        if whole.lower().endswith(".csv"):
            raise click.UsageError(
                "A CSV file holds one setting: give it by --method, --predictors, --visits or --where."
            )
        content = read_json(_text(whole), whole)
        if not isinstance(content, dict):
            raise SpecError(f"{whole} is not an object with names", need="toJSON(list(method = ..., ...))")
        given = dict(content)
    whose = package or ("synthpop" if {"predictor.matrix", "visit.sequence"} & given.keys() else "mice")
    for name, file in files.items():
        key = _SETTINGS[whose].get(name)
        if key is None:
            raise click.UsageError(f"--{name} goes with mice; {whose} has no such setting.")
        if key in given:
            raise click.UsageError(f"--{name} was given, and {whole} has {key} already.")
        given[key] = _single(file, key)
    return given


def _single(file: str, key: str) -> Any:
    """One setting from a CSV file, or from a JSON file with its name around it or without."""
    from replicant.spec.r_files import read_grid, read_json

    if file.lower().endswith(".csv"):
        return read_grid(_text(file), file)
    content = read_json(_text(file), file)
    return content[key] if isinstance(content, dict) and set(content) == {key} else content


def _text(file: str) -> str:
    path = Path(file)
    try:
        if path.stat().st_size > LARGEST:
            raise SpecError(f"{file} is larger than {LARGEST // 1_000_000} MB", need="settings, not data")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        raise SpecError(f"there is no file {file!r}{nearest(path.name, beside)}", fix="check the path") from None
    except OSError as error:
        raise SpecError(f"{file} cannot be read ({error.strerror})", need="a file of settings") from None
    except UnicodeDecodeError:
        raise SpecError(
            f"{file} is not UTF-8 text", need="a file as R writes it", fix='fileEncoding = "UTF-8"'
        ) from None


def _columns(data: str) -> list[str] | None:
    """Names of the table's columns, read from its head; None if it is not here, or is not a single file."""
    path = Path(data)
    if not path.is_file():
        return None
    try:
        if path.suffix.lower() == ".csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                return next(csv.reader(file), None)
        if path.suffix.lower() in {".parquet", ".pq"}:
            import pyarrow.parquet as pq

            return [str(name) for name in pq.read_schema(path).names]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(
            f"{data} cannot be read ({type(error).__name__})", need="the table that the settings are for"
        ) from None
    return None


def _missing(data: str) -> dict[str, list[bool]]:
    """Which cells of the table are missing: `where` may select these, or observed ones."""
    from replicant.run.source import Source

    table = Source.at(data).load()
    return {column.name: [bool(cell) for cell in column.codes < 0] for column in table.columns}
