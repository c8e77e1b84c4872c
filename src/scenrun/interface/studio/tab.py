"""One tab of the browser: what it asks for, the jobs that are done for it, and what is told of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from scenrun.batch.sweep.options import HOWS
from scenrun.interface.studio import processes
from scenrun.interface.studio.jobs.doing import ASKED, NAME
from scenrun.interface.studio.jobs.wanted import Wanted
from scenrun.interface.studio.shared import Studio

MOST_VALUES = 500
"""The most characters of the values that a sweep is to try."""


class Tab:
    """One connection: a job for each of what it asks, the last one of its kind."""

    def __init__(self, studio: Studio, socket: WebSocket) -> None:
        self._studio = studio
        self._socket = socket
        self._jobs: dict[str, processes.Job | processes.WatchedRun] = {}
        self._next: dict[str, tuple[Wanted, Any]] = {}
        """What is to begin, by slot; where edits come faster than processes begin, the last one."""
        self._beginning = ""
        """The slot whose job is beginning; empty also where that is not wanted any more."""
        self._is_over = False
        self._is_asked = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def talk(self) -> None:
        """Read what is asked until the tab is closed, and tell what comes of it."""
        telling, beginning = asyncio.create_task(self._tell()), asyncio.create_task(self._begin_jobs())
        try:
            while True:
                self._asked(json.loads(await self._socket.receive_text()))
        except (WebSocketDisconnect, ValueError, RecursionError):
            pass  # closed, or no page of ours
        finally:
            self.end()
            telling.cancel()
            await beginning  # ends by itself, with what it has begun

    def _asked(self, wanted: Any) -> None:
        if not isinstance(wanted, dict):
            return
        slot, number = wanted.get("slot"), wanted.get("number")
        if slot not in ASKED or type(number) is not int:
            return
        if wanted.get("do") == "stop":
            self._end(slot)
        elif wanted.get("do") in ASKED and isinstance(wanted.get("text"), str):
            self._end(slot)
            self._next[slot] = self._job(wanted), number
            self._is_asked.set()

    async def _begin_jobs(self) -> None:
        """Begin what is asked for, one process at a time for all tabs, while messages are read on."""
        while not self._is_over:
            await self._is_asked.wait()
            self._is_asked.clear()
            while self._next:
                async with self._studio.beginning:
                    await self._begin_one()

    async def _begin_one(self) -> None:
        if not self._next:  # ended while others began theirs
            return
        slot, (wanted, number) = self._next.popitem()
        self._beginning = slot
        job = await asyncio.to_thread(processes.begin, self._studio.how, wanted, self._teller(slot, number))
        self._studio.jobs.add(job)
        if self._beginning == slot and not self._is_over:
            self._jobs[slot] = job
        else:
            job.end()

    def _job(self, wanted: dict[str, Any]) -> Wanted:
        """What a page asks for, as far as it is what it should be."""
        taken, given, how = wanted.get("taken"), wanted.get("overrides"), wanted.get("how")
        scalars = given.items() if isinstance(given, dict) else ()
        return {
            "do": wanted["do"], "text": _text(wanted["text"]), "allow_python": self._studio.allow_python,
            "file": self._studio.folder.shown(_text(wanted.get("file")) or NAME),
            "overrides": {_text(path): value for path, value in scalars if isinstance(value, str | int | float)},
            "taken": [one for one in taken if type(one) is int] if isinstance(taken, list) else [],
            "schedule": _text(wanted.get("schedule")), "path": _text(wanted.get("path")),
            "over": _text(wanted.get("over"))[:MOST_VALUES], "how": how if how in HOWS else "simulate",
        }  # fmt: skip

    def _teller(self, slot: str, number: Any) -> Callable[[dict[str, Any]], None]:
        def tell(message: dict[str, Any]) -> None:
            told = {**message, "slot": slot, "number": number}
            with suppress(RuntimeError):  # the studio has ended
                self._loop.call_soon_threadsafe(self._told.put_nowait, told)

        return tell

    async def _tell(self) -> None:
        while True:
            message = await self._told.get()
            if message["kind"] == "page":
                key = f"{id(self)}-{message['slot']}-{message['number']}"
                self._studio.keep_page(key, message.pop("html"))
                message["key"] = key
            text = json.dumps(message)  # plain ASCII, also where the message has halves of characters
            try:
                await self._socket.send_text(text)
            except (RuntimeError, WebSocketDisconnect):  # closed in the meantime
                return

    def _end(self, slot: str) -> None:
        self._next.pop(slot, None)
        if self._beginning == slot:
            self._beginning = ""
        if job := self._jobs.pop(slot, None):
            job.end()

    def end(self) -> None:
        """End all jobs of the tab."""
        self._is_over = True
        self._is_asked.set()
        for slot in {*self._jobs, *self._next}:
            self._end(slot)


def _text(given: Any) -> str:
    """A text that a page sends; empty for what is none, and without halves of characters."""
    return given.encode("utf-8", "replace").decode() if isinstance(given, str) else ""
