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

LARGEST = 256_000_000  # bytes of a file of settings: a mask of cells takes one for each, and a few

_PARTS = {
    "mice": {"method": "method", "predictors": "predictorMatrix", "visits": "visitSequence", "where": "where"},
    "synthpop": {"method": "method", "predictors": "predictor.matrix", "visits": "visit.sequence"},
}


@click.command()
@click.argument("settings", type=click.Path(dir_okay=False), required=False)
@click.option("--method", metavar="FILE", help="The methods alone, as CSV or JSON.")
@click.option("--predictors", metavar="FILE", help="The predictor matrix alone, as CSV or JSON.")
@click.option("--visits", metavar="FILE", help="The visit sequence alone, as CSV or JSON.")
@click.option("--where", metavar="FILE", help="The matrix of cells to replace alone (mice), as CSV or JSON.")
@click.option(
    "--from", "package", type=click.Choice(["mice", "synthpop"]), help="Whose they are.  [default: told by the names]"
)
@click.option("--data", metavar="PATH", default="data.csv", show_default=True, help="The table, for the job's input.")
@click.option("--release", metavar="PATH", default="release", show_default=True, help="For the job's output.")
@click.option("--output", "-o", metavar="FILE", help="Where the job goes.  [default: standard output]")
@click.option("--strict", is_flag=True, help="Refuse methods that nothing here is equal to; else trees replace them.")
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
    """Make a job of the settings of a call of mice or synthpop in R.

    SETTINGS is a JSON file with any of method, predictorMatrix, visitSequence, where, blocks, m, seed (mice), or
    method, predictor.matrix, visit.sequence, minnumlevels, m, proper (synthpop); some may also come from files of
    their own. What has no counterpart is told on standard error and in the job's comments. If the table is there,
    names are checked.

    \b
    In R:
        settings <- list(method = as.list(imp$method), visitSequence = imp$visitSequence,
                         predictorMatrix = as.data.frame(imp$predictorMatrix))
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
        raise click.UsageError("Give SETTINGS, or parts of them by --method, --predictors, --visits, --where.")
    if output is not None and Path(output).exists():
        raise click.UsageError(f"{output} exists and may have been edited. Choose another name or remove it.")
    given = _settings(settings, package, {part: file for part, file in files.items() if file is not None})
    made = converted(given, package=package, columns=_columns(data), data=data, release=release, strict=strict)
    if output is None:
        click.echo(made.text, nl=False)
    else:
        write_file(output, made.text)
        click.echo(output)
    for note in made.notes:
        click.echo(click.wrap_text(note, 100, "note: ", "      "), err=True)


def _settings(whole: str | None, package: str | None, files: Mapping[str, str]) -> dict[str, Any]:
    """All settings by R's names, from a file that holds several and from files that hold one each."""
    from replicant.spec.r_files import read_json

    given: dict[str, Any] = {}
    if whole is not None:
        if whole.lower().endswith(".csv"):
            raise click.UsageError("A CSV file holds one part: give it by --method, --predictors, --visits or --where.")
        found = read_json(_text(whole), whole)
        if not isinstance(found, dict):
            raise SpecError(f"{whole} is not an object with names", need="toJSON(list(method = ..., ...))")
        given = dict(found)
    whose = package or ("synthpop" if {"predictor.matrix", "visit.sequence"} & given.keys() else "mice")
    for part, file in files.items():
        key = _PARTS[whose].get(part)
        if key is None:
            raise click.UsageError(f"--{part} goes with mice; {whose} has no such setting.")
        if key in given:
            raise click.UsageError(f"--{part} was given, and {whole} has {key} already.")
        given[key] = _part(file, key)
    return given


def _part(file: str, key: str) -> Any:
    """One part from a file: CSV, or JSON, with its name around it or without."""
    from replicant.spec.r_files import read_grid, read_json

    if file.lower().endswith(".csv"):
        return read_grid(_text(file), file)
    found = read_json(_text(file), file)
    return found[key] if isinstance(found, dict) and set(found) == {key} else found


def _text(file: str) -> str:
    place = Path(file)
    try:
        if place.stat().st_size > LARGEST:
            raise SpecError(f"{file} is larger than {LARGEST // 1_000_000} MB", need="settings, not data")
        return place.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        beside = [other.name for other in place.parent.iterdir()] if place.parent.is_dir() else []
        raise SpecError(f"there is no file {file!r}{nearest(place.name, beside)}", fix="check the path") from None
    except OSError as error:
        raise SpecError(f"{file} cannot be read ({error.strerror})", need="a file of settings") from None
    except UnicodeDecodeError:
        raise SpecError(f"{file} is not UTF-8 text", need="what R writes", fix='fileEncoding = "UTF-8"') from None


def _columns(data: str) -> list[str] | None:
    """Names of the table's columns, of its head alone; None if it is not here, or not a single file."""
    place = Path(data)
    if not place.is_file():
        return None
    try:
        if place.suffix.lower() == ".csv":
            with place.open(encoding="utf-8-sig", newline="") as file:
                return next(csv.reader(file), None)
        if place.suffix.lower() in {".parquet", ".pq"}:
            import pyarrow.parquet as pq

            return [str(name) for name in pq.read_schema(place).names]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(
            f"{data} cannot be read ({type(error).__name__})", need="the table that the settings are for"
        ) from None
    return None
