"""A bucket, a connection that breaks when it is told to, a table and its jobs."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd

KEY_ID = "CANARYKEYIDENTIFIER"
SECRET = "CANARYsecretCANARY"

BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
FAULTY = b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"
DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
UNKNOWN = f"<Error><Code>InvalidAccessKeyId</Code><Message>{KEY_ID} is not known.</Message></Error>".encode()
ANSWERS = {"busy": (503, BUSY), "faulty": (500, FAULTY), "denied": (403, DENIED), "unknown": (403, UNKNOWN)}


@dataclass
class Break:
    """One thing that goes wrong.

    Attributes
    ----------
    method, path
        The first request with this method, and this pattern in its path and query, is hit.
    how
        `cut`: the connection is reset in the middle of the request. `torn`: in the middle of the answer. `lost`: after
        the request was carried out, before the answer. `stall`: silence, then reset. Else a key of `ANSWERS`.
    times
        So many requests are hit, one after the other.
    """

    method: str
    path: str
    how: str
    times: int = 1


@dataclass
class Connection:
    """The way from the client to the server."""

    url: str = ""
    breaks: list[Break] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fate(self, method: str, path: str) -> str | None:
        """What becomes of a request."""
        with self.lock:
            path = unquote(path)
            self.seen.append(f"{method} {path}")
            for one in self.breaks:
                if one.times and one.method == method and re.search(one.path, path):
                    one.times -= 1
                    self.happened.append(one.how)
                    return one.how
        return None


@dataclass
class Bucket:
    """A bucket as one sees it who does not go through fsspec, nor through the connection that breaks."""

    name: str
    server: tuple[str, int]

    @property
    def url(self) -> str:
        """Of the bucket."""
        return f"s3://{self.name}"

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """A request to the server."""
        way = http.client.HTTPConnection(*self.server)
        said = (
            f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20261101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
        )
        way.request(method, f"/{self.name}{path}", body, {"Authorization": said})
        answer = way.getresponse()
        content = answer.read()
        way.close()
        assert answer.status < 300, (method, path, content)
        return content

    def files(self, under: str = "") -> dict[str, bytes]:
        """Every file and its bytes."""
        listed = self.ask("GET", f"?list-type=2&prefix={under}").decode()
        return {name: self.ask("GET", f"/{name}") for name in re.findall("<Key>([^<]*)</Key>", listed)}

    def put(self, name: str, content: bytes) -> None:
        """Write a file."""
        self.ask("PUT", f"/{name}", content)

    def uploads(self) -> int:
        """Uploads in parts that were begun and neither ended nor given up."""
        return self.ask("GET", "?uploads").decode().count("<UploadId>")


def frame(n: int = 1200) -> pd.DataFrame:
    """A few records in three regions."""
    rng = np.random.default_rng(12)
    x = rng.normal(50, 9, n).round(1)
    y = np.round(x / 2 + rng.normal(0, 2, n), 1)
    y[rng.random(n) < 0.1] = np.nan
    region = rng.choice(["north", "south", "west"], n, p=[0.5, 0.3, 0.2])
    return pd.DataFrame({"x": x, "y": y, "count": rng.poisson(3, n), "region": region})


def settings(kind: str, source: str, target: str, **output: Any) -> dict[str, Any]:
    """A job in memory or in parts, as a document."""
    synthesis = {"m": 2, "seed": 7} | ({"partition_rows": 600} if kind == "parts" else {})
    return {
        "input": {"path": source},
        "synthesis": synthesis,
        "output": {"path": target, "csv": True, "helpers": ["r"], **output},
    }


def digests(files: dict[str, bytes], under: str) -> dict[str, str]:
    """The files of a release and their sha256; of the manifest all but the day, whose hash is in `_SUCCESS`."""
    found = {}
    for name, content in files.items():
        inside = name.removeprefix(f"{under}/")
        if inside in {name, "_SUCCESS"}:
            continue
        if inside == "_manifest.json":
            said = json.loads(content)
            said.pop("created")
            found[inside] = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        else:
            found[inside] = hashlib.sha256(content).hexdigest()
    return found
