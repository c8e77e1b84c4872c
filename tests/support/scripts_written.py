"""Writes the scripts of all scenarios that can be said in plain Python into a folder, for ruff: `python scripts_written.py FOLDER`."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from shipped import shipped

from scenrun.errors import ScenarioError
from scenrun.plain_python.whole import plain_python

ROOT = Path(__file__).parents[2]


def write_all(folder: Path) -> None:
    """Write a script for each scenario of the repository."""
    folder.mkdir(parents=True)
    for file in sorted((ROOT / "scenarios").rglob("*.yaml")):
        with suppress(ScenarioError):
            (folder / f"{file.stem}.py").write_text(plain_python(shipped(file)).text, encoding="utf-8")


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
