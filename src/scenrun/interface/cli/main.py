"""The entry point of the command line: finds the command, imports its module, and turns errors into exit statuses."""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from importlib import import_module
from typing import NoReturn

import click

from scenrun.errors import OutputError, ScenarioError, UsageError
from scenrun.interface.cli.exit_status import EXIT_CLOSED, EXIT_FAILED, EXIT_WRONG_INPUT
from scenrun.interface.cli.startup import without_collecting
from scenrun.interface.cli.streams import close_stdout, open_what_is_closed, say

COMMANDS = {
    "run": "scenrun.interface.cli.run",
    "simulate": "scenrun.interface.cli.simulate",
    "replay": "scenrun.interface.cli.replay",
    "explore": "scenrun.interface.cli.explore",
    "check": "scenrun.interface.cli.check",
    "conform": "scenrun.interface.cli.conform",
    "sweep": "scenrun.interface.cli.sweep",
    "play": "scenrun.interface.cli.play",
    "studio": "scenrun.interface.cli.studio",
    "export": "scenrun.interface.cli.export",
    "coverage": "scenrun.interface.cli.coverage",
    "stats": "scenrun.interface.cli.stats",
    "report": "scenrun.interface.cli.report",
    "calibrate": "scenrun.interface.cli.calibrate",
    "trace": "scenrun.interface.cli.trace",
    "timeline": "scenrun.interface.cli.timeline",
    "test": "scenrun.interface.cli.test",
    "validate": "scenrun.interface.cli.validate",
    "list": "scenrun.interface.cli.catalogue",
    "behaviours": "scenrun.interface.cli.catalogue",
    "new": "scenrun.interface.cli.catalogue",
    "explain": "scenrun.interface.cli.explain",
    "python": "scenrun.interface.cli.python",
    "help": "scenrun.interface.cli.help",
    "schema": "scenrun.interface.cli.schema",
}
"""The module of each command, imported only when the command is used, so that no other one delays the start."""
_SUMMARIES = {
    "run": "Run scenarios on real threads; `scenrun FILE` is the same.",
    "simulate": "Run scenarios in virtual time: at once, and the same every time.",
    "replay": "Make the moves of a schedule again, also on real threads.",
    "explore": "Search all schedules: find every bug, or prove that there is none.",
    "check": "Is a class thread-safe? Search calls of its methods at the same time.",
    "conform": "Does a class do only what a scenario says? Side by side where not.",
    "sweep": "Run a scenario with many values and seeds: tables, a heat map, a page.",
    "play": "Be the scheduler: choose who moves, step by step, back and forth.",
    "studio": "Edit, explore and play scenarios in the browser.",
    "export": "Write a log as tables: Parquet, CSV or a DuckDB database.",
    "coverage": "Show which steps of a file a search, or the runs of a log, came to.",
    "stats": "Show where the time of a run went: threads, locks, queues, what bounds it.",
    "report": "Make a page of a run: a timeline, the scenario, every line; a player of a schedule.",
    "calibrate": "Measure what steps cost on this machine, for `simulate --costs`.",
    "trace": "Write a run's trace for Perfetto, or a sequence diagram.",
    "timeline": "Draw what every thread of a log did, as lanes in text.",
    "test": "Test every scenario of a folder in its ways: one table, JUnit XML.",
    "validate": "Check scenario files without starting anything.",
    "list": "List scenarios: the shipped ones, or those in a folder.",
    "behaviours": "List the built-in behaviours, or print one to start from.",
    "new": "Write a new scenario file to start from.",
    "help": "Print the reference's entry on a verb, a kind of object, a key or an event.",
    "python": "Write a scenario as one plain Python script, which does not need scenrun.",
    "explain": "Show what a file compiles to: threads, objects, steps.",
    "schema": "Print the JSON Schema of scenario files or of the log.",
}


class _Lazy(click.Group):
    """A group that imports only the module of the command in use; a file in a command's place is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        with without_collecting():
            command: click.Command = getattr(import_module(COMMANDS[name]), f"{name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_SUMMARIES.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reads `scenrun FILE ..` as `scenrun run FILE ..`, with options in any place."""
        own = {"--help", "-h", "--version"}
        if args and not (args[0] in COMMANDS or (args[0] in own and len(args) == 1)):
            first = args[0]
            if not first.startswith("-") and not _looks_like_file(first):
                from scenrun.language.suggestions import did_you_mean

                hint = did_you_mean(first, COMMANDS)
                raise click.UsageError(f"There is no command and no file `{first}`{hint}", ctx)
            args = ["run", *args]
        return super().parse_args(ctx, args)


def _looks_like_file(word: str) -> bool:
    return os.path.exists(word) or word == "-" or word.endswith((".yaml", ".yml")) or os.sep in word


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="scenrun", message="scenrun %(version)s")
def cli() -> None:
    """Describe a multithreaded program in YAML, run it on real threads, read it as JSON lines.

    scenrun scenarios/queue_pipeline.yaml | jq -c 'select(.level=="info")'
    """


def main(args: list[str] | None = None) -> NoReturn:
    """Runs the command line and exits with its status."""
    open_what_is_closed()
    signal.signal(signal.SIGTERM, _leave)
    status = run_cli(args)
    close_stdout()
    sys.exit(status)


def run_cli(args: list[str] | None = None) -> int:
    """Runs a command line and returns its exit status; errors are printed on stderr."""
    try:
        status = cli.main(args=args, prog_name="scenrun", standalone_mode=False)
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(file=shown)
        say(shown.getvalue().rstrip("\n"))
        return EXIT_WRONG_INPUT
    except (ScenarioError, UsageError) as error:
        say(str(error))
        return EXIT_WRONG_INPUT
    except OutputError as error:
        say(str(error))
        return EXIT_FAILED if error.midway else EXIT_WRONG_INPUT
    except (BrokenPipeError, SystemExit) as ended:
        return EXIT_CLOSED if isinstance(ended, BrokenPipeError) or ended.code == 1 else int(ended.code or 0)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except OSError as error:
        if error.filename is None:  # of a help text, say, to a full disk
            say(f"cannot write to stdout: {error.strerror}")
            return EXIT_FAILED
        return _failed(error)
    except Exception as error:
        if type(error).__name__ == "InterruptException":  # DuckDB's name for Ctrl-C
            return 130
        return _failed(error)
    return status if isinstance(status, int) else 0


def _failed(error: Exception) -> int:
    """Reports a fault of scenrun itself with its traceback; returns the exit status."""
    say("".join(traceback.format_exception(error)))
    say(f"scenrun itself failed, which should not be: {error}\nPlease report it with the scenario and the lines above.")
    return EXIT_FAILED


def _leave(number: int, frame: object) -> NoReturn:
    """The default handler of SIGTERM: exits by an exception, so that temporary files are removed."""
    raise SystemExit(128 + number)
