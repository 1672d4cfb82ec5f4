"""`replicant run`."""

from __future__ import annotations

import click

from replicant.cli.options import debug_option, set_option

__all__ = ["run"]


@click.command()
@click.argument("job", type=click.Path())
@set_option
@click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", help="Threads in this process.  [default: all usable CPUs]"
)
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Start a Dask cluster of N processes on this machine."
)
@click.option(
    "--scheduler", metavar="ADDRESS", help="Run on the Dask scheduler at ADDRESS, such as tcp://10.0.0.5:8786."
)
@click.option("--overwrite", is_flag=True, help="Replace a finished release.")
@click.option("--quiet", "-q", is_flag=True, help="No progress, no table; only what goes wrong.")
@debug_option
def run(
    job: str,
    overrides: tuple[str, ...],
    threads: int | None,
    workers: int | None,
    scheduler: str | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Run a job: read, synthesize, and write a release.

    The release appears whole or not at all. The internal manifest, with the seed, goes beside it; never share that
    one. The same seed gives the same files, byte for byte, on any number of threads or workers.

    \b
    Examples:
        replicant run job.yaml
        replicant run job.yaml --set synthesis.m=20 --set output.path=release20
        replicant run job.yaml --workers 4
        replicant run job.yaml --scheduler tcp://10.0.0.5:8786 --overwrite
    """
    if sum(choice is not None for choice in (threads, workers, scheduler)) > 1:
        raise click.UsageError("--threads, --workers and --scheduler exclude each other: choose one.")

    from replicant.run.job import run_job
    from replicant.run.progress import choose
    from replicant.spec.load import load_job

    result = run_job(
        load_job(job, overrides),
        threads=threads,
        workers=workers,
        scheduler=scheduler,
        overwrite=overwrite,
        progress=choose(quiet=quiet),
    )
    if not quiet:
        click.echo(result.text())
