"""The files that the studio may read and write: scenarios and schedules in the folder that it was opened on, and below."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from scenrun.errors import UsageError
from scenrun.language.source import MAX_BYTES
from scenrun.model.move_schedule import parse
from scenrun.model.turn_schedule import json_value
from scenrun.printable import clean

SUFFIXES = (".yaml", ".yml")
SCHEDULE = ".schedule.json"
MOST_FILES, MOST_LOOKED_AT = 2_000, 20_000
"""The most files that are listed, and that are looked at for it."""


class Folder:
    """One folder with scenarios."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def names(self) -> list[str]:
        """The scenario files, by their paths from the folder on."""
        return self._ending_in(SUFFIXES)

    def schedules(self) -> list[str]:
        """The schedules that were kept."""
        return self._ending_in((SCHEDULE,))

    def _ending_in(self, suffixes: tuple[str, ...]) -> list[str]:
        return sorted(islice((name for name in self._walked() if name.endswith(suffixes)), MOST_FILES))

    def _walked(self) -> Iterator[str]:
        """The files in the folder and below, those that are hidden, or whose names cannot be shown, left out."""
        looked_at = 0
        for place, folders, files in os.walk(self.root):
            folders[:] = sorted(one for one in folders if not one.startswith("."))
            inside = Path(place).relative_to(self.root)
            yield from (name for one in sorted(files) if is_shown(name := (inside / one).as_posix()) and one[0] != ".")
            looked_at += len(files) + len(folders)
            if looked_at > MOST_LOOKED_AT:
                return

    def path(self, name: str) -> Path:
        """The path of a file in the folder; raises UsageError for one that leads out of it, or is neither of its kinds."""
        if not is_shown(name) or not name.endswith((*SUFFIXES, SCHEDULE)):
            raise UsageError(f"a scenario's file is called NAME.yaml, and a schedule's NAME{SCHEDULE}")
        try:
            path = (self.root / name).resolve()
            is_circle = path.is_symlink()  # links in a circle, which Python resolves from 3.13 on to one of them
        except (OSError, RuntimeError):
            is_circle = True
        if is_circle:
            raise UsageError(f"{name[:80]} leads nowhere")
        if not path.is_relative_to(self.root):
            raise UsageError(f"{name[:80]} is not in the folder that the studio was opened on")
        return path

    def shown(self, name: str) -> str:
        """The path of a file as a command finds it from where the studio was begun."""
        path = self.root / name
        here = Path.cwd()
        return str(path.relative_to(here) if path.is_relative_to(here) else path)

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
            raise UsageError(f"a file of the studio has at most {MAX_BYTES:,} bytes")
        if name.endswith(SCHEDULE):
            parse(json_value(text), name)
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


def is_shown(name: str) -> bool:
    """Whether a name can be shown as it is: neither empty, nor with characters that are unprintable or no text at all."""
    return bool(name) and clean(name) == name
