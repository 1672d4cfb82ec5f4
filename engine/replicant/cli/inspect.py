"""`replicant inspect`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from replicant.cli.offers import datasets
from replicant.cli.options import common_options, set_option, tell, write_file

if TYPE_CHECKING:
    from replicant.table import Table
    from replicant.table.suspicions import Suspicion

__all__ = ["inspect"]


@click.command()
@click.argument("data", type=click.Path(), required=False)
@click.option(
    "--dataset", metavar="NAME", shell_complete=datasets, help="A built-in data set instead of DATA, such as anes96."
)
@click.option(
    "--codebook",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Also write the codebook: YAML to edit and paste under `columns:` of a job. `-` prints it.",
)
@click.option(
    "--job",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Also write a job for the table, with a comment on every suspicion, to be edited. `-` prints it.",
)
@set_option
@common_options
def inspect(
    data: str | None, dataset: str | None, codebook: str | None, job: str | None, overrides: tuple[str, ...]
) -> None:
    """Show how a table is read (kinds, levels, missing cells) and what looks unusual in it (codes, identifiers).

    DATA is a file that holds a table (.csv, .tsv, .txt, .parquet and others), a folder of Parquet files, or a URL. The
    form of a text file is recognised, shown, and can be set: --set input.delimiter=; --set input.encoding=cp1252.
    Correct a wrong inference in the codebook: write it, edit it, and use it in a job.

    Suspicions are listed below the table: identifiers, keys, weights, codes for missing values, numbers that are codes,
    dates as text, skip patterns and cells that seem not applicable, columns that follow from others. --job writes a job
    that deals with all of them.

    \b
    Examples:
        replicant inspect survey.parquet
        replicant inspect survey.csv --job job.yaml
        replicant inspect survey.csv --codebook codebook.yaml
        replicant inspect survey.csv --set input.decimal=, --set input.date_format=%d/%m/%Y
        replicant inspect --dataset anes96
    """
    from replicant.table.suspicions import suspicions

    if (data is None) == (dataset is None):
        raise click.UsageError("Give either DATA or --dataset NAME.")
    if job is not None and job == codebook:
        raise click.UsageError("--job and --codebook name the same file. Give each its own.")
    for file in (codebook, job):
        if file is None or file == "-":
            continue
        if Path(file).exists():
            raise click.UsageError(f"{file} exists and may have been edited. Choose another name or remove it.")
        if not Path(file).absolute().parent.is_dir():
            raise click.UsageError(f"The folder of {file} does not exist. Create it first, or choose another.")
    table = _table(data, dataset, overrides)
    if codebook == "-":
        click.echo(table.codebook.to_yaml(), nl=False)
        return
    found = suspicions(table)
    proposed = "" if job is None else _proposed(data, dataset, overrides, table, found)
    if job == "-":
        click.echo(proposed, nl=False)
        return
    click.echo(str(table))
    noticed = {str(event) for event in table.events}  # stands under the table already
    if more := [str(one) for one in found if str(one) not in noticed]:
        click.echo("\n".join(["", "Suspected:", *(f"  {one}" for one in more)]))
    if codebook is not None:
        write_file(codebook, table.codebook.to_yaml())
        tell(f"codebook: {codebook}")
    if job is not None:
        write_file(job, proposed)
        tell(f"job: {job}")


def _table(data: str | None, dataset: str | None, overrides: tuple[str, ...]) -> Table:
    """The table; without overrides there is no need for the models of a whole job."""
    from replicant.run.source import Source

    if not overrides:
        return (Source(dataset=dataset) if data is None else Source.at(os.path.expanduser(data))).load()
    from replicant.spec.load import job_of_table

    return Source.of_job(job_of_table(path=data, dataset=dataset, overrides=overrides)).load()


def _proposed(
    data: str | None, dataset: str | None, overrides: tuple[str, ...], table: Table, found: list[Suspicion]
) -> str:
    """A job with all that is suspected."""
    from replicant.run.source import Source
    from replicant.spec.load import job_of_table
    from replicant.spec.proposal import proposal

    asked = job_of_table(path=data, dataset=dataset, overrides=overrides)
    return proposal(asked, table, found, lambda one: Source.of_job(one).load())
