"""The shell of every page: one HTML file with its style, script and data, which may load nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, BinaryIO

from scenrun.trace.json_text import dumps

_HERE = __name__.rpartition(".")[0]
_POLICY = (
    "default-src 'none'; img-src data:; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"
)
"""The content security policy: only the page's own script and style, and no network."""


@dataclass(frozen=True, slots=True)
class Shell:
    """A kind of page; its assets are `page.html`, which is the body, `page.css`, and the scripts."""

    package: str
    """The package with the folder `assets`."""
    title: str
    scripts: Sequence[str]
    """Each script relies on those before it."""

    def write(self, file: BinaryIO, data: dict[str, Any]) -> None:
        """Writes a page with its data."""
        style = _asset(_HERE, "shell.css") + self._own("page.css")
        script = "\n".join(["(() => {", '"use strict";', *map(self._own, self.scripts), "})();"])
        policy = _POLICY.format(style=_hash(style), script=_hash(script))
        # The data is put in last: a text of the log may contain the other placeholders.
        before, after = _asset(_HERE, "shell.html").split("@DATA@")
        parts = {
            "TITLE": self.title,
            "POLICY": policy,
            "STYLE": style,
            "BODY": self._own("page.html"),
            "SCRIPT": script,
        }
        for name, text in parts.items():
            before, after = before.replace(f"@{name}@", text), after.replace(f"@{name}@", text)
        file.write(before.encode())
        file.write(_inert(data))
        file.write(after.encode())

    def _own(self, name: str) -> str:
        return _asset(self.package, name)


def _inert(data: Any) -> bytes:
    """JSON for use within HTML, with the characters escaped that could end its element or begin another."""
    return dumps(data).replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")


def _asset(package: str, name: str) -> str:
    return (files(package) / "assets" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
