"""The files that the studio may read and write: scenarios in the folder that it was opened on, and below."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from scenrun.errors import UsageError
from scenrun.language import catalogue
from scenrun.language.source import MAX_BYTES

SUFFIXES = (".yaml", ".yml")
MOST_FILES = 2_000


class Folder:
    """One folder with scenarios."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def names(self) -> list[str]:
        """The scenario files, by their paths from the folder on."""
        found = []
        for path in catalogue.files(self.root):
            inside = path.relative_to(self.root)
            if not any(part.startswith(".") for part in inside.parts):
                found.append(inside.as_posix())
        return found[:MOST_FILES]

    def path(self, name: str) -> Path:
        """The path of a file in the folder; raises UsageError for one that leads out of it, or is no scenario."""
        if not name or "\0" in name or not name.endswith(SUFFIXES):
            raise UsageError("a scenario's file is called NAME.yaml")
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root):
            raise UsageError(f"{name[:80]} is not in the folder that the studio was opened on")
        return path

    def read(self, name: str) -> str:
        """The text of a file; raises UsageError where it cannot be read."""
        try:
            with self.path(name).open("rb") as file:
                return file.read(MAX_BYTES + 1).decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"cannot read {name[:80]}: {getattr(error, 'strerror', None) or 'it is not UTF-8'}"
            ) from None

    def write(self, name: str, text: str) -> None:
        """Write a file whole, or not at all; raises UsageError where it cannot be written."""
        path, data = self.path(name), text.encode()
        if len(data) > MAX_BYTES:
            raise UsageError(f"a scenario has at most {MAX_BYTES:,} bytes")
        beside = None
        try:
            descriptor, beside = tempfile.mkstemp(prefix=".scenrun-", dir=path.parent)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            os.chmod(beside, path.stat().st_mode & 0o7777 if path.exists() else 0o644)
            os.replace(beside, path)
        except OSError as error:
            if beside is not None:
                with suppress(OSError):
                    os.unlink(beside)
            raise UsageError(f"cannot write {name[:80]}: {error.strerror}") from None
