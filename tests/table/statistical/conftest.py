"""Files that R's haven writes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def haven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of files made by `haven.R`."""
    folder = tmp_path_factory.mktemp("haven")
    if shutil.which("Rscript") is None:
        pytest.skip("no Rscript on this machine")
    script = Path(__file__).with_name("haven.R")
    done = subprocess.run(["Rscript", str(script), str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        assert "no package called" in done.stderr, done.stderr
        pytest.skip("R is here without haven (Debian: r-cran-haven)")
    return folder
