"""Finds scenario files by their text, without parsing YAML and without heavy imports."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from scenrun.errors import UsageError

SUFFIXES = (".yaml", ".yml")
LOOKED_AT = 1_000_000
"""Bytes of a file that are searched: no scenario has more."""
_NAMED = re.compile(rb"""^(?:\xef\xbb\xbf)?(?:\{\s*)?(["']?)scenario\1[ \t]*:[ \t]+[^\s#{\[&*!|>]""", re.MULTILINE)
"""A top-level key `scenario` with a plain name on its line: files of other tools have mappings below such a key."""


def is_scenario(path: str | os.PathLike[str]) -> bool:
    """Whether a file looks like a scenario, valid or not; an unreadable one does not."""
    if not os.fspath(path).endswith(SUFFIXES):
        return False
    try:
        with open(path, "rb") as file:
            return _NAMED.search(file.read(LOOKED_AT)) is not None
    except OSError:
        return False


def scenarios_among(given: Iterable[str]) -> list[str]:
    """The given files, and the scenarios in and below the given folders; each once."""
    found: dict[str, None] = {}
    for one in given:
        path = Path(one)
        if path.is_dir():
            below = list(_below(one))
            if not below:
                raise UsageError(f"there are no scenarios in {one}")
            found.update(dict.fromkeys(below))
        elif path.exists():
            found[str(path)] = None
        else:
            raise UsageError(f"there is no file and no folder {one}")
    return list(found)


def _below(folder: str) -> Iterator[str]:
    """The scenarios in and below a folder, sorted; hidden folders and Python environments are left out."""
    for where, folders, files in os.walk(Path(folder)):
        folders[:] = sorted(name for name in folders if not _is_passed_over(os.path.join(where, name)))
        yield from (path for name in sorted(files) if is_scenario(path := str(Path(where, name))))


def _is_passed_over(folder: str) -> bool:
    return os.path.basename(folder).startswith(".") or os.path.exists(os.path.join(folder, "pyvenv.cfg"))
