"""`replicant warm`."""

from __future__ import annotations

import click

from replicant.cli.options import common_options, watching

__all__ = ["warm"]


@click.command()
@common_options
def warm() -> None:
    """Compile the tree kernel ahead of the first synthesis.

    Without it the first synthesis on a machine compiles what it needs, and everybody waits for it. In an image, or
    before the tests of a pipeline, all of it is compiled here, and kept beside the package or in the folder that the
    variable NUMBA_CACHE_DIR names. Whoever reads it there must be able to write there too. NUMBA_CPU_NAME=generic
    compiles for any processor of the architecture; both variables must be the same when the kernel is used.

    \b
    Examples:
        replicant warm
        NUMBA_CACHE_DIR=/opt/kernel NUMBA_CPU_NAME=generic replicant warm
    """
    from replicant.trees.compile import ensure_compiled, kernel_folder

    compiled = ensure_compiled(watching().note)
    click.echo(f"The tree kernel {'has been' if compiled else 'was already'} compiled: {kernel_folder()}")
