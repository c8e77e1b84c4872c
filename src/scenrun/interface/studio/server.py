"""The studio's server: its page, the library, the files of the folder, and one connection for each tab."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from scenrun.errors import UsageError
from scenrun.interface.studio.guard import HEADERS, HEADERS_OF_RESULTS
from scenrun.interface.studio.shared import Studio
from scenrun.interface.studio.tab import Tab
from scenrun.interface.studio.words import words
from scenrun.language import catalogue
from scenrun.language.source import MAX_BYTES

MOST_TABS = 50
_KINDS = {".js": "text/javascript", ".css": "text/css"}


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
        if not ours or self._studio.tabs >= MOST_TABS:
            await connection.close(4403)
            return
        await connection.accept()
        self._studio.tabs += 1
        try:
            await Tab(self._studio, connection).talk()
        finally:
            self._studio.tabs -= 1


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
