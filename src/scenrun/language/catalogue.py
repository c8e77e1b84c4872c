"""Locates the scenarios, behaviours and schemas that are shipped with scenrun, in an installed package or a checkout."""

from __future__ import annotations

from pathlib import Path

from scenrun.errors import UsageError
from scenrun.language import behaviours
from scenrun.language.suggestions import did_you_mean

_PACKAGE = Path(__file__).parent.parent


def shipped(folder: str) -> Path:
    """The path of the folder `scenarios` or `schemas`: inside an installed package, or at the top of a checkout."""
    installed = _PACKAGE / folder
    return installed if installed.is_dir() else _PACKAGE.parent.parent / folder


def files(folder: Path) -> list[Path]:
    """The scenario files in a folder and its subfolders, sorted."""
    return sorted(p for p in folder.rglob("*.y*ml") if p.suffix in (".yaml", ".yml"))


def scenario_text(name: str) -> str:
    """The text of a shipped scenario or of a built-in behaviour's file; raises UsageError for an unknown name."""

    known = {path.stem: path for path in files(shipped("scenarios"))}
    if name in known:
        return known[name].read_text(encoding="utf-8")
    if name in behaviours.names():
        return behaviours.text(name)
    hint = did_you_mean(name, [*known, *behaviours.names()])
    raise UsageError(f"there is no shipped scenario or behaviour `{name}`{hint}; `scenrun list` lists them")
