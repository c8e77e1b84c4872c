"""What the tabs of one studio share: who may ask, the files, the jobs, and the pages of results."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from weakref import WeakSet

from scenrun.interface.studio import processes
from scenrun.interface.studio.folder import Folder
from scenrun.interface.studio.guard import Guard

MOST_PAGES = 8
"""The pages of results that are kept, for all tabs together."""


class Studio:
    """What the tabs of one studio share."""

    def __init__(self, guard: Guard, folder: Folder, *, first: str | None, allow_python: bool) -> None:
        self.guard = guard
        self.folder = folder
        self.first = first
        """The file that is opened at first."""
        self.allow_python = allow_python
        self.how = processes.context()
        self.tabs = 0
        """The number of those that are open."""
        self.jobs: WeakSet[processes.Job | processes.WatchedRun] = WeakSet()
        """Those that have not ended, or have something to leave behind still."""
        self.beginning = asyncio.Lock()
        """Held while a process begins."""
        self._pages: OrderedDict[str, str] = OrderedDict()

    def end(self) -> None:
        """End all jobs, and wait until they have left nothing behind."""
        for job in (jobs := list(self.jobs)):
            job.end()
        for job in jobs:
            job.wait()

    def keep_page(self, key: str, page: str) -> None:
        """Keep the page of a result for the tab that asks for it."""
        self._pages[key] = page
        while len(self._pages) > MOST_PAGES:
            self._pages.popitem(last=False)

    def page(self, key: str) -> str | None:
        """The page of a result, or None where it is not kept any more."""
        return self._pages.get(key)
