"""Assembles the HTML of a run's page from its assets and data: one file, which may load nothing."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Any, BinaryIO

from scenrun.trace.json_text import dumps

_SCRIPTS = ("model.js", "texts.js", "tracks.js", "lanes.js", "draw.js", "timeline.js", "source.js", "table.js",
            "figures.js", "summary.js", "player.js", "page.js")  # fmt: skip
"""Each script relies on those before it."""
_POLICY = (
    "default-src 'none'; img-src data:; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"
)
"""The content security policy: only the page's own script and style, and no network."""


def write(file: BinaryIO, data: dict[str, Any]) -> None:
    """Writes the page with its data."""
    style, script = _asset("page.css"), "\n".join(["(() => {", '"use strict";', *map(_asset, _SCRIPTS), "})();"])
    policy = _POLICY.format(style=_hash(style), script=_hash(script))
    # The data is put in last: a text of the log may contain the other placeholders.
    before, after = _asset("page.html").split("@DATA@")
    for name, text in (("@POLICY@", policy), ("@STYLE@", style), ("@SCRIPT@", script)):
        before, after = before.replace(name, text), after.replace(name, text)
    file.write(before.encode())
    file.write(inert(data))
    file.write(after.encode())


def inert(data: Any) -> bytes:
    """JSON for use within HTML, with the characters escaped that could end its element or begin another."""
    return dumps(data).replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")


def _asset(name: str) -> str:
    return (files(__package__) / "assets" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
