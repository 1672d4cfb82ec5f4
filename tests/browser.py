"""Headless Chromium for tests of pages, over a pipe (`--remote-debugging-pipe`): no port and no driver."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 120.0  # seconds for one answer, on a machine under load
SIZES = [(1280, 900), (400, 800)]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")

# The browser reads its orders from descriptor 3 and answers on 4.
_WITH_PIPES = """
import os, sys
for place, pipe in zip((100, 101), sys.argv[1:3]):
    os.dup2(int(pipe), place, inheritable=False)
os.dup2(100, 3)
os.dup2(101, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""


class Chromium:
    """A headless browser with one tab, over the protocol of its developer tools."""

    def __init__(self, program: str, home: Path) -> None:
        down, self._write = os.pipe()
        self._read, up = os.pipe()

        self._process = subprocess.Popen(
            [
                *(sys.executable, "-c", _WITH_PIPES, str(down), str(up)),
                program,
                *("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"),
                *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
                *("--disable-sync", "--disable-default-apps", "--disable-extensions", "--disable-dev-shm-usage"),
                "--host-resolver-rules=MAP * ~NOTFOUND",
                f"--user-data-dir={home / 'profile'}",
                "about:blank",
            ],
            pass_fds=(down, up),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(down)
        os.close(up)
        self._rest = b""
        self._number = 0
        self.heard: list[dict[str, Any]] = []
        self._session: str | None = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One order and its answer; what the browser tells meanwhile is kept in `heard`."""
        self._number += 1
        order = {"id": self._number, "method": method, "params": params}
        order |= {"sessionId": self._session} if self._session else {}
        sent = memoryview(json.dumps(order).encode() + b"\0")
        while sent:
            sent = sent[os.write(self._write, sent) :]
        while True:
            told = self._next()
            if told.get("id") == self._number:
                assert "error" not in told, told["error"]
                return told["result"]
            self.heard.append(told)

    def show(self, page: Path, width: int, height: int, scheme: str = "light") -> None:
        """Opens a file at a size of the window and a wish of the system, and waits until it has loaded."""
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.heard.clear()
        self.ask("Page.navigate", url=page.as_uri())
        while not any(told["method"] == "Page.loadEventFired" for told in self.heard):
            self.heard.append(self._next())

    def value(self, expression: str) -> Any:
        """The value of an expression in the page."""
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def all_heard(self, method: str) -> list[dict[str, Any]]:
        """What was told by one kind of event since the page was opened."""
        return [told["params"] for told in self.heard if told["method"] == method]

    def close(self) -> None:
        """Ends the browser, by its process where it does not listen."""
        self._session = None
        try:
            self.ask("Browser.close")
            self._process.wait(30)
        except (EOFError, OSError, subprocess.TimeoutExpired):
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError("The browser does not answer.")
            part = os.read(self._read, 1 << 16)
            if not part:
                raise EOFError("The browser has gone.")
            self._rest += part
        told, self._rest = self._rest.split(b"\0", 1)
        return json.loads(told)


@contextmanager
def chromium_in(home: Path) -> Iterator[Chromium]:
    """A browser with its profile in a folder; where there is none, the test is skipped."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    browser = Chromium(program, home / "browser")
    try:
        yield browser
    finally:
        browser.close()


def complaints(browser: Chromium) -> list[str]:
    """What the console would show in red: violations of the page's policy, failed requests, exceptions."""
    told = [entry["entry"]["text"] for entry in browser.all_heard("Log.entryAdded")]
    told += [str(call["args"]) for call in browser.all_heard("Runtime.consoleAPICalled")]
    return told + [str(thrown) for thrown in browser.all_heard("Runtime.exceptionThrown")]


def requests(browser: Chromium) -> set[str]:
    return {sent["request"]["url"] for sent in browser.all_heard("Network.requestWillBeSent")}


# Text that is wider than its picture, cut off or over the edge of its panel.
OUTSIDE = """
[...document.querySelectorAll("svg text")].filter(text => {
    const own = text.getBoundingClientRect(), svg = text.closest("svg").getBoundingClientRect();
    return own.width && (own.left < svg.left - 3 || own.right > svg.right + 3
                         || own.top < svg.top - 3 || own.bottom > svg.bottom + 3);
}).map(text => text.textContent)
"""
