"""`scenrun play`: lets the user choose each step of a scenario's schedule in the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scenrun.errors import OutputError, UsageError
from scenrun.interface.cli.options import load, overrides_of
from scenrun.interface.cli.shared_options import allow_python_option, seed_option, set_option
from scenrun.interface.cli.streams import tell
from scenrun.model.move_schedule import read as read_schedule
from scenrun.model.moves import Diverged, choices_of
from scenrun.program.loaded import Loaded
from scenrun.program.user_python import check_calls, import_from_here
from scenrun.search.counterexample.stepper import TIME_IS_FREE, Game, Option, schedule_of

if TYPE_CHECKING:
    from scenrun.own_code.telling.code_stepper import CodeGame

HELP = """\
  NUMBER   let this thread do its step (Enter takes the only one)
  b [N]    back one step, or N
  l        the steps so far
  s FILE   save the schedule, for `scenrun replay`
  q        quit"""


@click.command("play")
@click.argument("file", metavar="FILE", type=click.Path())
@seed_option
@click.option("--from", "start", metavar="SCHEDULE", type=click.Path(), help="Begin at the end of a saved schedule.")
@set_option
@allow_python_option
def play_command(file: str, **options: Any) -> int:
    """Play a scenario: choose who moves, step by step, back and forth, and see what comes of it.

    Exit status: 0, or 2 where the file or the command line is wrong.
    """
    loaded = load(file, overrides_of(options["sets"]))
    import_from_here(options["allow_python"])
    check_calls(loaded.program, options["allow_python"])
    game = _game_of(loaded, options["seed"], options["start"])
    tell(f"{loaded.name}: you decide who moves. ? shows what you can say.")
    if loaded.program.reads_clock is not None:
        tell(f"  {TIME_IS_FREE}")
    try:
        _Playing(game, loaded, file).run()
    finally:
        game.close()
    return 0


def _game_of(loaded: Loaded, seed: int | None, start: str | None) -> Game | CodeGame:
    """The game at its beginning, or at the end of a schedule."""
    schedule = None if start is None else read_schedule(start)
    if not loaded.program.objects:
        game = Game(loaded.program, seed)
        if schedule is not None:
            _begin(start, lambda: game.follow(choices_of(game.machine, schedule.moves)))
        return game
    from scenrun.own_code.telling.code_stepper import CodeGame

    of_code = CodeGame(loaded.program, seed)
    if schedule is None:
        of_code.look_first()
    elif schedule.code is None:
        raise UsageError(f"{start} is a schedule of a model, and {loaded.name} calls code")
    else:
        code = schedule.code
        _begin(start, lambda: of_code.follow(schedule.moves, code))
    return of_code


def _begin(path: str | None, follow: Callable[[], None]) -> None:
    try:
        follow()
    except Diverged as error:
        raise UsageError(f"{path} does not fit: {error}") from None


class _Playing:
    """The dialogue with the user."""

    def __init__(self, game: Game | CodeGame, loaded: Loaded, file: str) -> None:
        self.game = game
        self.loaded = loaded
        self.file = file

    def run(self) -> None:
        """Reads commands until the user quits or the input ends."""
        options = self._show()
        while True:
            tell("> ", newline=False)
            line = sys.stdin.readline()
            if not line:
                tell("")
                return
            words = line.split()
            if words[:1] in (["q"], ["quit"]):
                return
            if self._obey(words, options):
                options = self._show()

    def _obey(self, words: list[str], options: list[Option]) -> bool:
        """Performs a command; returns whether the state has changed."""
        match words:
            case [] if len(options) == 1:
                return self._take(options[0])
            case [number] if number.isdecimal() and 1 <= int(number) <= len(options):
                return self._take(options[int(number) - 1])
            case ["b" | "back"]:
                return self._back(1)
            case ["b" | "back", number] if number.isdecimal():
                return self._back(int(number))
            case ["l" | "list"]:
                self._list()
            case ["s" | "save", name]:
                self._save(name)
            case ["?" | "h" | "help"]:
                tell(HELP)
            case _:
                most = f"a number from 1 to {len(options)}, " if len(options) > 1 else "1, " if options else ""
                tell(f"  say {most}b, l, s FILE, q or ?")
        return False

    def _take(self, option: Option) -> bool:
        step = self.game.take(option.transition)
        tell(f"  {step.number}. {step.thread}: {step.text}")
        for own in step.own:
            tell(f"     {own.thread}: {own}")
        if step.fault is not None:
            tell(f"     {step.thread} fails: {step.fault}")
        for text in step.broke:
            tell(f"     broken: {text} is to hold always")
        return True

    def _back(self, times: int) -> bool:
        undone = sum(self.game.back() for _ in range(min(times, len(self.game.transitions))))
        if not undone:
            tell("  this is the beginning")
        return bool(undone)

    def _list(self) -> None:
        for step in self.game.told():
            tell(f"  {step.number}. {step.thread}: {step.text}")

    def _show(self) -> list[Option]:
        """Shows the present values and the possible next steps; returns these."""
        game = self.game
        options = game.options()
        values = ", ".join(f"{name} = {value!r}" for name, value in game.values().items())
        tell(f"\nafter {len(game.transitions)} step{'s' * (len(game.transitions) != 1)}{': ' * bool(values)}{values}")
        for thread, names in game.held():
            tell(f"  {thread} holds {', '.join(names)}")
        for number, option in enumerate(options, 1):
            where = f"line {option.step.line}" if option.step.line is not None else ""
            tell(f"  {number:>2}  {option.step.thread:<16} {where:<9} {option.step.text}")
        for stuck in game.blocked() if options else ():
            tell(f"   -  {stuck}")
        if not options:
            self._ended()
        return options

    def _ended(self) -> None:
        found = self.game.reached()
        for about, text in found:
            tell(f"  {about.kind}: {text}")
        if not found:
            tell("  everyone has ended, and nothing is wrong with this end")
        tell("  b goes back, s FILE saves this schedule")

    def _save(self, name: str) -> None:
        """Saves the schedule with its finding, if it shows one."""
        if Path(name).exists() and Path(name).samefile(self.file):
            tell("  that is the scenario itself; choose another name")
            return
        schedule = schedule_of(self.game, self.loaded.program, self.file)
        try:
            schedule.save(name)
        except OutputError as error:
            tell(f"  {error}")
            return
        allowed = " --allow-python" if schedule.code is not None else ""
        tell(f"  saved; scenrun replay {name}{allowed} makes these moves again")
