"""A command line of scenrun as a record: what a result says so that a run, search, test or cell can be repeated."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Command:
    """`scenrun VERB FILE --option value`, with the options in their order."""

    verb: str
    """The name of the command; empty for a run."""
    file: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """Values by name, with `_` or `-`: True is a flag, None and False are left out, of several each has its option."""

    def also(self, **options: Any) -> Command:
        """The command with more options behind these."""
        return replace(self, options={**self.options, **options})

    @property
    def words(self) -> list[str]:
        """The words behind the verb."""
        file = f"./{self.file}" if self.file.startswith("-") and self.file != "-" else self.file
        return [file, *(word for name, value in self.options.items() for word in _option(name, value))]

    def __str__(self) -> str:
        return shlex.join(["scenrun", *([self.verb] if self.verb else []), *self.words])


def _option(name: str, value: Any) -> Iterator[str]:
    given = f"--{name.replace('_', '-')}"
    if value is True:
        yield given
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from (given, f"{key}={one}")
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from (given, str(one))
    elif value is not None and value is not False:
        yield from (given, str(value))
