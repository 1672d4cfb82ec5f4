"""`replicant dossier` and `replicant destroy-seed`."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..commands import Command


def test_the_documents_of_a_run_and_the_end_of_its_seed(replicant: Command, place: Path, frame: pd.DataFrame) -> None:
    frame.to_csv(place / "data.csv", index=False)
    (place / "job.yaml").write_text("input: {path: data.csv}\nsynthesis: {m: 2, seed: 5}\noutput: {path: release}\n")
    assert replicant("run", "job.yaml").code == 0
    said = replicant("dossier", "release").out
    assert "public:  " in said
    assert (place / "release-dossier" / "index.html").is_file()
    assert "(confidential)" in said
    gone = replicant("destroy-seed", "release").out
    assert "The seed is removed from the internal folder: dossier/report.json, _manifest.json" in gone
    assert "destroyed" in replicant("destroy-seed", "release").out
    assert replicant("verify", "release").code == 0


def test_what_is_not_there_is_said(replicant: Command) -> None:
    for command in ("dossier", "destroy-seed"):
        outcome = replicant(command, "nothing")
        assert outcome.code != 0
        assert "There is no finished release at" in outcome.err
