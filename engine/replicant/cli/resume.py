"""`replicant resume`."""

from __future__ import annotations

import click

from replicant.cli.options import common_options, memory_option, quiet_option, watching, where_options

__all__ = ["resume"]


@click.command()
@click.argument("run", type=click.Path())
@where_options
@memory_option
@quiet_option
@common_options
def resume(
    run: str, threads: int | None, workers: int | None, scheduler: str | None, memory: int | None, quiet: bool
) -> None:
    """Complete a run that was interrupted.

    RUN is the folder that it was to write, its `output.path`. What was finished is kept; the release, or the results of
    a study, are those of an undisturbed run, byte for byte. Data, settings or version that changed since are refused.

    \b
    Examples:
        replicant resume release
        replicant resume build/boys_study
        replicant resume build/boys_study --workers 4
    """
    from replicant.run.resume import resume as take_up

    where = {"threads": threads, "workers": workers, "scheduler": scheduler, "memory": memory}
    result = take_up(run, **where, progress=watching(quiet=quiet))
    if not quiet:
        click.echo(result.text())
