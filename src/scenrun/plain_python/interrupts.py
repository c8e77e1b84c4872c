"""What comes at any moment: a signal's handler in the main thread; plain Python can interrupt no other."""

from __future__ import annotations

import ast

from msgspec import Struct, field

from scenrun.language.model import Interrupt
from scenrun.plain_python.functions import LATER, bound, call
from scenrun.plain_python.layout import Lines, quoted
from scenrun.plain_python.meanings import CONSTANT, Function, Meaning, Scope
from scenrun.plain_python.script import Script

_SIGNALS = ("SIGUSR1", "SIGUSR2")
_WITHIN_S = 0.2
"""How long after the start a signal is sent at most."""


class Interrupts(Struct):
    """The handlers, and what begins the signals."""

    functions: list[Lines] = field(default_factory=list)
    begin: list[str] = field(default_factory=list)


def write_interrupts(script: Script) -> Interrupts:
    """A handler for each interrupt of the main thread, and the timers that send the signals."""
    made = Interrupts()
    for number, interrupt in enumerate(script.scenario.interrupts):
        if interrupt.in_ != "main":
            script.refuse(
                interrupt.place,
                f"an interrupt in `{interrupt.in_}`: plain Python has signal handlers in the main thread alone",
            )
            continue
        if number >= len(_SIGNALS):
            script.refuse(interrupt.place, f"more than {len(_SIGNALS)} interrupts: there are no more signals to spare")
            continue
        _write(script, made, _SIGNALS[number], interrupt)
    return made


def _write(script: Script, made: Interrupts, sent: str, interrupt: Interrupt) -> None:
    target = interrupt.target
    script.imports |= {"os", "random", "signal", "threading"}
    scope = Scope(Function("", is_main=True), script.meanings)
    names = {"name": Meaning(ast.Constant("main"), CONSTANT), "index": Meaning(ast.Constant(0), CONSTANT)}
    use = bound(script, target, interrupt.args, scope.with_names(**names), LATER)
    known = {"name": '"main"', "index": "0"}
    handler = script.identifiers.new(f"handle_{target}")
    lines = Lines()
    with lines.block(f"def {handler}(number, frame):"):
        lines.add(f'"""Runs `{target}` in the main thread, between any two of its steps."""')
        with lines.block("try:"):
            lines.add(call(use, {one: known[one] for one in sorted(use.function.thread)}))
        with lines.block("except Exception:"):
            lines.add(f"logging.exception({quoted(f'{target} has failed')})")
    made.functions.append(lines)
    made.begin.append(f"signal.signal(signal.{sent}, {handler})")
    for _ in range(interrupt.times):
        timer = f"threading.Timer(random.uniform(0, {_WITHIN_S}), os.kill, (os.getpid(), signal.{sent}))"
        alarm = script.helper("alarm", "alarm")
        made.begin += [f"{alarm} = {timer}", f"{alarm}.daemon = True", f"{alarm}.start()"]
