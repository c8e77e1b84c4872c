"""Short names of parameters and values for headings and axes, and the command lines that run a cell again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from scenrun.batch.sweep.cell import Job, Row
from scenrun.batch.sweep.options import shown as option_name
from scenrun.errors import ScenarioError
from scenrun.language.source import scalar
from scenrun.printable import clean
from scenrun.report.rerun_command import Command
from scenrun.report.width import short

_SECTIONS = ("threads", "sync", "state", "behaviours", "objects")


def labels(paths: Sequence[str]) -> dict[str, str]:
    """For each path its shortest unambiguous ending: `consumer.count`, or `count` alone."""
    return {path: _label(path, paths) for path in paths}


def _label(path: str, paths: Sequence[str]) -> str:
    parts = path.split(".")
    begin = 1 if parts[0] in _SECTIONS and len(parts) > 1 else 0
    own = [part for part in parts[begin:] if part != "args"] or parts
    for size in range(min(2, len(own)), len(own) + 1):
        name = ".".join(own[-size:])
        if not any(other != path and ("." + other).endswith("." + name) for other in paths):
            return clean(name)
    return clean(path)


def value_text(value: Any) -> str:
    """A value as written in a file."""
    if isinstance(value, str):
        return clean(value)
    return clean(json.dumps(value, ensure_ascii=False, default=str))


def named(parameters: Mapping[str, Any], names: Mapping[str, str], most: int = 60) -> str:
    """A combination in one line of at most `most` columns."""
    text = ", ".join(f"{names[path]}={value_text(value)}" for path, value in parameters.items())
    return short(text, most)


class Commands:
    """The command lines of a sweep's cells."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def again(self, row: Row) -> str:
        """The command that runs this cell again."""
        return str(self._again(row))

    def report(self, row: Row) -> str:
        """The command that makes a page of this cell."""
        page = f"cell-{row['number']}.html"
        if self.job.how == "simulate" and not self.job.options:
            sets = [*self._sets(row), f"seed={row['seed']}"]
            return f"{Command('report', self._file, {'set': sets})} -o {page}"
        kept = f"cell-{row['number']}" + (".json" if self.job.how == "explore" else ".jsonl")
        keeping = {"save": kept} if self.job.how == "explore" else {"level": "debug", "log": kept}
        return f"{self._again(row).also(**keeping)}; scenrun report {kept} -o {page}"

    def _again(self, row: Row) -> Command:
        options = {option_name(name).removeprefix("--"): value for name, value in self.job.options.items()}
        return Command(self.job.how, self._file, {"set": self._sets(row), "seed": row["seed"], **options})

    @property
    def _file(self) -> str:
        return "-" if self.job.name == "<stdin>" else self.job.name

    def _sets(self, row: Row) -> list[str]:
        overrides = {**self.job.overrides, **row["parameters"]}
        return [f"{path}={written(value)}" for path, value in overrides.items()]


def written(value: Any) -> str:
    """A value in the form that `--set` reads; quoted if plain text would be read as another type."""

    if isinstance(value, str):
        try:
            is_plain = scalar(value) == value and type(scalar(value)) is not bool
        except ScenarioError:
            is_plain = False
        return str(value) if is_plain else json.dumps(value)
    return json.dumps(value, default=str)
