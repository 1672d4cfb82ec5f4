"""`replicant resume`."""

from __future__ import annotations

from typing import Any

import click

from replicant.cli.options import common_options, memory_option, quiet_option, watching, where_options

__all__ = ["resume"]


@click.command()
@click.argument("run", type=click.Path())
@where_options
@memory_option
@click.option("--dry-run", is_flag=True, help="Plan and check everything, do nothing.")
@quiet_option
@common_options
def resume(
    run: str,
    threads: int | None,
    workers: int | None,
    scheduler: str | None,
    memory: int | None,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Complete a run that was interrupted.

    RUN is the folder that it was to write, its `output.path`. What was finished is kept; the release, or the results of
    a study, are those of an undisturbed run, byte for byte. Data, settings or version that changed since are refused.
    Of the folder of a bulk all that is missing or changed is made.

    With --dry-run it stops before the first piece of work, and says what is there and what would be done.

    \b
    Examples:
        replicant resume release
        replicant resume build/boys_study
        replicant resume build/boys_study --workers 4
    """
    from replicant.bulk import begun_at, rehearse_bulk, run_bulk
    from replicant.run.dry_run import rehearse_resume
    from replicant.run.resume import resume as take_up

    where: dict[str, Any] = {"threads": threads, "workers": workers, "scheduler": scheduler, "memory": memory}
    options = {**where, "progress": watching(quiet=quiet)}
    bulk = begun_at(run)
    if bulk is not None:
        done = rehearse_bulk(bulk, memory) if dry_run else run_bulk(bulk, **options)
        if not quiet:
            click.echo(done.text())
        done.require()
        return
    told = rehearse_resume(run, **options) if dry_run else take_up(run, **options).text()
    if not quiet:
        click.echo(told)
