"""The page's own parts put together with its data: one file, which may ask nothing of anybody."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Any, BinaryIO

from scenrun.trace.json_text import dumps

_SCRIPTS = ("model.js", "texts.js", "tracks.js", "lanes.js", "draw.js", "timeline.js", "source.js", "table.js",
            "figures.js", "summary.js", "player.js", "page.js")  # fmt: skip
"""In the order in which each relies on those before it."""
_POLICY = (
    "default-src 'none'; img-src data:; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"
)
"""The page may run its own script and use its own style, and may ask nobody for anything."""


def write(file: BinaryIO, data: dict[str, Any]) -> None:
    """Write the page with its data."""
    style, script = _asset("page.css"), "\n".join(["(() => {", '"use strict";', *map(_asset, _SCRIPTS), "})();"])
    policy = _POLICY.format(style=_hash(style), script=_hash(script))
    before, after = _asset("page.html").split("@DATA@")
    for name, text in (("@POLICY@", policy), ("@STYLE@", style), ("@SCRIPT@", script)):
        before, after = before.replace(name, text), after.replace(name, text)
    file.write(before.encode())
    file.write(inert(data))
    file.write(after.encode())


def inert(data: Any) -> bytes:
    """JSON that stands in a page without a character that could end or open anything there."""
    return dumps(data).replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")


def _asset(name: str) -> str:
    return (files(__package__) / "assets" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
