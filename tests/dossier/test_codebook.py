"""Codebooks as others read them: CSVW by the package `csvw`, DDI-Codebook 2.5 by its schema, schema.org as JSON-LD."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from replicant.dossier.codebook import csvw
from replicant.dossier.ddi import ddi
from replicant.dossier.variables import variables_of
from replicant.dossier.write import write_dossier

from .conftest import COLUMNS, survey

SPACE = "{ddi:codebook:2_5}"


@pytest.fixture
def folder(release: Path) -> Path:
    write_dossier(release)
    return release.with_name("release-dossier")


def test_a_recoding_is_said_in_words() -> None:
    entry = {"name": "age", "kind": "count", "recoding": {"top_coding": 90.0, "rounding": 5.0}}
    [age] = variables_of({"columns": [entry]})
    assert age.recoding == "values above 90 are set to it; numbers are rounded to multiples of 5"


def test_the_codebook_lists_columns_categories_and_codes(folder: Path) -> None:
    with open(folder / "codebook.csv", encoding="utf-8", newline="") as file:
        columns = {row["name"]: row for row in csv.DictReader(file)}
    assert list(columns) == list(survey())
    assert columns["income"]["label"] == "Income per month"
    assert columns["grade"] | {"label": ""} == {
        "name": "grade",
        "label": "",
        "kind": "ordered",
        "type": "categories in order",
        "decimals": "",
        "levels": "3",
        "synthetic": "every cell",
        "method": "cart",
        "recoding": "",
    }
    assert (columns["day"]["type"], columns["moment"]["type"], columns["pid"]["method"]) == (
        "date",
        "date and time",
        "surrogate",
    )
    with open(folder / "levels.csv", encoding="utf-8", newline="") as file:
        levels = list(csv.DictReader(file))
    assert [row["value"] for row in levels if row["variable"] == "grade"] == COLUMNS["grade"]["levels"]
    assert [(row["value"], row["label"], row["missing"]) for row in levels if row["variable"] == "asked"] == [
        ("1", "", "false"),
        ("2", "", "false"),
        ("3", "", "false"),
        ("-8", "refused", "true"),
    ]


def test_csvw_reads_the_codebook_and_the_sets(folder: Path) -> None:
    reader = pytest.importorskip("csvw", reason="the package csvw is not installed")
    found = reader.CSVW(str(folder / "csv-metadata.json"), validate=True)
    assert found.is_valid
    assert not found.warnings
    tables = list(found.tables)
    assert [str(table.url) for table in tables[:2]] == ["codebook.csv", "levels.csv"]
    assert len(tables) == 2 + 3
    for at, table in enumerate(tables[2:], 1):
        rows = pd.DataFrame(table.iterdicts())
        file = folder.parent / "release" / f"imputation=0{at}" / "part-0.parquet"
        stored = pd.read_parquet(file)
        assert list(rows) == list(stored)
        assert list(rows["income"].astype(float).fillna(-1)) == list(stored["income"].fillna(-1))
        assert list(rows["text"]) == list(stored["text"].astype(str))
        assert list(rows["employed"]) == list(stored["employed"])
        assert [day.date() for day in rows["day"]] == [day for day in pd.to_datetime(stored["day"]).dt.date]
        # A code of a kind of missing is no value.
        assert list(rows["asked"].isna()) == list(stored["asked"] == -8)


def test_ddi_is_valid(folder: Path, shared_reference: Path) -> None:
    """By the schema of the DDI Alliance (LGPL), where it lies among the reference data."""
    schema = shared_reference / "ddi-codebook-2.5" / "codebook.xsd"
    if not schema.exists():
        pytest.skip("the schema of DDI-Codebook 2.5 is not among the reference data")
    etree = pytest.importorskip("lxml.etree")
    rules = etree.XMLSchema(etree.parse(str(schema)))
    document = etree.parse(str(folder / "ddi-codebook.xml"))
    assert rules.validate(document), rules.error_log


# Of the documentation, in the order that the schema asks for.
ORDER = {
    "codeBook": ["docDscr", "stdyDscr", "fileDscr", "dataDscr"],
    "stdyDscr": ["citation", "stdyInfo", "method"],
    "fileTxt": ["fileName", "fileCont", "dimensns", "fileType"],
    "var": ["labl", "txt", "catgry", "varFormat"],
    "catgry": ["catValu", "labl"],
}


def test_ddi_has_what_the_documentation_asks_for(folder: Path) -> None:
    root = ET.parse(folder / "ddi-codebook.xml").getroot()
    assert root.tag == f"{SPACE}codeBook"
    for element in root.iter():
        if order := ORDER.get(element.tag.removeprefix(SPACE)):
            children = [child.tag.removeprefix(SPACE) for child in element]
            assert children == sorted(children, key=order.index)
    names = [one.get("ID") for one in root.iter() if one.get("ID")]
    assert len(names) == len(set(names))
    variables = root.findall(f".//{SPACE}var")
    assert [one.get("name") for one in variables] == list(survey())
    asked = next(one for one in variables if one.get("name") == "asked")
    assert [one.findtext(f"{SPACE}catValu") for one in asked.findall(f"{SPACE}catgry[@missing='Y']")] == ["-8"]
    assert root.findtext(f".//{SPACE}dataKind") == "synthetic data"


def test_signs_that_xml_cannot_hold_are_replaced(release: Path) -> None:
    manifest = json.loads((release / "_manifest.json").read_text(encoding="utf-8"))
    manifest["columns"][0] |= {"name": "a\x00b\ufffe", "label": "\x1b[31m"}
    root = ET.fromstring(ddi("t", "d", manifest, variables_of(manifest)))
    first = root.find(f".//{SPACE}var")
    assert first is not None
    assert first.get("name") == "a\ufffdb\ufffd"


def test_the_page_carries_the_dataset_of_schema_org(folder: Path) -> None:
    page = (folder / "index.html").read_text(encoding="utf-8")
    start = page.index('<script type="application/ld+json">') + len('<script type="application/ld+json">')
    carried: dict[str, Any] = json.loads(page[start : page.index("</script>", start)])
    assert carried == json.loads((folder / "dataset.jsonld").read_text(encoding="utf-8"))
    assert (carried["@context"], carried["@type"]) == ("https://schema.org", "Dataset")
    assert carried["name"] == "release (synthetic data)"
    for part in carried["distribution"]:
        assert (folder / part["contentUrl"]).resolve().is_file()


def test_a_release_without_csv_has_a_codebook_all_the_same(release: Path) -> None:
    from .conftest import rewrite

    def bare(manifest: dict[str, Any]) -> None:
        del manifest["copies"], manifest["helpers"], manifest["csv_missing"]
        for column in manifest["columns"]:
            del column["form"]  # of a release from before

    rewrite(release, bare)
    found = write_dossier(release)
    assert "guide.do" not in found.files
    tables = json.loads((release.with_name("release-dossier") / "csv-metadata.json").read_text())["tables"]
    assert [table["url"] for table in tables] == ["codebook.csv", "levels.csv"]


def test_of_very_many_files_the_first_are_described(release: Path) -> None:
    manifest = json.loads((release / "_manifest.json").read_text(encoding="utf-8"))
    one = manifest["copies"][0]
    manifest["copies"] = [{**one, "partition": at} for at in range(2000)]
    found = csvw("t", "A table.", manifest, variables_of(manifest), "../release")
    assert len(found["tables"]) == 2 + 100
    assert found["dc:description"].startswith("A table. Of 2,000 CSV files")
