"""`scenrun explore`: searches the schedules of scenarios, reports the findings, and saves their schedules."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from msgspec import structs

from scenrun.errors import OutputError, UsageError
from scenrun.interface.cli.exit_status import EXIT_INCOMPLETE
from scenrun.interface.cli.explore_main import explore_main_of, self_test_of
from scenrun.interface.cli.repeated_run import load_all
from scenrun.interface.cli.shared_options import (
    allow_python_option,
    expect_option,
    quiet_option,
    seed_option,
    set_option,
    strict_option,
)
from scenrun.interface.cli.signals import Signals
from scenrun.interface.cli.streams import Progress, say, tell
from scenrun.language.time_limit import time_limit_ns
from scenrun.own_code.searching.explore_scenario import CodeOptions, explore_any
from scenrun.program.loaded import Loaded
from scenrun.report.rerun_command import Command
from scenrun.search.counterexample.summary import describe, finding_lines
from scenrun.search.explore import progress_of
from scenrun.search.options import STATELESS, STATES, SearchRequest
from scenrun.search.record import Counterexample
from scenrun.search.result import Explored
from scenrun.search.space.visited import Space

PROGRESS_S, PROGRESS_ELSEWHERE_S = 2.0, 10.0
"""Seconds between two lines of progress: on a terminal, and where stderr is none."""
PATIENCE = "30s"
"""The time limit of a search of states where none is given."""
TELL_AFTER_S = 1.0
"""Seconds of a search from which on its first finding is told before the search ends."""
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(kB|MB|GB)\Z")
_UNITS = {"kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
_AGAIN = ("expect", "strategy", "seed", "schedules", "depth", "bound", "max_states", "reduction", "first", "build")
"""Options that the command for the same search must repeat."""


@click.command("explore")
@click.argument("files", nargs=-1, metavar="[FILE...]", type=click.Path(allow_dash=True))
@click.option(
    "--main", metavar="MODULE:FUNCTION", help="Search a Python program that starts threads, instead of a file."
)
@click.option(
    "--self-test", is_flag=True, help="Search programs whose verdict is known, to see that searches of code work here."
)
@click.option("--build", type=click.Choice(["gil", "free-threaded"]),
              help="Of code: gil: threads are changed only where CPython with the GIL changes them.")  # fmt: skip
@click.option(
    "--trace", multiple=True, metavar="MODULE", help="Search inside of this installed module or package, too."
)
@click.option("--strategy", type=click.Choice((STATES, *STATELESS)),
              help="states: all states, breadth first (the default; random and pct schedules follow where they are too "
                   "many). The others walk schedules one by one.")  # fmt: skip
@click.option("--max-states", type=click.IntRange(1), metavar="N", help="States at most; 50,000,000.")
@click.option("--memory", metavar="SIZE", help="Memory that scenrun may have in all, such as 500MB; 2GB.")
@click.option(
    "--time-limit",
    metavar="DURATION",
    help="End the search after so much time, such as 10s; none: never. A search of states has 30s.",
)
@click.option("--schedules", type=click.IntRange(1), metavar="N", help="Schedules to walk; 10,000.")
@click.option("--jobs", type=click.IntRange(1, 256), metavar="N", help="Processes that walk schedules; 1.")
@click.option("--cluster", metavar="ADDRESS", help="Walk schedules on a Dask cluster: tcp://host:8786.")
@click.option("--depth", type=click.IntRange(1, 100), metavar="D", help="pct: the depth of the bugs to be found; 3.")
@click.option("--bound", type=click.IntRange(0), metavar="N", help="preemptions, delays: how many at most; no bound.")
@click.option("--time", "times", multiple=True, metavar="free|virtual|DURATION",
              help="free (the default): any sleep may take any time, as on a slow machine; virtual: in the clock's order. "
                   "A duration is a --time-limit.")  # fmt: skip
@seed_option
@click.option("--races", is_flag=True, help="A data race is a finding even if the file does not ask.")
@click.option("--count", is_flag=True, help="Count all schedules, and the bad ones.")
@click.option(
    "--reduction", type=click.Choice(["auto", "on", "off"]), help="Persistent sets; auto: where there are many states."
)
@click.option("--symmetry/--no-symmetry", default=None, help="Take like replicas for one another, in a reduced search.")
@click.option("--first", is_flag=True, help="End the search at the first finding.")
@click.option("--without-locks", is_flag=True, help="Which lock matters: search again without each of them.")
@click.option("--no-shorten", is_flag=True, help="Show counterexamples as they were found.")
@set_option
@strict_option
@expect_option
@click.option("--save", "save", metavar="FILE", type=click.Path(),
              help="Write the schedule that shows the first finding; more findings go to FILE-2, FILE-3 ..")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the whole result as one JSON object on stdout.")
@quiet_option
@allow_python_option
def explore_command(files: tuple[str, ...], **options: Any) -> int:
    """Search the schedules of scenarios: a bug with the shortest story of it, or the proof that there is none.

    Exit status: 0 as the file expects, 1 not, 2 wrong file or command line, 3 incomplete, 4 the output or scenrun
    failed, 130 and 143 on SIGINT and SIGTERM, 141 when stdout was closed.
    """
    options |= _times(options.pop("times"), options["time_limit"])
    if options["self_test"]:
        return self_test_of(files)
    if bool(files) == (options["main"] is not None):
        raise UsageError("give the files of scenarios, or --main with a program")
    if options["main"] is not None:
        return explore_main_of(options)
    _refuse(files, options)
    loaded = load_all(files, options, "save")
    _warn_of_calls([one for _, one in loaded])
    command = _Exploring(options)
    if options["without_locks"]:
        return max((command.without_locks(one) for _, one in loaded), default=0)
    with command.signals, command.workers():
        statuses = [command.explore(file, one) for file, one in loaded if command.signals.name is None]
    return command.signals.status or max(statuses, default=0)


def _times(times: tuple[str, ...], limit: str | None) -> dict[str, str | None]:
    """The mode of time and the time limit, both of which `--time` may give."""
    modes = [word for word in times if word in ("free", "virtual")]
    limits = [word for word in times if word not in modes] + ([limit] if limit is not None else [])
    if len(modes) > 1 or len(limits) > 1:
        raise UsageError("--time is given once as free or virtual, and once as a duration or --time-limit at the most")
    return {"time_mode": modes[0] if modes else None, "time_limit": limits[0] if limits else None}


def _limit_ns(options: dict[str, Any]) -> int | None:
    """The time limit: as given, or what a person would wait for a search that may need for ever."""
    given = options["time_limit"]
    if given == "none" or (given is None and (options["count"] or options["strategy"] not in (None, STATES))):
        return None
    return time_limit_ns(given or PATIENCE, "--time-limit")


def _refuse(files: tuple[str, ...], options: dict[str, Any]) -> None:
    """Raises UsageError for options that have no effect."""
    _requested(options).check(_shown)
    if options["without_locks"] and (options["save"] is not None or options["count"]):
        raise UsageError("--without-locks makes a search of each lock, and has no effect on --save and --count")
    if options["save"] == "":
        raise UsageError("--save takes the name of a file")
    if options["save"] is not None and len(files) > 1:
        raise UsageError("--save writes the schedules of one scenario: give one file")


def _requested(options: dict[str, Any]) -> SearchRequest:
    return SearchRequest(
        strategy=options["strategy"], max_states=options["max_states"], memory_bytes=_bytes(options["memory"]),
        time_limit_ns=_limit_ns(options), schedules=options["schedules"],
        jobs=options["jobs"], cluster=options["cluster"], depth=options["depth"], bound=options["bound"],
        time=options["time_mode"], reduction=options["reduction"], symmetry=options["symmetry"], races=options["races"],
        count=options["count"], shorten=not options["no_shorten"], first=options["first"],
    )  # fmt: skip


def _shown(name: str) -> str:
    """The command-line spelling of an option."""
    return "--memory" if name == "memory_bytes" else f"--{name.replace('_', '-')}"


def _warn_of_calls(loaded: list[Loaded]) -> None:
    searched = [one.program for one in loaded if not one.program.objects]
    if any(i.op == "call" for program in searched for code in program.codes for i in code.instructions):
        say("`call` steps are taken as one atomic step each, whose result depends on its arguments alone; what happens "
            "inside them is not searched")  # fmt: skip


def _bytes(text: str | None) -> int | None:
    if text is None:
        return None
    found = _SIZE.match(text)
    if not found or float(found[1]) == 0:
        raise UsageError(f"--memory {text}: written as 500MB or 2GB")
    return int(float(found[1]) * _UNITS[found[2]])


class _Exploring:
    """The state of one call of the command, across its files."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.signals = Signals(sys.exit)
        how = _requested(options).options(self._look)
        self.how = how if options["quiet"] else structs.replace(how, found=self._tell, found_after_s=TELL_AFTER_S)
        self._is_told = False
        self._began = 0.0
        self._progress = Progress(quiet=options["quiet"], every_s=PROGRESS_S, elsewhere_s=PROGRESS_ELSEWHERE_S)

    @contextmanager
    def workers(self) -> Iterator[None]:
        """Runs the body with the workers of the cluster, if one is given."""
        if not self.options["cluster"]:
            yield
            return
        from scenrun.search.strategies.on_cluster import on_cluster
        from scenrun.workers.cluster import hush

        hush()
        with on_cluster(self.how, self.options["cluster"]) as self.how:
            yield

    def without_locks(self, loaded: Loaded) -> int:
        """Searches one scenario without each of its locks, and reports which matter; returns the exit status."""
        from scenrun.own_code.searching.without_locks import NEEDED, without_locks

        self._began = time.perf_counter()
        code = CodeOptions(self.options["trace"], self.options["build"])
        found = without_locks(loaded, self.options["seed"], self.how, code)
        self._progress.clear()
        if self.options["as_json"]:
            tell(json.dumps([one.as_dict() for one in found.answers], ensure_ascii=False, default=str), form="json")
        say(str(found))
        for one in found.answers:
            if one.verdict == NEEDED and one.explored is not None and not self.options["quiet"]:
                say(f"\nwithout {one.lock}:")
                for line in finding_lines(one.explored.counterexamples[0], self._width()):
                    say(f"  {line}")
        return EXIT_INCOMPLETE if any(one.verdict == "not shown" for one in found.answers) else 0

    def explore(self, file: str, loaded: Loaded) -> int:
        """Searches one scenario and reports the result; returns the exit status."""
        self._is_told, self._began = False, time.perf_counter()
        found = explore_any(
            loaded, self.options["seed"], self.how, CodeOptions(self.options["trace"], self.options["build"])
        )
        self._progress.clear()
        try:
            saved = self._save(found)
        except OutputError:
            say(describe(found, {}, self._width()))
            raise
        if self.options["as_json"]:
            tell(
                json.dumps(
                    {**found.as_dict(), "file": file, "saved": list(saved.values())}, ensure_ascii=False, default=str
                ),
                form="json",
            )
        if not (self.options["quiet"] and found.ok):
            say(describe(found, {n: self._replayed(path) for n, path in saved.items()}, self._width()))
            if any(one.moves for one in found.shown) and not saved and file != "-":
                schedule = self._replayed("schedule.json")
                again = self._again(file).also(save="schedule.json")
                how = "--allow-python" if found.shown[0].code is not None else "--on threads"
                say(f"  keep it: {again}; then scenrun replay {schedule} {how}")
        if found.verdict == "incomplete":
            return EXIT_INCOMPLETE
        return 0 if found.ok else 1

    @staticmethod
    def _width() -> int:
        return shutil.get_terminal_size((120, 24)).columns

    def _replayed(self, schedule: str) -> str:
        """The arguments of `scenrun replay` that show a finding again."""
        return shlex.join(Command("replay", schedule, {"expect": self.options["expect"] or None}).words)

    def _again(self, file: str) -> Command:
        """The command that repeats the search."""
        given = self.options
        options = {"set": given["sets"], "trace": given["trace"], "expect": given["expect"] or None}
        options |= {name: given[name] for name in _AGAIN if name != "expect"}
        options |= {"symmetry": given["symmetry"], "no-symmetry": given["symmetry"] is False}
        time_mode = "virtual" if given["time_mode"] == "virtual" else None
        return Command(
            "explore",
            file,
            {**options, "time": time_mode, "races": given["races"], "allow_python": given["allow_python"]},
        )

    def _save(self, found: Explored) -> dict[int, str]:
        """Saves the schedules of the findings; returns their paths by number of the finding."""
        path = self.options["save"]
        saved = {}
        for number, one in enumerate(found.shown if path else ()):
            where = Path(path)
            if number:
                where = where.with_name(f"{where.stem}-{number + 1}{where.suffix}")
            found.schedule_of(one).save(where)
            saved[number] = str(where)
        if path and not found.shown:
            say(f"nothing was found, so {path} was not written")
        return saved

    def _tell(self, found: Counterexample) -> None:
        """Tells the first finding of a search that goes on for long."""
        self._progress.clear()
        self._is_told = True
        say("\n".join(["found, while the search goes on:", *finding_lines(found, self._width())]))

    def _progress_of(self, space: Space) -> str:
        """The progress of a search of states, with its findings so far and the time that it still has."""
        seconds = time.perf_counter() - self._began
        told = "; a finding was told" if self._is_told else ""
        limit = self.how.limits.seconds
        left = "" if limit is None else f"; {max(0.0, limit - seconds):.0f} s left"
        return f"{progress_of(space, seconds)}{told}{left}"

    def _look(self, progress: Any) -> str | None:
        """Shows the progress of the search; returns the signal that ends it, if one came."""
        if isinstance(progress, Space):
            self._progress.show(lambda: self._progress_of(progress))
        return self.signals.name
