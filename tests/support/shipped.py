"""The scenarios of the repository, with a number of replicas where a file leaves it open."""

from __future__ import annotations

from pathlib import Path

import yaml

import scenrun

REPLICAS = 3


def counts(path: str | Path) -> dict[str, int]:
    """Overrides that say how many there are in the groups of a file with `count: any`."""
    groups = yaml.safe_load(Path(path).read_text(encoding="utf-8")).get("threads") or {}
    return {f"threads.{name}.count": REPLICAS for name, group in groups.items() if group.get("count") == "any"}


def shipped(path: str | Path) -> scenrun.Loaded:
    """A file of the repository, loaded."""
    return scenrun.load(path, overrides=counts(path))
