"""Assembles the HTML of a sweep's page from its assets and data: one file, which may load nothing."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Any, BinaryIO

from scenrun.report.page.html import inert

_SCRIPTS = ("model.js", "elements.js", "chart.js", "map.js", "page.js")
"""Each script relies on those before it."""
_POLICY = (
    "default-src 'none'; img-src data:; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"
)


def written(file: BinaryIO, data: dict[str, Any]) -> None:
    """Writes the page with its data."""
    style, script = _asset("page.css"), "\n".join(["(() => {", '"use strict";', *map(_asset, _SCRIPTS), "})();"])
    before, after = _asset("page.html").split("@DATA@")
    parts = (
        ("@POLICY@", _POLICY.format(style=_hash(style), script=_hash(script))),
        ("@STYLE@", style),
        ("@SCRIPT@", script),
    )
    for name, text in parts:
        before, after = before.replace(name, text), after.replace(name, text)
    file.write(before.encode())
    file.write(inert(data))
    file.write(after.encode())


def _asset(name: str) -> str:
    return (files(__package__) / "assets" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
