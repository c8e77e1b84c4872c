"""Every form that the language page documents is accepted by the loader: each verb, primitive, option, type and function."""

from __future__ import annotations

import textwrap

import pytest

from scenrun.language.expressions import DRAWS, FUNCTIONS
from scenrun.language.model import PARAMETER_TYPES
from scenrun.language.primitives import KINDS
from scenrun.language.source import decode
from scenrun.language.verbs.registry import VERBS
from scenrun.program.loaded import Loaded, load_source

WORLD = """
scenario: world
sync:
  guard: lock
  again: rlock
  slots: {semaphore: {value: 3}}
  few: {bounded_semaphore: {value: 2}}
  changed: condition
  over_guard: {condition: {lock: guard}}
  ready: event
  gate: {barrier: {parties: 2}}
  pipeline: {queue: {maxsize: 10}}
  workers: {pool: {max_workers: 2}}
  promised: future
  alarm: {timer: {after: 10ms, target: answer}}
  forks: {lock: {count: 5}}
  pipelines: {queue: {count: 2, maxsize: 3}}
  signals: {event: {count: 2}}
  rooms: {condition: {count: 2}}
state: {value: 0, items: [1, 2], table: {a: [1]}, text: "abc", nothing: null, flag: true, ratio: 0.5}
behaviours:
  answer: {do: [{return: 42}]}
  twice: {params: {x: value}, do: [{return: x * 2}]}
threads:
  other: {target: worker, count: 3}
  worker_thread:
    do:
      - log: "{guard.locked()} {again is not None} {slots is None} {few is None} {changed is None} {over_guard is None}"
      - log: "{ready.is_set()} {gate.n_waiting} {gate.broken} {gate.parties} {pipeline.qsize()} {forks[0].locked()}"
      - log: "{pipelines[1].empty()} {signals[0].is_set()} {rooms is None} {promised.done()} {value} {items} {table} {text} {nothing} {flag} {ratio}"
      - start: alarm
      - shutdown: workers
      - run: twice_user
"""


def load(text: str) -> Loaded:
    return load_source(decode("accepted.yaml", text.encode()))


def world(steps: str, extra: str = "") -> Loaded:
    """The scenario above, with one more thread that does these steps."""
    user = "  twice_user: {do: [{run: {target: twice, args: {x: 1}}}, {run: answer}]}\nthreads:"
    text = WORLD.replace("threads:", user, 1)
    return load(
        text + "  tried:\n    do:\n" + textwrap.indent(textwrap.dedent(steps).strip("\n"), "      ") + "\n" + extra
    )


STEPS = {
    "log short": 'log: "got {value}"',
    "log long": 'log: {message: "got {value}", level: warning, fields: {trace_id: "random.hex(16)", n: 3, s: "\'a\'"}}',
    "log with formats and braces": "log: \"{ratio:.2f} {value:>5} {{plain}} {items[0]} {table['a']}\"",
    "log of a number": "log: 5",
    "log of a block": "log: |\n  one {value}\n  two",
    "sleep fixed": "sleep: 100ms",
    "sleep microseconds": "sleep: 250us",
    "sleep in minutes": "sleep: 1.5m",
    "sleep uniform": "sleep: {uniform: [1ms, 5ms]}",
    "sleep exponential": "sleep: {exponential: {mean: 2ms}}",
    "sleep normal": "sleep: {normal: {mean: 5ms, sd: 1ms}}",
    "work fixed": "work: 2s",
    "work uniform": "work: {uniform: [1ms, 5ms]}",
    "set a variable": "set: {value: value + 1}",
    "set several": "set: {value: 1, flag: false, ratio: 1.5, nothing: null, text: \"'x'\", items: [1, value], table: {a: value}}",
    "set an item": 'set: {"items[value]": 0, "table[\'a\'][0]": 1}',
    "append": "append: {to: items, item: 3}",
    "append inside": "append: {to: \"table['a']\", item: value}",
    "pop": "pop: {from: items}",
    "pop into": "pop: {from: items, into: value}",
    "pop at": "pop: {from: table, at: \"'a'\", into: value}",
    "acquire short": "acquire: guard",
    "acquire rlock": "acquire: again",
    "acquire semaphore": "acquire: slots",
    "acquire bounded semaphore": "acquire: few",
    "acquire condition": "acquire: changed",
    "acquire of an array": "acquire: forks[index]",
    "acquire long": "acquire: {lock: guard, timeout: 1s, blocking: true, into: flag}",
    "acquire without blocking": "acquire: {lock: guard, blocking: false, into: flag}",
    "acquire of an array, long": 'acquire: {lock: "forks[(index + 1) % 5]", timeout: {uniform: [1ms, 2ms]}}',
    "release short": "release: guard",
    "release several": "release: {lock: slots, n: 2}",
    "with lock": "with: guard\ndo: []",
    "with rlock": "with: again\ndo: [{log: x}]",
    "with semaphore": "with: slots\ndo: []",
    "with bounded semaphore": "with: few\ndo: []",
    "with condition": "with: changed\ndo: []",
    "with pool": "with: workers\ndo: []",
    "with an array": "with: forks[0]\ndo: []",
    "wait short for an event": "wait: ready",
    "wait short on a condition": "wait: changed",
    "wait short at a barrier": "wait: gate",
    "wait for an event of an array": "wait: signals[1]",
    "wait event": "wait: {event: ready, timeout: 50ms, into: flag}",
    "wait event with a distribution": "wait: {event: ready, timeout: {uniform: [1ms, 2ms]}}",
    "wait condition": "wait: {condition: changed, timeout: 1s, into: flag}",
    "wait barrier": "wait: {barrier: gate, timeout: 1s, into: value}",
    "wait_for": "wait_for: {condition: changed, until: value > 0, timeout: 1s, into: flag}",
    "wait for futures": "wait: {futures: items, return_when: first_completed, timeout: 1s, into: value}",
    "set_result short": "set_result: promised",
    "set_result": "set_result: {future: promised, value: value + 1}",
    "set_exception": "set_exception: {future: promised, exception: 'ValueError: no {value}'}",
    "on_done": "on_done: {future: promised, target: twice, args: {x: 1}}",
    "on_done of a task": "on_done: {future: value, target: twice, args: {x: 1}}",
    "result of a future of its own": "result: {future: promised, into: value, timeout: 1s}",
    "cancel a future of its own": "cancel: {future: promised, into: flag}",
    "for as_completed": "for: one\nas_completed: items\ntimeout: 1s\ndo: [{result: {future: one, into: value}}]",
    "notify short": "notify: changed",
    "notify several": "notify: {condition: changed, n: 2}",
    "notify_all": "notify_all: over_guard",
    "notify_all of an array": "notify_all: rooms[0]",
    "set_event": "set_event: ready",
    "clear_event": "clear_event: ready",
    "abort": "abort: gate",
    "reset": "reset: gate",
    "put": "put: {queue: pipeline, item: value}",
    "put a text": "put: {queue: pipeline, item: \"'hello'\"}",
    "put null, a number, a boolean": 'put: {queue: "pipelines[0]", item: null}',
    "put a mapping": "put: {queue: pipeline, item: {a: 1, b: [value, 2]}}",
    "put with timeout": "put: {queue: pipeline, item: 1, timeout: 1s, block: true}",
    "put without blocking": "put: {queue: pipeline, item: true, block: false}",
    "get short": "get: pipeline",
    "get": "get: {queue: pipeline, into: value, timeout: 1s}",
    "get without blocking": "get: {queue: pipeline, into: value, block: false}",
    "task_done": "task_done: pipeline",
    "join_queue": "join_queue: pipeline",
    "start a group": "start: other",
    "start one": "start: other[1]",
    "start a timer": "start: alarm",
    "join a group": "join: other",
    "join one": 'join: {thread: "other[1]", timeout: 1s}',
    "join a timer": "join: alarm",
    "cancel a timer": "cancel: alarm",
    "cancel a timer, long": "cancel: {timer: alarm}",
    "run short": "run: answer",
    "run": "run: {target: twice, args: {x: value + 1}, into: value}",
    "raise": 'raise: "ValueError: too late"',
    "raise without text": "raise: ValueError",
    "raise with an expression": 'raise: "RuntimeError: at {value}"',
    "raise one of the file's own": 'raise: "OutOfStock: none left"',
    "try except": 'try: [{log: x}]\nexcept: {queue.Empty: [], queue.Full: [], Exception: [{log: "{error}"}]}\nelse: []\nfinally: []',
    "try finally": "try: []\nfinally: [{log: x}]",
    "assert short": "assert: value >= 0",
    "assert long": 'assert: {that: value >= 0, message: "is {value}"}',
    "choose": "choose: {from: [1, value, \"'a'\"], into: value}",
    "atomic": 'atomic: [{set: {value: value + 1}}, {log: "{value}"}, {append: {to: items, item: 1}}]',
    "section": "section: critical\ndo: [{assert: inside('critical') <= 1}]",
    "call short": 'call: "package.module:function"',
    "call long": 'call: {function: "package.module:function", args: {x: value}, into: value}',
    "if then": "if: value > 0\nthen: [{log: x}]",
    "if elif": "if: flag\nthen: []\nelif: [{if: value > 1, then: [{log: x}]}, {if: value > 0, then: []}]",
    "if elif else": "if: flag\nthen: []\nelif:\n  - if: value > 1\n    then: [{log: x}]\nelse: [{log: x}]",
    "start several": "start: [alarm, other]",
    "join several": "join: {thread: [other, 'other[0]'], timeout: 1s}",
    "with several": "with: [guard, again, slots]\ndo: [{log: x}]",
    "if then else": "if: flag\nthen: []\nelse: [{log: x}]",
    "while": "while: value < 3\ndo: [{set: {value: value + 1}}]",
    "while true": "while: true\ndo: [break]",
    "repeat": "repeat: 10\ndo: []",
    "repeat an expression": "repeat: len(items)\ndo: [continue]",
    "for": 'for: i\nin: range(7)\ndo: [{log: "{i}"}]',
    "for a list": 'for: i\nin: [1, 2, value]\ndo: [{log: "{i}"}]',
    "break and continue": "while: true\ndo:\n  - if: flag\n    then: [continue]\n  - break",
    "return": "return",
    "return a value": "return: value + 1",
    "shutdown short": "shutdown: workers",
    "shutdown long": "shutdown: {pool: workers, wait: true, cancel_futures: false}",
    "map": "map: {pool: workers, target: twice, over: range(3), as: x}",
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
def test_every_documented_step_is_accepted(step: str) -> None:
    """A step of the language page stands in a behaviour without complaint."""
    lines = step.split("\n")
    world("- " + "\n  ".join(lines))


SEQUENCES = {
    "spawned": "- spawn: {target: twice, args: {x: 1}, daemon: false, into: t}\n- assert: t.is_alive()\n- join: t",
    "futures": """
        - submit: {pool: workers, target: twice, args: {x: value}, into: f}
        - log: "{f.done()} {f.running()} {f.cancelled()}"
        - result: {future: f, into: x, timeout: 1s}
        - result: f
        - cancel: f
        - cancel: {future: f, into: gone}
        - log: "{x} {gone}"
        """,
    "map with results": '- map: {pool: workers, target: twice, over: items, as: x, into: results}\n- log: "{results}"',
    "locals": "- set: {mine: value, _ignored: 1}\n- set: {mine: mine + 1}\n- append: {to: items, item: mine}",
    "exceptions of the file": '- try: [{raise: "OutOfStock: none"}]\n  except: {OutOfStock: [{log: "{error}"}]}',
}


@pytest.mark.parametrize("steps", SEQUENCES.values(), ids=SEQUENCES.keys())
def test_steps_that_belong_together_are_accepted(steps: str) -> None:
    """Results, spawned threads and locals are used by later steps."""
    world(steps)


def test_every_verb_is_among_the_documented_steps() -> None:
    """No verb is left out above."""
    tried = "\n".join([*STEPS.values(), *SEQUENCES.values()])
    assert [verb for verb in VERBS if verb not in tried] == []


PRIMITIVES = {
    "lock": ["lock", "{lock: {}}", "{lock: {initially: locked}}", "{lock: {initially: unlocked}}", "{lock: {count: 1}}"],
    "rlock": ["rlock", "{rlock: {count: 2}}"],
    "semaphore": ["semaphore", "{semaphore: {value: 0}}", "{semaphore: {value: 3, count: 2}}"],
    "bounded_semaphore": ["bounded_semaphore", "{bounded_semaphore: {value: 2}}", "{bounded_semaphore: {count: 2}}"],
    "condition": ["condition", "{condition: {lock: shared}}", "{condition: {count: 3}}"],
    "event": ["event", "{event: {initially: set}}", "{event: {initially: clear}}", "{event: {count: 2}}"],
    "barrier": ["{barrier: {parties: 1}}", "{barrier: {parties: 3, count: 2}}"],
    "queue": [
        "queue", "{queue: {maxsize: 0}}", "{queue: {kind: fifo, maxsize: 10}}", "{queue: {kind: lifo}}",
        "{queue: {kind: priority, maxsize: 1}}", "{queue: {kind: simple}}", "{queue: {kind: simple, count: 2}}",
        "{queue: {kind: simple, maxsize: 0}}",
    ],
    "future": ["future", "{future: {count: 2}}"],
    "pool": ["{pool: {max_workers: 1}}", "{pool: {max_workers: 4, count: 2}}"],
    "timer": [
        "{timer: {after: 1s, target: worker}}", "{timer: {after: {uniform: [1ms, 2ms]}, target: worker, args: {duration: 1s}}}",
        "{timer: {after: 1s, target: worker, count: 2}}",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "form"), [(kind, form) for kind, forms in PRIMITIVES.items() for form in forms])
def test_every_kind_of_object_is_accepted_with_each_option(kind: str, form: str) -> None:
    """Short forms, long forms, options and arrays of every kind."""
    index = "[0]" if "count" in form else ""
    steps = {
        "event": f"set_event: thing{index}", "barrier": f"wait: thing{index}", "queue": f"get: thing{index}",
        "pool": f"shutdown: thing{index}", "future": f"set_result: thing{index}", "timer": f"start: thing{index}",
    }  # fmt: skip
    step = steps.get(kind, f"acquire: thing{index}")
    shared = ", shared: lock" if "shared" in form else ""
    load(f"scenario: object\nsync: {{thing: {form}{shared}}}\nthreads: {{one: {{do: [{{{step.replace('[0]', '')}}}]}}}}\n"
         if not index else
         f'scenario: object\nsync: {{thing: {form}}}\nthreads:\n  one:\n    do:\n      - {step}\n')  # fmt: skip


def test_every_kind_is_among_the_documented_objects() -> None:
    """No kind is left out above."""
    assert sorted(PRIMITIVES) == sorted(KINDS)


PARAMETERS = {
    "int": ("3", 'log: "{p}"'),
    "float": ("1.5", 'log: "{p}"'),
    "bool": ("true", 'log: "{p}"'),
    "str": ("hello", 'log: "{p}"'),
    "duration": ("{uniform: [1ms, 2ms]}", "sleep: p"),
    "value": ("total + 1", 'log: "{p}"'),
    "expression": ("random.randint(1, 6)", 'log: "{p}"'),
    "variable": ("total", "set: {p: p + 1}"),
    "lock": ("a_lock", "acquire: p"),
    "rlock": ("a_rlock", "acquire: p"),
    "semaphore": ("a_semaphore", "acquire: p"),
    "bounded_semaphore": ("a_bounded_semaphore", "acquire: p"),
    "condition": ("a_condition", "with: p, do: [{notify: p}]"),
    "event": ("a_event", "set_event: p"),
    "barrier": ("a_barrier", "wait: p"),
    "queue": ("a_queue", "get: p"),
    "future": ("a_future", "set_result: p"),
    "pool": ("a_pool", "shutdown: p"),
    "timer": ("a_timer", "start: p"),
}


@pytest.mark.parametrize("kind", [*PARAMETER_TYPES, *KINDS])
@pytest.mark.parametrize("form", ["short", "long", "optional"])
@pytest.mark.parametrize("use", ["target", "run", "spawn"])
def test_every_type_of_parameter_is_accepted(kind: str, form: str, use: str) -> None:
    """Parameters in short and long form, given to a thread, a `run` and a `spawn`."""
    argument, step = PARAMETERS[kind]
    options = {"barrier": "{parties: 1}", "pool": "{max_workers: 1}", "timer": "{after: 1s, target: worker}"}
    declared = f"sync: {{a_{kind}: {{{kind}: {options.get(kind, '{}')}}}}}\n" if kind in KINDS else ""
    if "total" in argument:
        declared = "state: {total: 0}\n"
    written = {"short": kind, "long": f"{{type: {kind}}}", "optional": f"{{type: {kind}, default: null}}"}[form]
    quoted = argument if argument.startswith("{") else f'"{argument}"' if "(" in argument else argument
    given = f"{{target: mine, args: {{p: {quoted}}}}}"
    thread = given if use == "target" else f"{{do: [{{{use}: {given}}}]}}"
    body = f"behaviours:\n  mine: {{params: {{p: {written}}}, do: [{{{step}}}]}}\n"
    load(f"scenario: parameter\n{declared}{body}threads: {{one: {thread}}}\n")


EXPRESSIONS = [
    "1", "-1", "+1", "1.5", "1e3", "'text'", "True", "False", "None", "[]", "[1, value]", "{}", "{'a': value}",
    "value + 1 - 2 * 3 / 4 // 5 % 6 ** 2", "value & 1 | 2 ^ 3 << 1 >> 1", "~value", "not flag",
    "value < 1 <= 2", "value > 1 >= 0", "value == 1 != 2", "value in items", "value not in items", "nothing is None",
    "nothing is not None", "flag is True", "flag and value or not flag", "1 if flag else 2", "items[0]", "items[-1]",
    "table['a'][0]", "text[value]", "(value)", "'%s' % value", "index", "name", "'a' in text", "0xff", "0b11", "1_000",
    "ready.is_set()", "pipeline.qsize()", "pipeline.empty()", "pipeline.full()", "guard.locked()", "gate.n_waiting",
    "gate.broken", "gate.parties", "other[0].is_alive()", "forks[index].locked()", "pipelines[value].empty()",
    "inside('region')",
]  # fmt: skip
CALLS = {
    "len": "len(items)", "min": "min(1, value)", "max": "max(items)", "abs": "abs(-1)", "sum": "sum(items)",
    "sorted": "sorted(items)", "range": "range(1, 5, 2)", "int": "int('1')", "float": "float('1.5')", "str": "str(value)",
    "bool": "bool(value)", "round": "round(ratio, 1)", "any": "any(items)", "all": "all([flag, value > 0])",
    "randint": "random.randint(1, 101)", "random": "random.random()", "uniform": "random.uniform(0, 1)",
    "choice": "random.choice(items)", "hex": "random.hex(4)",
}  # fmt: skip


@pytest.mark.parametrize("expression", [*EXPRESSIONS, *CALLS.values()])
def test_every_kind_of_expression_is_accepted(expression: str) -> None:
    """The literals, operators, displays, functions and questions of the language page."""
    region = "- section: region\n  do: []\n" if "inside" in expression else ""
    world(f"{region}- set:\n    value: >-\n      {expression}\n- log: >-\n    {{({expression})}}")


def test_every_function_is_among_the_expressions() -> None:
    """No function and no draw is left out above."""
    assert sorted(CALLS) == sorted([*FUNCTIONS, *DRAWS])


KEYS = {
    "stop short": "stop: 100ms\n",
    "stop long": "stop: {after: 100ms, event: closing}\n",
    "texts": "description: words\nversion: 1\nseed: 42\nstop: 1s\n",
    "log fields": "log: {fields: {service: checkout, n: 1, nested: {a: [1]}}}\n",
    "limits": "limits: {time: 10s, steps: 1000}\n",
    "costs": "costs: {acquire: 2us, sleep: 0ms}\n",
    "ignored": "x-anything: {a: [1, 2]}\nx-base: &base {count: 2}\n",
    "final and always": 'state: {value: 0}\nexpect: {final: [value == 0, "value in [0, 1]"], always: [value >= 0]}\n',
    "outcomes": "state: {x: 0, y: 1}\nexpect:\n  outcomes:\n    observe: [x, y]\n    allowed: [[0, 1], [1, 0]]\n"
    "    required: [[0, 1]]\n    forbidden: [[1, 1]]\n",
    "race": "expect: {race: never}\n",
    "one verdict": "expect: {verdict: deadlock}\n",
    "several verdicts": "expect: {verdict: [holds, deadlock]}\n",
    "verdicts by way": "expect: {verdict: {run: [holds, deadlock], simulate: holds, explore: [race, livelock]}}\n",
}


@pytest.mark.parametrize("text", KEYS.values(), ids=KEYS.keys())
def test_every_top_level_key_is_accepted(text: str) -> None:
    """Each key of the file in each of its forms."""
    event = "closing" if "closing" in text else "stop"
    group = f"{{do: [{{wait: {event}}}]}}" if "stop:" in text else "{target: worker}"
    load(f"scenario: keys\n{text}threads: {{one: {group}}}\n")


GROUPS = {
    "target": "{target: worker}",
    "args": "{target: worker, args: {duration: 1s, work: 1ms}}",
    "steps in place": "{do: []}",
    "count": "{target: worker, count: 3}",
    "daemon": "{target: worker, daemon: true}",
    "joined daemon": "{target: worker, daemon: true, join: true}",
    "not joined": "{target: worker, join: false}",
    "late": "{target: worker, start_after: 1s}",
    "tasks": "{target: worker, pool: workers, count: 3}",
    "endless": "{do: [{while: true, do: [{sleep: 1ms}]}], endless: true}",
    "defaults": "{target: worker, args: {}, count: 1, daemon: false, join: true, endless: false}",
    "merged": "{<<: {count: 2, daemon: false}, target: worker}",
    "updater": "{target: updater, args: {variable: total, by: 2, pause: 1ms, guard: guard, times: 3}}",
    "updater of an item": '{target: updater, args: {variable: "list[0]"}}',
    "producer": '{target: producer, args: {queue: pipeline, item: "random.randint(1, 6)", every: 1ms, items: 3, sentinels: 1}}',
    "producer with another event": "{target: producer, args: {queue: pipeline, stop: halt, burst: 2, backlog: 5}}",
    "consumer": "{target: consumer, args: {queue: pipeline, work: {uniform: [1ms, 2ms]}}}",
    "consumer_until_sentinel": "{target: consumer_until_sentinel, args: {queue: pipeline, work: 1ms}}",
    "sender": "{target: sender, args: {may_write: guard, may_read: guard, message: total, count: 3}}",
    "receiver": "{target: receiver, args: {may_write: guard, may_read: guard, message: total}}",
    "poller": "{target: poller, args: {event: halt, every: 1ms}}",
    "waiter": "{target: waiter, args: {event: halt, timeout: 1s}}",
}


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS.keys())
def test_every_option_of_a_thread_group_and_every_shipped_behaviour_is_accepted(group: str) -> None:
    """Groups with each key, and the built-in behaviours with each of their parameters."""
    load(
        "scenario: groups\nstate: {total: 0, list: [0]}\n"
        "sync: {guard: lock, pipeline: queue, halt: event, workers: {pool: {max_workers: 1}}}\n"
        f"threads:\n  tried: {group}\n"
        '  user: {do: [{log: "{total} {list} {guard.locked()} {pipeline.qsize()} {halt.is_set()}"}, {shutdown: workers}]}\n'
    )


def test_main_starts_and_joins_what_it_likes() -> None:
    """With `main`, groups, replicas and timers are started and joined by steps."""
    load(
        "scenario: by_hand\nthreads: {worker_a: {target: worker, count: 2}, worker_b: {do: []}}\n"
        'main: [{start: "worker_a[0]"}, {start: "worker_a[1]"}, {start: worker_b}, {join: worker_a}, {join: worker_b}]\n'
    )


def test_kinds_are_legal_names() -> None:
    """`queue`, `event` and `lock` name objects as well as kinds."""
    load("scenario: names\nsync: {queue: queue, lock: lock}\nthreads: {event: {do: [{get: queue}, {acquire: lock}]}}\n")


def test_a_file_with_a_mark_and_windows_line_ends_is_accepted() -> None:
    """A byte order mark and CRLF are no reason to refuse a file."""
    text = "scenario: windows\nthreads:\n  one: {target: worker}\n".replace("\n", "\r\n")
    assert load_source(decode("windows.yaml", b"\xef\xbb\xbf" + text.encode())).name == "windows"
