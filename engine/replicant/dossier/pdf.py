"""A page as PDF, printed by a headless browser if there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from replicant.errors import SpecError

__all__ = ["pdf_bytes"]

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_PATIENCE = 120  # seconds


def pdf_bytes(page: str | bytes) -> bytes:
    """Print a page.

    Parameters
    ----------
    page
        HTML that loads nothing.

    Returns
    -------
    bytes
        The PDF.

    Raises
    ------
    SpecError
        If there is no browser, or it does not print.
    """
    program = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if program is None:
        raise SpecError(
            "A PDF is wanted, and there is no browser on this machine that prints one.",
            need="Chromium, Chrome or Edge on the path",
            fix="install one (Debian: apt-get install chromium), or print the page from your own browser",
        )
    # The page may be confidential: its folder is private, and removed.
    with tempfile.TemporaryDirectory(prefix="replicant-") as folder:
        source, printed = Path(folder, "page.html"), Path(folder, "page.pdf")
        source.write_bytes(page.encode() if isinstance(page, str) else page)
        # Root has no sandbox for the browser; what it opens is our own page, which runs and loads nothing.
        root = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
        command = [
            *(program, "--headless", *root, "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
            *("--no-pdf-header-footer", f"--user-data-dir={folder}/profile", f"--print-to-pdf={printed}"),
            source.as_uri(),
        ]
        with suppress(OSError, subprocess.TimeoutExpired):  # seen by what it left
            subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)
        if not printed.is_file():
            raise SpecError(f"{Path(program).name} did not print the page.", fix="print it from your own browser")
        return printed.read_bytes()
