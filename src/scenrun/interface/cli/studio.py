"""`scenrun studio`: a place in the browser to edit, explore and play scenarios."""

from __future__ import annotations

import signal
import socket
import webbrowser
from pathlib import Path

import click

from scenrun.errors import UsageError
from scenrun.interface.cli.shared_options import allow_python_option
from scenrun.interface.cli.streams import say
from scenrun.program.user_python import import_from_here


@click.command("studio")
@click.argument("path", metavar="[FILE|DIR]", default=".", type=click.Path(path_type=Path))
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, metavar="N", help="The port; any that is free unless given."
)
@click.option("--no-browser", is_flag=True, help="Open no browser; the address is said.")
@allow_python_option
def studio_command(path: Path, port: int, no_browser: bool, allow_python: bool) -> int:
    """Edit, explore and play scenarios in the browser: what they can do stands beside them, at once.

    Only this machine can reach it, with the address that is said; files are saved below the folder alone.
    """
    try:
        import uvicorn

        from scenrun.interface.studio.folder import Folder
        from scenrun.interface.studio.guard import HOSTS, Guard
        from scenrun.interface.studio.server import application
        from scenrun.interface.studio.shared import Studio
    except ModuleNotFoundError as error:
        raise UsageError(f"the studio needs {error.name}: pip install 'scenrun[studio]'") from None
    root, first = _opened(path)
    import_from_here(allow_python)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOSTS[0], port))
        except OSError as error:
            raise UsageError(
                f"port {port} cannot be had: {error.strerror}; leave --port out for any that is free"
            ) from None
        listening.listen()  # before the address is said, so that whoever follows it at once waits
        guard = Guard(listening.getsockname()[1])
        studio = Studio(guard, Folder(root), first=first, allow_python=allow_python)
        say(f"the studio is at {guard.address}")
        say("  Ctrl-C ends it; nobody but this machine can reach it")
        if not no_browser:
            webbrowser.open(guard.address)
        config = uvicorn.Config(
            application(studio), log_level="error", access_log=False, ws_max_size=4_000_000, server_header=False
        )
        _end_on_signals()
        try:
            uvicorn.Server(config).run(sockets=[listening])
        finally:
            studio.end()
    return 0


def _end_on_signals() -> None:
    """Let the server end in order at a signal, and then what comes after it: the server sends itself the signal again."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    if hasattr(signal, "SIGHUP"):  # its terminal was closed
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def _opened(path: Path) -> tuple[Path, str | None]:
    """The folder, and the file that is opened at first."""
    if path.is_dir():
        return path, None
    if path.is_file() and path.suffix in (".yaml", ".yml"):
        return path.parent, path.name
    raise UsageError(f"{path} is neither a folder nor a scenario")
