"""`replicant dossier` and `replicant destroy-seed`."""

from __future__ import annotations

import click

from replicant.cli.options import common_options

__all__ = ["destroy_seed", "dossier"]

_internal = click.option(
    "--internal",
    type=click.Path(),
    metavar="FOLDER",
    help="The folder of the internal manifest.  [default: RELEASE-internal]",
)


@click.command()
@click.argument("release", type=click.Path())
@_internal
@click.option("--pdf", is_flag=True, help="Print the release pages as PDF, too, by a browser on this machine.")
@common_options
def dossier(release: str, internal: str | None, pdf: bool) -> None:
    """Write the documents of a release, or write them again.

    The public ones go to RELEASE-dossier: a page that says what the release is, how good, how to analyse it and its
    limits; a data dictionary, codebooks (CSVW, DDI, schema.org), an analyst guide with code. Those of the review board
    go to the folder dossier within the internal folder, and are confidential: the gate with its figures, a risk
    assessment to fill in, and the reproducibility record. A run with a gate writes all of them by itself.

    \b
    Examples:
        replicant dossier release
        replicant dossier release --pdf
        replicant dossier s3://bucket/release --internal /secure/release-internal
    """
    from replicant.dossier.write import write_dossier

    click.echo(write_dossier(release, internal, pdf=pdf).text())


@click.command("destroy-seed")
@click.argument("release", type=click.Path())
@_internal
@common_options
def destroy_seed(release: str, internal: str | None) -> None:
    """Remove the seed of a release from its internal manifest and the records beside it.

    Nobody can then repeat the synthesis, its owner included. This cannot be undone; the command says what can no longer
    be done. The release itself stays as it is.

    \b
    Examples:
        replicant destroy-seed release
        replicant destroy-seed release --internal /secure/release-internal
    """
    from replicant.dossier.seed import destroy_seed as destroy

    for line in destroy(release, internal):
        click.echo(line)
