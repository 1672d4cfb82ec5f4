"""Writing the documents of a release: the public ones beside it, the board's into the internal folder."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from replicant.dossier.codebook import LEVELS, VARIABLES, csvw, dataset, levels_csv, variables_csv
from replicant.dossier.ddi import ddi
from replicant.dossier.guide import Guide, guide_of
from replicant.dossier.pdf import pdf_bytes
from replicant.dossier.sources import Sources, read_sources
from replicant.dossier.summary import board_summary, describe, public_summary
from replicant.dossier.variables import Variable, variables_of
from replicant.errors import ReleaseError
from replicant.report import dossier_board, dossier_page
from replicant.storage.folder import Folder
from replicant.storage.open import open_folder

__all__ = ["Dossier", "write_dossier"]

REPORT = "report.json"
TO_FILL_IN = "risk-assessment.html"
"""The one document that people write in."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """The documents of a release.

    Attributes
    ----------
    public
        The folder of the public ones; None where the release is withheld.
    board
        The folder of the review board's; None where there is no internal manifest.
    files
        Names of all documents, those of the board with `board/` before them.
    kept
        Names of documents that people have changed: they were not written over.
    """

    public: str | None
    board: str | None
    files: tuple[str, ...]
    kept: tuple[str, ...] = ()

    def text(self) -> str:
        """What the command line prints."""
        lines = [
            f"public:  {self.public}/index.html" if self.public else "public:  none: the release is withheld",
            f"board:   {self.board}/index.html (confidential)"
            if self.board
            else "board:   none: there is no internal manifest",
            *(f"kept:    {name}: it was changed since it was written" for name in self.kept),
        ]
        return "\n".join(lines)


def write_dossier(
    target: str | os.PathLike[str],
    internal: str | os.PathLike[str] | None = None,
    *,
    withheld: bool = False,
    pdf: bool = False,
) -> Dossier:
    """Write the documents of a release, or write them again.

    Parameters
    ----------
    target
        The release: a path or an fsspec URL. Its public documents go to `<target>-dossier`.
    internal
        The folder of the internal manifest, into whose `dossier` the board's documents go; `<target>-internal` unless
        given. A release that its gate withheld is found there, and gets the board's documents only.
    withheld
        Whether the release that is withheld is meant even where there is another one at the target.
    pdf
        Whether both release pages are also printed as PDF, by a browser on this machine.

    Returns
    -------
    Dossier

    Raises
    ------
    ReleaseError
        If there is no release, its sets are real records whose missing cells are filled, the internal manifest is of
        another one, or something cannot be read or written.
    SpecError
        If a PDF is wanted and there is no browser that prints it.
    """
    sources = read_sources(target, internal, withheld=withheld)
    if not sources.public.get("synthetic", True):
        raise ReleaseError(
            f"The sets at {sources.target} are real records, their missing cells filled: they are no synthetic data.",
            need="a release of synthetic sets",
            fix="synthesize them; completed records are as confidential as the data",
        )
    variables = variables_of(sources.public)
    release = _seen_from_beside(sources.target)
    guide = guide_of(sources.public, variables, release)
    public = public_summary(sources, variables, guide, release)
    files: list[str] = []
    kept: list[str] = []
    if not sources.withheld:
        documents = _public(sources, variables, guide, public, release)
        if pdf:
            documents["index.pdf"] = pdf_bytes(documents["index.html"])
        _write(open_folder(f"{sources.target}-dossier"), documents, public, private=False)
        files += documents
    if sources.secret is not None:
        secret = board_summary(sources)
        outside = "" if sources.withheld else _outside(sources)
        documents = {
            "index.html": dossier_board.board(public, secret, outside),
            TO_FILL_IN: dossier_board.assessment(public, secret),
            "record.html": dossier_board.record(public, secret),
        }
        if pdf:
            documents["index.pdf"] = pdf_bytes(documents["index.html"])
        kept += _write(
            open_folder(f"{sources.internal}/dossier"), documents, {"public": public, "board": secret}, private=True
        )
        files += [f"board/{name}" for name in documents]
    return Dossier(
        None if sources.withheld else f"{sources.target}-dossier",
        None if sources.secret is None else f"{sources.internal}/dossier",
        tuple(files),
        tuple(kept),
    )


def _public(
    sources: Sources, variables: tuple[Variable, ...], guide: Guide, public: Mapping[str, Any], release: str
) -> dict[str, str | bytes]:
    manifest, title, about = sources.public, public["title"], describe(sources.public)
    linked = dataset(title, about, manifest, variables, release)
    documents: dict[str, str | bytes] = {one.file: one.code for one in guide.scripts if one.code}
    documents |= {
        "dictionary.html": dossier_page.dictionary(public),
        "guide.html": dossier_page.guide(public),
        VARIABLES: variables_csv(variables),
        LEVELS: levels_csv(variables),
        "csv-metadata.json": _json(csvw(title, about, manifest, variables, release)),
        "ddi-codebook.xml": ddi(title, about, manifest, variables),
        "dataset.jsonld": _json(linked),
    }
    return {"index.html": dossier_page.release(public, linked, [*documents, REPORT]), **documents}


def _write(folder: Folder, documents: dict[str, str | bytes], report: Mapping[str, Any], *, private: bool) -> list[str]:
    """Write documents, the report last; names of those that people have changed and that were left as they are."""
    folder.make(private=private)
    there = folder.files()
    before = _digests(folder) if REPORT in there else {}
    kept = []
    if TO_FILL_IN in documents and TO_FILL_IN in there:
        digest = hashlib.sha256(folder.read(TO_FILL_IN)).hexdigest()
        if digest != before.get(TO_FILL_IN):
            kept.append(TO_FILL_IN)
    digests = {}
    for name, content in documents.items():
        raw = content.encode() if isinstance(content, str) else content
        digests[name] = before.get(name, "") if name in kept else hashlib.sha256(raw).hexdigest()
        if name not in kept:
            folder.write(name, raw, private=private)
    for name in before.keys() - documents.keys():
        folder.discard(name)  # of an earlier release here, such as a script that this one has not
    folder.write(REPORT, _json({**report, "documents": digests}).encode(), private=private)
    return kept


def _digests(folder: Folder) -> dict[str, str]:
    try:
        found = json.loads(folder.read(REPORT))["documents"]
    except (ValueError, KeyError, TypeError):
        return {}
    # Only plain names: what is written there is removed by them.
    return {name: str(digest) for name, digest in found.items() if "/" not in name and "\\" not in name}


def _json(document: Any) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _seen_from_beside(location: str) -> str:
    """Where a release is, seen from the folder of its public documents, which lies beside it."""
    return location if "://" in location else f"../{quote(os.path.basename(os.path.realpath(location)))}"


def _outside(sources: Sources) -> str:
    """Where the public documents are, seen from the board's."""
    outside = f"{sources.target}-dossier"
    if "://" in sources.target or "://" in sources.internal:
        return outside
    return quote(os.path.relpath(os.path.realpath(outside), f"{os.path.realpath(sources.internal)}/dossier"))
