"""What is written, where, and who may read it."""

from __future__ import annotations

import json
import re
import shutil
import stat
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import replicant as rp
from replicant.dossier.seed import destroy_seed
from replicant.dossier.write import write_dossier
from replicant.errors import ReleaseError

from .conftest import CANARY, HIGH, LOW, SEED, VALUE, gate, judged, rewrite

PUBLIC = [
    "index.html",
    "guide.py",
    "guide.R",
    "guide.do",
    "dictionary.html",
    "guide.html",
    "codebook.csv",
    "levels.csv",
    "csv-metadata.json",
    "ddi-codebook.xml",
    "dataset.jsonld",
]
BOARD = ["index.html", "risk-assessment.html", "record.html"]


def words(page: Path) -> str:
    """The text of a page."""

    class Text(HTMLParser):
        parts: list[str] = []  # noqa: RUF012
        silent = 0

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            self.silent += tag in {"style", "script"}

        def handle_endtag(self, tag: str) -> None:
            self.silent -= tag in {"style", "script"}

        def handle_data(self, data: str) -> None:
            if not self.silent:
                self.parts.append(data)

    reader = Text()
    reader.parts = []
    reader.feed(page.read_text(encoding="utf-8"))
    return " ".join(" ".join(reader.parts).split())


def test_every_document_is_there_and_the_board_s_are_private(release: Path) -> None:
    found = rp.dossier(judged(release))
    assert list(found.files) == [*PUBLIC, *(f"board/{name}" for name in BOARD)]
    assert found.public is not None
    assert found.board is not None
    public, board = Path(found.public), Path(found.board)
    assert sorted(file.name for file in public.iterdir()) == sorted([*PUBLIC, "report.json"])
    assert sorted(file.name for file in board.iterdir()) == sorted([*BOARD, "report.json"])
    assert stat.S_IMODE(board.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in board.iterdir()} == {0o600}
    assert rp.verify_release(release).ok


def test_nothing_confidential_is_in_a_public_document(release: Path) -> None:
    judged(release)
    internal = json.loads(release.with_name("release-internal").joinpath("_manifest.json").read_text())
    secrets = [SEED, internal["digest"], internal["input"]["digest"], CANARY, int(CANARY), VALUE, LOW, HIGH, 0.123457]
    secrets += ["class_match", "age x region", "release-internal"]
    write_dossier(release)
    for file in release.with_name("release-dossier").iterdir():
        text = file.read_text(encoding="utf-8")
        assert not [secret for secret in map(str, secrets) if secret in text], file.name
    inner = "".join(file.read_text() for file in (release.with_name("release-internal") / "dossier").iterdir())
    assert all(str(secret) in inner for secret in (SEED, internal["digest"], VALUE))


def test_the_verdict_comes_first(release: Path) -> None:
    for verdict, said in {
        "passed": "Passed: all 4 checks that could be judged for the tier “public”.",
        "overridden": "Released by override: 1 of 4 checks for the tier “public” failed. linkability: overridden by A. "
        "Owner on 2026-11-30: the terms of use forbid it",
    }.items():
        judged(release, verdict)
        write_dossier(release)
        for page in (release.with_name("release-dossier"), release.with_name("release-internal") / "dossier"):
            text = words(page / "index.html")
            assert text.index(said) < 120
            assert "Could not be judged: canaries." in text


def test_a_release_without_a_gate_says_that_nobody_judged_it(release: Path) -> None:
    write_dossier(release)
    assert "no gate has judged this release" in words(release.with_name("release-dossier") / "index.html")
    board = words(release.with_name("release-internal") / "dossier" / "index.html")
    assert "There are no thresholds to compare it with" in board
    assert "no disclosure.json beside the internal manifest" in board


def test_the_board_sees_thresholds_sources_intervals_and_counts(release: Path) -> None:
    write_dossier(judged(release, "overridden"))
    text = words(release.with_name("release-internal") / "dossier" / "index.html")
    for said in (
        "0.03127 0.02127 to 0.04127 (upper end judged) age x region at most 0.09 El Emam",
        "El Emam [J]",
        "0.55 0.09 a small <i>table</i>",
        "Keys, which an intruder is taken to know: age, region. Targets: income.",
        "replicated uniques (repU) 37 3 300",  # 0.123457 and 0.01 of 300 records
        "1 redraw: Rows at risk were drawn again. kept 45 1,234 linkability none k-marginal score 951.2 → 948.5",
        "disclosure: linkability: too few columns",
        "mean income by region 12 %",
        "Compared with 30 real rows (10.0 % of the table) that were held out",
    ):
        assert said in text
    assessment = words(release.with_name("release-internal") / "dossier" / "risk-assessment.html")
    assert "3. Motivated-intruder test" in assessment
    assert "linkability: failed, overridden; population: does not apply" in assessment


def test_the_board_sees_what_protection_changed(release: Path) -> None:
    row = {"leaves": 1200, "rows": 300, "few_records": 31, "few_values": 4, "dominated": 2, "rows_short": 75}
    counts = {"income": {**row, "explained_unprotected": 0.51, "explained": 0.42}}
    rewrite(release.with_name("release-internal"), lambda manifest: manifest.update(protection=counts))
    write_dossier(release)
    page = words(release.with_name("release-internal") / "dossier" / "index.html")
    assert "income 1,200 31 4 2 25.0% 51.0% 42.0%" in page
    assert "1,200" not in words(release.with_name("release-dossier") / "index.html")


def test_a_withheld_release_gets_the_board_s_documents_only(release: Path) -> None:
    internal = release.with_name("release-internal")
    shutil.copytree(release, internal / "withheld")
    (internal / "withheld-internal").mkdir()
    shutil.copy(internal / "_manifest.json", internal / "withheld-internal")
    rewrite(internal / "withheld-internal", lambda manifest: manifest.update(gate=gate("withheld")))
    assert write_dossier(release, withheld=True).public is None  # of a job that was to replace a release
    shutil.rmtree(release)
    (internal / "_manifest.json").unlink()
    found = write_dossier(release)
    assert found.public is None
    with pytest.raises(ReleaseError, match="withholds it"):
        destroy_seed(release)
    assert not release.with_name("release-dossier").exists()
    text = words(internal / "dossier" / "index.html")
    assert "Withheld: 1 of 4 checks for the tier “public” failed. linkability: more than the control" in text


def test_a_release_whose_internal_manifest_is_elsewhere_gets_the_public_ones(release: Path) -> None:
    internal = release.with_name("release-internal")
    shutil.move(internal, release.with_name("safe"))
    assert write_dossier(release).board is None
    assert write_dossier(release, release.with_name("safe")).board == str(release.with_name("safe") / "dossier")


def test_an_internal_manifest_of_another_release_is_refused(release: Path) -> None:
    rewrite(release.with_name("release-internal"), lambda manifest: manifest["files"][0].update(sha256="0" * 64))
    with pytest.raises(ReleaseError, match="of another release"):
        write_dossier(release)
    with pytest.raises(ReleaseError, match="no finished release"):
        write_dossier(release.with_name("nothing"))


def test_completed_records_are_no_synthetic_data(release: Path) -> None:
    rewrite(release, lambda manifest: manifest.update(synthetic=False))
    with pytest.raises(ReleaseError, match="are real records"):
        write_dossier(release)


def test_evaluations_of_an_earlier_release_say_nothing_of_this_one(release: Path) -> None:
    judged(release)
    kept = release.with_name("release-internal") / "disclosure.json"
    kept.write_text(json.dumps({"release": "0" * 64, **json.loads(kept.read_text())}))
    write_dossier(release)
    assert "no disclosure.json" in words(release.with_name("release-internal") / "dossier" / "index.html")


def test_what_the_board_has_written_is_kept(release: Path) -> None:
    write_dossier(release)
    assert write_dossier(release).kept == ()
    page = release.with_name("release-internal") / "dossier" / "risk-assessment.html"
    page.write_text(page.read_text().replace("</main>", "<p>Decided.</p></main>"))
    for _ in range(2):
        assert write_dossier(release).kept == ("risk-assessment.html",)
        assert "Decided." in page.read_text()


def test_names_and_texts_of_the_data_are_escaped(release: Path) -> None:
    write_dossier(judged(release))
    for folder in (release.with_name("release-dossier"), release.with_name("release-internal") / "dossier"):
        for page in folder.glob("*.html"):
            html = page.read_text(encoding="utf-8")
            assert "alert(1)</script>" not in html
            assert "<b>at</b>" not in html
            assert "<i>table" not in html
            assert not re.search(r"""(src|href)=["'](https?:)?//""", html)
            assert html.count("<script") == (page.name == "index.html" and folder.name == "release-dossier")


def test_the_page_can_be_made_again_from_its_report(release: Path) -> None:
    from replicant.report import dossier_page

    write_dossier(judged(release))
    folder = release.with_name("release-dossier")
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    linked = json.loads((folder / "dataset.jsonld").read_text(encoding="utf-8"))
    assert dossier_page.release(report, linked, [*report["documents"], "report.json"]) == (
        folder / "index.html"
    ).read_text(encoding="utf-8")
    assert dossier_page.dictionary(report) == (folder / "dictionary.html").read_text(encoding="utf-8")
