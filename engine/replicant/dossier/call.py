"""`rp.dossier`: the documents of a release."""

from __future__ import annotations

import os

from replicant.dossier.write import Dossier, write_dossier

__all__ = ["dossier"]


def dossier(
    release: str | os.PathLike[str], *, internal: str | os.PathLike[str] | None = None, pdf: bool = False
) -> Dossier:
    """Write the documents of a release: for the public beside it, for the review board into the internal folder.

    A run with a gate writes them by itself; this writes them for any release, or again.

    Parameters
    ----------
    release
        Its path or fsspec URL.
    internal
        The folder of the internal manifest; `<release>-internal` unless given.
    pdf
        Whether the two release pages are also printed as PDF, by a browser on this machine.

    Returns
    -------
    Dossier
        `.public` and `.board` are the folders; `.files` names what is in them.

    Raises
    ------
    ReleaseError
        If there is no release, its sets are real records whose missing cells are filled, the internal manifest is of
        another one, or something cannot be read or written.
    SpecError
        If a PDF is wanted and there is no browser that prints it.
    """
    return write_dossier(release, internal, pdf=pdf)
