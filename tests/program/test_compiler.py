"""From steps to instructions: what is read when, where faults lead, and what a thread can still do."""

from __future__ import annotations

from typing import Any

import pytest

from scenrun.language.source import decode
from scenrun.program.control_flow import ANYTHING, Footprints
from scenrun.program.ir import Code, Program
from scenrun.program.loaded import load_source


def program(text: str) -> Program:
    """The program of a scenario's text."""
    return load_source(decode("x.yaml", text.encode())).program


def code_of(text: str, group: str = "t") -> tuple[Program, Code]:
    """A program and the code of one of its groups."""
    made = program(text)
    return made, next(code for code in made.codes if code.name == group)


def ops(code: Code) -> list[str]:
    """The operations of a code with their objects."""
    return [i.op for i in code.instructions]


def scenario(steps: str, top: str = "") -> str:
    """A scenario of one thread."""
    body = "\n".join("      " + line for line in steps.strip("\n").splitlines())
    return f"scenario: x\n{top}\nthreads:\n  t:\n    do:\n{body}\n"


def test_each_shared_read_is_a_step_in_pythons_order() -> None:
    """`a + b` reads a, then b; a write comes last."""
    made, code = code_of(scenario("- set: {a: a + b}", "state: {a: 1, b: 2}"))
    shown = [(i.op, made.cells[i.target.cell].name) for i in code.instructions if i.target]
    assert shown == [("variable.read", "a"), ("variable.read", "b"), ("variable.write", "a")]


def test_short_circuit_reads_only_what_python_would() -> None:
    """`a and b`: a jump over the read of b."""
    _, code = code_of(scenario("- if: a and b\n  then: [{log: x}]", "state: {a: 1, b: 2}"))
    assert ops(code)[:4] == ["variable.read", "let", "branch", "variable.read"]


def test_a_chain_of_comparisons_reads_the_third_only_after_the_second() -> None:
    """`a < b < c`."""
    _, code = code_of(scenario("- assert: a < b < c", "state: {a: 1, b: 2, c: 3}"))
    assert ops(code).count("variable.read") == 3
    third = [pc for pc, op in enumerate(ops(code)) if op == "variable.read"][2]
    assert "branch" in ops(code)[:third]


def test_with_gives_the_lock_back_on_every_way_out() -> None:
    """At the end, on break, on return, and on a fault."""
    steps = "- while: true\n  do:\n    - with: l\n      do:\n        - if: n\n          then: [break]\n          else: [return]"
    _, code = code_of(scenario(steps, "sync: {l: lock}\nstate: {n: 0}"))
    assert ops(code).count("lock.acquire") == 1
    assert ops(code).count("lock.release") == 4
    acquire = ops(code).index("lock.acquire")
    read = ops(code).index("variable.read")
    assert code.instructions[acquire].handler is None
    handler = code.instructions[read].handler
    assert handler is not None
    assert [i.op for i in code.instructions[handler : handler + 3]] == ["take", "lock.release", "raise"]


def test_a_fault_in_finally_does_not_run_it_again() -> None:
    """The cleanup's own instructions have the outer handler."""
    _, code = code_of(scenario('- try: [{log: "a"}]\n  finally: [{set: {n: 1}}]', "state: {n: 0}"))
    writes = [i for i in code.instructions if i.op == "variable.write"]
    assert len(writes) == 2
    assert all(i.handler is None for i in writes)


def test_a_way_that_can_never_be_taken_is_left_out() -> None:
    """`guard is None` is known at load for a parameter that is an object or nothing."""
    text = """scenario: x
behaviours:
  b:
    params: {guard: {type: lock, default: null}}
    do:
      - if: guard is None
        then: [{log: "bare"}]
        else: [{log: "guarded"}]
threads: {t: {target: b}}
"""
    _, code = code_of(text)
    assert [i.arguments[0] for i in code.instructions if i.op == "log"] == ["'bare'"]


def test_the_digest_ignores_comments_and_layout() -> None:
    """The same program, written differently; another program, another digest."""
    one = program("scenario: x\nthreads: {t: {do: [{sleep: 1ms}]}}\n")
    same = program("# a comment\nscenario: x\nthreads:\n  t:\n    do:\n      - sleep: 1ms   # why\n")
    other = program("scenario: x\nthreads: {t: {do: [{sleep: 2ms}]}}\n")
    assert one.digest == same.digest != other.digest


def _left(made: Program, code: Code, op: str, cell: str, operation: str) -> bool:
    footprints = Footprints(made)
    pc = next(pc for pc, i in enumerate(code.instructions) if i.op == op)
    number = next(c.number for c in made.cells if c.name == cell)
    return bool(footprints.left(code.number, pc) & footprints.bit(number, operation))


def test_what_is_behind_a_thread_is_no_longer_left() -> None:
    """After its release, a thread that sleeps can free nobody."""
    made, code = code_of(scenario("- acquire: l\n- release: l\n- sleep: 1s", "sync: {l: lock}"))
    assert _left(made, code, "lock.acquire", "l", "release")
    assert not _left(made, code, "sleep", "l", "release")


def test_in_a_loop_everything_is_left() -> None:
    """A thread may come round again."""
    made, code = code_of(scenario("- while: true\n  do:\n    - release: l\n    - sleep: 1s", "sync: {l: lock}"))
    assert _left(made, code, "sleep", "l", "release")


def test_what_a_thread_may_start_is_left_to_it() -> None:
    """Through spawn, and through a handler."""
    text = """scenario: x
sync: {e: event}
behaviours: {setter: {do: [{set_event: e}]}}
threads:
  t:
    do:
      - sleep: 1s
      - try: [{raise: "ValueError: x"}]
        except: {ValueError: [{spawn: {target: setter}}]}
  w: {do: [{wait: e}]}
"""
    made, code = code_of(text)
    assert _left(made, code, "sleep", "e", "set")


def test_waiting_on_a_condition_releases_its_lock() -> None:
    """So it may free who waits for that lock."""
    top = "sync: {l: lock, c: {condition: {lock: l}}}"
    made, code = code_of(scenario("- sleep: 1s\n- with: l\n  do:\n    - wait: c\n    - notify: c", top))
    assert _left(made, code, "sleep", "l", "release")


def test_a_call_may_do_anything() -> None:
    """The user's Python is not looked into."""
    made, code = code_of(scenario('- sleep: 1s\n- call: "time:time"'))
    assert Footprints(made).left(code.number, 0) & ANYTHING


@pytest.mark.parametrize(
    ("change", "same"),
    [({"threads.t.count": 2}, False), ({"description": "other"}, True), ({"seed": 5}, True)],
)
def test_the_digest_is_of_what_runs(change: dict[str, Any], same: bool) -> None:
    """Seed and description are no part of the program."""
    source = decode("x.yaml", b"scenario: x\nthreads: {t: {do: [{sleep: 1ms}]}}\n")
    assert (load_source(source).program.digest == load_source(source, change).program.digest) is same


def test_a_behaviour_that_spawns_itself_uses_the_objects_it_is_given() -> None:
    """The same code is run again only where every parameter means the same."""
    text = """scenario: x
sync: {first: queue, second: queue}
behaviours:
  walk:
    params: {q: queue, n: value}
    do:
      - put: {queue: q, item: n}
      - if: n > 0
        then: [{spawn: {target: walk, args: {q: second, n: n - 1}}}]
main: [{spawn: {target: walk, args: {q: first, n: 3}}}]
"""
    made = program(text)
    assert [code.name for code in made.codes] == ["main", "walk", "walk"]
    queues = [
        [made.cells[i.target.cell].name for i in code.instructions if i.op == "queue.put" and i.target]
        for code in made.codes[1:]
    ]
    assert queues == [["first"], ["second"]]
    spawns = [[i.code for i in code.instructions if i.op == "spawned.spawn"] for code in made.codes]
    assert spawns == [[1], [2], [2]]


def test_two_uses_with_the_same_arguments_share_a_code() -> None:
    """Computed values are copied when the thread is made; they make no code of their own."""
    text = """scenario: x
sync: {crew: {pool: {max_workers: 2}}}
behaviours: {job: {params: {n: value}, do: [{return: n}]}}
main:
  - for: i
    in: range(3)
    do: [{submit: {pool: crew, target: job, args: {n: i}}}]
  - for: k
    in: range(2)
    do: [{submit: {pool: crew, target: job, args: {n: k + 1}}}]
"""
    made = program(text)
    assert [code.name for code in made.codes] == ["main", "job"]
    assert made.codes[1].parameters == ("__c0",)
