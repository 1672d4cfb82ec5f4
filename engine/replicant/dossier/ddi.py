"""The codebook as XML of DDI-Codebook 2.5 (DDI Alliance 2012), which archives and catalogues read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from replicant.dossier.variables import Variable

__all__ = ["ddi"]

_SPACE = "ddi:codebook:2_5"
_SCHEMA = "https://ddialliance.org/Specification/DDI-Codebook/2.5/XMLSchema/codebook.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
# What XML 1.0 cannot hold in any way.
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NATURE = {"nominal": "nominal", "binary": "nominal", "ordered": "ordinal"}
_NUMERIC = {"number", "days"}


def ddi(title: str, description: str, manifest: Mapping[str, Any], variables: Sequence[Variable]) -> str:
    """The codebook as an XML document.

    Parameters
    ----------
    title, description
        Of the release, in words.
    manifest, variables
        The public manifest, and its columns.
    """
    root = ET.Element("codeBook", {"xmlns": _SPACE, "version": "2.5", "xml:lang": "en"})
    root.set("xmlns:xsi", _INSTANCE)
    root.set("xsi:schemaLocation", f"{_SPACE} {_SCHEMA}")
    _document(root, title, manifest)
    _study(root, title, description, manifest)
    for at, file in enumerate(manifest["files"], 1):
        _file(root, f"F{at}", file, len(variables))
    data = ET.SubElement(root, "dataDscr")
    files = " ".join(f"F{at}" for at in range(1, len(manifest["files"]) + 1))
    for at, variable in enumerate(variables, 1):
        _variable(data, f"V{at}", files, variable)
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _add(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, {name: _clean(value) for name, value in attributes.items()})
    if text:
        element.text = _clean(text)
    return element


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)


def _document(root: ET.Element, title: str, manifest: Mapping[str, Any]) -> None:
    citation = _add(_add(root, "docDscr"), "citation")
    _add(_add(citation, "titlStmt"), "titl", f"Codebook of {title}")
    made = _add(citation, "prodStmt")
    _add(made, "prodDate", date=manifest["created"]).text = manifest["created"]
    _add(made, "software", "Replicant", version=str(manifest["versions"].get("replicant", "")))


def _study(root: ET.Element, title: str, description: str, manifest: Mapping[str, Any]) -> None:
    study = _add(root, "stdyDscr")
    _add(_add(_add(study, "citation"), "titlStmt"), "titl", title)
    about = _add(study, "stdyInfo")
    _add(_add(about, "subject"), "keyword", "synthetic data")
    _add(about, "abstract", description)
    _add(_add(about, "sumDscr"), "dataKind", "synthetic data")
    _add(_add(study, "method"), "notes", f"{manifest['m']} synthetic sets; analyse each of them and pool the results.")


def _file(root: ET.Element, name: str, file: Mapping[str, Any], columns: int) -> None:
    text = _add(_add(root, "fileDscr", ID=name, URI=file["path"]), "fileTxt")
    _add(text, "fileName", file["path"])
    _add(text, "fileCont", f"Synthetic set {file['imputation']}, file {file['partition'] + 1}")
    size = _add(text, "dimensns")
    _add(size, "caseQnty", str(file["rows"]))
    _add(size, "varQnty", str(columns))
    _add(text, "fileType", "Apache Parquet")


def _variable(data: ET.Element, name: str, files: str, variable: Variable) -> None:
    numeric = variable.form in _NUMERIC
    entry = _add(
        data,
        "var",
        ID=name,
        name=variable.name,
        files=files,
        intrvl="contin" if variable.kind in {"continuous", "date"} else "discrete",
        **({"dcml": str(variable.decimals)} if variable.decimals is not None else {}),
        **({"nature": _NATURE[variable.kind]} if variable.kind in _NATURE else {}),
    )
    if variable.label:
        _add(entry, "labl", variable.label)
    recoding = f" Recoding: {variable.recoding}." if variable.recoding else ""
    _add(entry, "txt", f"Synthetic: {variable.replaced}. Method: {variable.method}.{recoding}")
    for level in variable.levels:
        category = _add(entry, "catgry", **({"missing": "Y"} if level.missing else {}))
        _add(category, "catValu", level.value)
        if level.label:
            _add(category, "labl", level.label)
    _add(entry, "varFormat", type="numeric" if numeric else "character", schema="other")
