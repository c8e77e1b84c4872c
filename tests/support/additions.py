"""A copy of the package to which a test adds something, at the places that docs/contributing.md names."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import jsonschema

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "scenrun"
PAGE = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")


def places_of(section: str) -> set[str]:
    """The files of the package that a section of the page names, with `*` for what is called by its kind, object or view."""
    text = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    (found,) = (part for part in text if part.startswith(f"{section}\n"))
    named = re.findall(r"`([\w/]+/[\w]+\.py)`", found)
    return {re.sub("[A-Z]{3,}", "*", name) for name in named if not name.startswith("tests/")}


class Addition:
    """A copy of the package, and the files in it that were changed or made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.package = folder / "src" / "scenrun"
        self.touched: set[str] = set()
        shutil.copytree(PACKAGE, self.package, ignore=shutil.ignore_patterns("__pycache__"))

    # --- changes

    def make(self, path: str, text: str) -> None:
        """Writes a new file."""
        file = self.package / path
        assert not file.exists(), f"{path} is there already"
        file.write_text(text, encoding="utf-8")
        self.touched.add(path)

    def before(self, path: str, anchor: str, text: str) -> None:
        """Writes a text before one that is there once."""
        self.replace(path, anchor, text + anchor)

    def after(self, path: str, anchor: str, text: str) -> None:
        """Writes a text behind one that is there once."""
        self.replace(path, anchor, anchor + text)

    def replace(self, path: str, old: str, new: str) -> None:
        """Replaces a text that is there once."""
        file = self.package / path
        assert file.exists(), f"{path} is not there any more: docs/contributing.md and this test name the place anew"
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, (
            f"{path} has {old!r} {text.count(old)} times, not once: the place has moved; docs/contributing.md and this test "
            "name it anew"
        )
        file.write_text(text.replace(old, new), encoding="utf-8")
        self.touched.add(path)

    def scenario(self, name: str, text: str) -> Path:
        """Writes a scenario file."""
        path = self.folder / f"{name}.yaml"
        path.write_text(f"scenario: {name}\n{text}", encoding="utf-8")
        return path

    def strays(self, section: str) -> set[str]:
        """The files that were touched and that the section does not name, and those that it names and that were not touched."""
        named = places_of(section)
        of_its_own = self.touched - named
        unnamed = {path for path in of_its_own if not any(fnmatch(path, place) for place in named)}
        return unnamed | {
            place for place in named - self.touched if not any(fnmatch(path, place) for path in of_its_own)
        }

    # --- what it does then

    def said(self, *arguments: str | Path, status: int = 0) -> str:
        """What a command line of the copy prints, on both streams."""
        return self._run("-m", "scenrun", *map(str, arguments), status=status)

    def lines(self, log: Path) -> list[dict[str, Any]]:
        """The lines of a log, which fit the copy's own schema."""
        validator = jsonschema.Draft202012Validator(json.loads(self.said("schema", "event")))
        lines = [json.loads(text) for text in log.read_text(encoding="utf-8").splitlines()]
        assert [error.message for line in lines for error in validator.iter_errors(line)] == []
        return lines

    def logs_of(self, scenario: Path, status: int = 0) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Each way of running a scenario once, with the lines of its log."""
        for way in ("run", "simulate"):
            log = scenario.with_suffix(f".{way}.jsonl")
            self.said(way, scenario, "--level", "debug", "--log", log, "-q", status=status)
            yield way, self.lines(log)

    def verdict(self, scenario: Path, status: int = 0, **options: Path) -> dict[str, Any]:
        """What a search of all schedules finds."""
        more = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        document, *_ = self.said("explore", scenario, "--json", "-q", *more, status=status).splitlines()
        found: dict[str, Any] = json.loads(document)
        return found

    def is_shown_again(self, schedule: Path, finding: str) -> bool:
        """Whether a counterexample is replayed, on real threads and in virtual time, to its finding."""
        return all(finding in self.said("replay", schedule, "--on", where) for where in ("threads", "simulator"))

    def reference(self) -> str:
        """The reference that the copy generates."""
        return self._run("-m", "scenrun.interface.reference")

    def schema(self) -> dict[str, Any]:
        """The schema of scenario files that the copy generates."""
        found: dict[str, Any] = json.loads(self.said("schema", "scenario"))
        return found

    def _run(self, *arguments: str, status: int = 0) -> str:
        # bytecode is written, as the copy has none and dozens of commands would compile it anew
        others = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, text=True, encoding="utf-8", timeout=120, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={**others, "PYTHONPATH": str(self.package.parent), "COLUMNS": "200"},
        )  # fmt: skip
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}"
        return done.stdout
