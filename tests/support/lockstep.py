"""Drives the model through the schedule of a simulated run: both must come to the same state."""

from __future__ import annotations

from typing import Any

from scenrun.execution.simulator.schedulers.scheduler import Scheduler
from scenrun.execution.simulator.simulate_program import Settings, run_id_of
from scenrun.execution.simulator.simulate_program import SimulatedRun as Simulated
from scenrun.model.machine import Machine, Transition
from scenrun.model.state import ENDED, Handle, State
from scenrun.model.turn_schedule import Turn
from scenrun.program.ir import Program
from scenrun.program.values import key
from scenrun.trace.recorder import Recorder

MAX_STATES = 5_000
"""States that the model may be in at once: choices and deadlines are taken either way until the end tells."""


def simulated(program: Program, seed: int, scheduler: Scheduler, level: str = "info") -> Simulated:
    """A run in virtual time, with its schedule."""
    recorder = Recorder(run_id_of(program, seed), None, level=level)
    one = Simulated(program, recorder, seed, level, Settings(record=True, scheduler=lambda _: scheduler))
    one.result = one.run(program.time_limit_ns, lambda: None)  # type: ignore[attr-defined]
    return one


def followed(machine: Machine, turns: list[Turn]) -> list[State]:
    """The states in which the model may be after these turns; an AssertionError where it cannot follow."""
    states = _either_way(machine, [machine.initial()])
    for count, turn in enumerate(turns):
        for _ in range(turn.steps):
            after = [following for state in states for following in _stepped(machine, state, turn.thread)]
            assert after, f"turn {count} ({turn}): the model cannot make this step: {_place(machine, states, turn)}"
            states = _either_way(machine, after)
            assert len(states) < MAX_STATES, "too many states"
    return states


def _stepped(machine: Machine, state: State, thread: str) -> list[State]:
    number = next((n for n, one in enumerate(state.threads) if one.who.name == thread), None)
    if number is None:
        return []
    transitions = [Transition(number, alternative=a) for a in range(machine.alternatives(state.threads[number]))]
    found = [after for transition in transitions if (after := machine.step(state, transition)) is not None]
    if not found:
        found = [after for after in [machine.step(state, Transition(number, True))] if after is not None]
    return found


def _either_way(machine: Machine, states: list[State]) -> list[State]:
    """The states with those that they lead to by asking the clock, or by an interrupt, which are no steps of a simulation."""
    seen = {key(state): state for state in states}
    waiting = list(seen.values())
    while waiting:
        state = waiting.pop()
        for number, thread in enumerate(state.threads):
            for _, after in machine.interruptions(state, number):
                if key(after) not in seen:
                    seen[key(after)] = after
                    waiting.append(after)
            instruction = machine.instruction_of(thread) if thread.pc >= 0 else None
            if instruction is None or instruction.op != "branch":
                continue
            for way in (0, 1):
                after = machine.step(state, Transition(number, alternative=way))
                assert after is not None
                if key(after) not in seen:
                    seen[key(after)] = after
                    waiting.append(after)
    return list(seen.values())


def _place(machine: Machine, states: list[State], turn: Turn) -> Any:
    found = [t for state in states[:1] for t in state.threads if t.who.name == turn.thread]
    return [(t.pc, t.phase, machine.instruction_of(t), t.arguments, t.memo) for t in found]


def differences(machine: Machine, states: list[State], one: Simulated) -> str | None:
    """What no state of the model has in common with the simulation's end; None where one agrees."""
    wanted = _shown(one)
    found = [_of_state(machine, state) for state in states]
    return None if wanted in found else f"simulated: {wanted}\nmodel: {found[:3]}"


def _shown(one: Simulated) -> Any:
    simulation = one.simulation
    cells = [_plain(getattr(made, "pure", made.value)) for made in simulation.flat_objects()]
    threads = [
        (t.name, t.ended, _fault(t.left_with.fault if t.ended and t.left_with else None)) for t in simulation.threads
    ]
    return cells, threads


def _of_state(machine: Machine, state: State) -> Any:
    cells = [_plain(value) for value in state.cells[: len(machine.slots.cells)]]
    return cells, [(t.who.name, t.pc == ENDED, _fault(t.fault if t.pc == ENDED else None)) for t in state.threads]


def _fault(fault: Any) -> Any:
    return None if fault is None else (fault.type, fault.text)


def _plain(value: Any) -> Any:
    """A value in which handles are their names."""
    if isinstance(value, tuple | list):
        return [type(value).__name__ == "tuple", *(_plain(item) for item in value)]
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, Handle) or hasattr(value, "send"):
        return str(value)
    return _fault(value) if isinstance(value, Exception) else value
