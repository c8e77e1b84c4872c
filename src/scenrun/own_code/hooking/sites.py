"""The places of the source at which instrumented code announces what it is about to do."""

from __future__ import annotations

import linecache
from typing import NamedTuple


class Site(NamedTuple):
    """One place of the source."""

    file: str
    line: int
    function: str
    """The qualified name of the function; `<module>` outside of one."""
    what: str
    """What is accessed there, as the source names it: an attribute, `[]`, a variable, a call."""

    @property
    def text(self) -> str:
        """The line of the source."""
        return linecache.getline(self.file, self.line).strip()


SITES: list[Site] = []
"""All sites of this process, by number: instrumented code has the numbers."""


def number_of(site: Site) -> int:
    """The number of a new site."""
    SITES.append(site)
    return len(SITES) - 1
