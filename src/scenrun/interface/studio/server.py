"""The studio's server: its page, the library, the files of the folder, and one connection for each tab."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Any
from weakref import WeakSet

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from scenrun.batch.sweep.options import HOWS
from scenrun.errors import UsageError
from scenrun.interface.studio import processes
from scenrun.interface.studio.folder import Folder
from scenrun.interface.studio.guard import HEADERS, HEADERS_OF_RESULTS, Guard
from scenrun.interface.studio.jobs.doing import ASKED, NAME
from scenrun.interface.studio.jobs.wanted import Wanted
from scenrun.interface.studio.words import words
from scenrun.language import catalogue
from scenrun.language.source import MAX_BYTES

MOST_PAGES = 8
"""The pages of results that are kept, for all tabs together."""
MOST_TABS = 50
MOST_VALUES = 500
"""The most characters of the values that a sweep is to try."""
_KINDS = {".js": "text/javascript", ".css": "text/css"}


class Studio:
    """What the tabs of one studio share."""

    def __init__(self, guard: Guard, folder: Folder, *, first: str | None, allow_python: bool) -> None:
        self.guard = guard
        self.folder = folder
        self.first = first
        """The file that is opened at first."""
        self.allow_python = allow_python
        self.how = processes.context()
        self.tabs: set[Tab] = set()
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
        except (WebSocketDisconnect, ValueError, KeyError, RecursionError):
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
            self._loop.call_soon_threadsafe(self._told.put_nowait, told)

        return tell

    async def _tell(self) -> None:
        while True:
            message = await self._told.get()
            if message["kind"] == "page":
                key = f"{id(self)}-{message['slot']}-{message['number']}"
                self._studio.keep_page(key, message.pop("html"))
                message["key"] = key
            await self._socket.send_text(json.dumps(message))  # plain ASCII: also where a text has halves of characters

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


class _Answers:
    """What is answered to each request."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def is_ours(self, asked: Request | WebSocket) -> bool:
        """Whether a request names this machine and knows the token."""
        return self._studio.guard.is_ours(asked.headers.get("host"), asked.path_params["token"])

    def guarded(self, answer: Callable[[Request], Response]) -> Callable[[Request], Any]:
        """An answer for whoever knows the token alone."""

        async def answered(request: Request) -> Response:
            if not self.is_ours(request):
                return PlainTextResponse("this address is not the studio's", 404, headers=HEADERS)
            try:
                return answer(request)
            except UsageError as error:
                return JSONResponse({"message": str(error)}, 400, headers=HEADERS)

        return answered

    def page(self, request: Request) -> Response:
        """The studio's page."""
        return Response(_asset("studio.html"), media_type="text/html", headers=HEADERS)

    def asset(self, request: Request) -> Response:
        """A script or a style of the page."""
        name = request.path_params["name"]
        kind = _KINDS.get(PurePosixPath(name).suffix)
        if kind is None or name not in {one.name for one in _assets().iterdir()}:
            return PlainTextResponse("there is no such file", 404, headers=HEADERS)
        return Response(_asset(name), media_type=kind, headers=HEADERS)

    def begin(self, request: Request) -> Response:
        """What the page needs at first: words to complete, the library, the files."""
        shipped = catalogue.shipped("scenarios")
        library = [path.relative_to(shipped).as_posix() for path in catalogue.files(shipped)]
        known = {"words": words(), "library": library, "first": self._studio.first}
        return JSONResponse({**known, **self._files()}, headers=HEADERS)

    def _files(self) -> dict[str, list[str]]:
        return {"files": self._studio.folder.names(), "schedules": self._studio.folder.schedules()}

    def library(self, request: Request) -> Response:
        """The text of a shipped scenario."""
        name = request.query_params.get("name", "").removesuffix(".yaml").removeprefix("gallery/")
        return PlainTextResponse(catalogue.scenario_text(name), headers=HEADERS)

    def read(self, request: Request) -> Response:
        """The text of a file of the folder."""
        return PlainTextResponse(self._studio.folder.read(request.query_params.get("name", "")), headers=HEADERS)

    def result(self, request: Request) -> Response:
        """The page of a result."""
        found = self._studio.page(request.path_params["key"])
        if found is None:
            return PlainTextResponse("this result is not kept any more", 404, headers=HEADERS_OF_RESULTS)
        return Response(found, media_type="text/html", headers=HEADERS_OF_RESULTS)

    async def write(self, request: Request) -> Response:
        """Write a file of the folder."""
        if not self.is_ours(request) or not self._studio.guard.is_from_us(request.headers.get("origin")):
            return PlainTextResponse("only the studio's own page may do this", 403, headers=HEADERS)
        size = request.headers.get("content-length", "")
        if not size.isdecimal() or int(size) > MAX_BYTES:
            return JSONResponse(
                {"message": f"a file of the studio has at most {MAX_BYTES:,} bytes"}, 413, headers=HEADERS
            )
        folder, name = self._studio.folder, request.query_params.get("name", "")
        try:
            folder.write(name, (await request.body()).decode())
        except (UsageError, UnicodeDecodeError) as error:
            return JSONResponse({"message": str(error)}, 400, headers=HEADERS)
        return JSONResponse({**self._files(), "path": folder.shown(name)}, headers=HEADERS)

    async def talk(self, connection: WebSocket) -> None:
        """The connection of a tab."""
        ours = self.is_ours(connection) and self._studio.guard.is_from_us(connection.headers.get("origin"))
        if not ours or len(self._studio.tabs) >= MOST_TABS:
            await connection.close(4403)
            return
        await connection.accept()
        tab = Tab(self._studio, connection)
        self._studio.tabs.add(tab)
        try:
            await tab.talk()
        finally:
            self._studio.tabs.discard(tab)


def _text(given: Any) -> str:
    """A text that a page sends; empty for what is none, and without halves of characters."""
    return given.encode("utf-8", "replace").decode() if isinstance(given, str) else ""


def application(studio: Studio) -> Starlette:
    """The web application of a studio."""
    answers = _Answers(studio)
    return Starlette(
        routes=[
            Route("/{token}/", answers.guarded(answers.page)),
            Route("/{token}/begin", answers.guarded(answers.begin)),
            Route("/{token}/library", answers.guarded(answers.library)),
            Route("/{token}/file", answers.guarded(answers.read)),
            Route("/{token}/file", answers.write, methods=["PUT"]),
            Route("/{token}/result/{key}", answers.guarded(answers.result)),
            Route("/{token}/{name}", answers.guarded(answers.asset)),
            WebSocketRoute("/{token}/talk", answers.talk),
        ]
    )


def _assets() -> Traversable:
    return resources.files(__package__).joinpath("assets")


def _asset(name: str) -> bytes:
    return _assets().joinpath(name).read_bytes()
