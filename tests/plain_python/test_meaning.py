"""Scenarios whose scripts once did something else: each asserts what is right, and so does its script."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from scripts_compared import LONG_S
from scripts_run import runs_of

import scenrun
from scenrun.errors import ScenarioError
from scenrun.plain_python.whole import plain_python

CASES = {
    "an argument that is not the first": """
behaviours: {t: {params: {x: {type: value, default: 1}, y: {type: value, default: 2}}, do: [{append: {to: seen, item: "[x, y]"}}]}}
sync: {crew: {pool: {max_workers: 1}}}
state: {seen: []}
main:
- {run: {target: t, args: {y: 6}}}
- {with: crew, do: [{submit: {pool: crew, target: t, args: {y: 7}}}, {map: {pool: crew, target: t, over: "[8]", as: y}}]}
- {assert: "seen == [[1, 6], [1, 7], [1, 8]]"}
""",
    "what map hands to all tasks is of now": """
behaviours: {job: {params: {x: value, of: value}, do: [{append: {to: seen, item: "[x, of]"}}, {set: {n: n + 1}}]}}
sync: {crew: {pool: {max_workers: 1}}}
state: {seen: [], n: 0}
main:
- {with: crew, do: [{map: {pool: crew, target: job, over: "range(3)", as: x, args: {of: n}}}]}
- {assert: "seen == [[0, 0], [1, 0], [2, 0]]"}
""",
    "what a daemon makes is none of itself": """
behaviours: {late: {do: [{sleep: 30ms}, {atomic: [{set: {n: n + 1}}]}]}}
state: {n: 0}
sync: {made: event}
threads: {d: {daemon: true, do: [{spawn: {target: late}}, {spawn: {target: late, after: 10ms}}, {set_event: made}]}}
main:
- {start: d}
- {wait: made}
expect: {final: ["n == 2"]}
""",
    "a task that a shutdown drops is joined": """
sync: {crew: {pool: {max_workers: 1}}, go: event, dropped: event}
threads:
  a: {pool: crew, do: [{wait: go}, {shutdown: {pool: crew, wait: false, cancel_futures: true}}]}
  b: {pool: crew, do: [{set_event: dropped}]}
main:
- {start: [a, b]}
- {set_event: go}
- {join: [a, b]}
- {assert: not dropped.is_set()}
""",
    "copies of what is chosen": """
state: {l: [1], m: {a: [1]}}
main:
- {set: {a: "l or []", b: "m.get('a')", c: "max(l, [0])", d: "[l, 2][0]"}}
- {append: {to: l, item: 7}}
- {append: {to: "m['a']", item: 7}}
- {assert: "a == [1] and b == [1] and c == [1] and d == [1]"}
""",
    "copies of what is in something": """
state: {s: [2]}
main:
- {set: {a: "[1] + [s]", b: "list([s])", c: "[x for x in [s]]", d: "{'k': [s]}"}}
- {append: {to: s, item: 7}}
- {assert: "a == [1, [2]] and b == [[2]] and c == [[2]] and d == {'k': [[2]]}"}
""",
    "names of the script's own": """
sync: {evs: {event: {count: 2, initially: set}}, go: event}
state: {each: 5, alarm: 6, thread: [4], seen: 1, future: 3, timer: 2, pool: 1, others: 9}
behaviours: {h: {do: [{log: hi}]}}
threads: {c: {count: 2, do: [{log: hi}]}}
main:
- {start: c}
- {set: {z: thread}}
- {join: c}
- {wait: "evs[0]"}
- {assert: "each == 5 and alarm == 6 and z == [4] and thread == [4] and future == 3"}
expect: {final: [seen == 1, others == 9, pool == 1, timer == 2], outcomes: {observe: [seen], allowed: [[1]]}}
""",
    "names of lists of the script's own": """
sync: {pool: {pool: {max_workers: 1, count: 2}}, each: {lock: {count: 2, initially: locked}}}
state: {seen: 0, observed: 0, came_to: 0, n: 0}
behaviours: {job: {do: [{set: {n: 1}}]}}
main:
- {release: "each[0]"}
- {submit: {pool: "pool[1]", target: job}}
expect: {final: [n == 1], outcomes: {observe: [seen]}}
""",
    "an expression that is handed on": """
behaviours:
  outer: {params: {q: expression}, do: [{run: {target: inner, args: {p: q + 1}}}]}
  inner: {params: {p: expression}, do: [{set: {total: p}}]}
state: {total: 1}
main:
- {set: {loc: 4}}
- {run: {target: outer, args: {q: total + loc}}}
- {assert: total == 6}
""",
    "what is half done is seen by nobody": """
state: {x: 0, items: []}
behaviours: {w: {do: [{atomic: [{repeat: 3, do: [{set: {x: x + 1}}, {append: {to: items, item: x}}]}, {set: {x: 0, items: "[]"}}]}]}}
threads:
  a: {target: w, count: 3}
  r: {do: [{repeat: 20, do: [{set: {c: items}}, {assert: "c == []"}]}]}
expect: {always: [x == 0]}
""",
}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("scripts")
    made = {}
    for number, (name, text) in enumerate(CASES.items()):
        scenario = yaml.safe_load(f"scenario: case{number}\n{text}")
        loaded = scenrun.load(scenario)
        assert scenrun.explore(loaded, max_states=100_000).verdict == "holds", name
        made[name] = folder / f"case{number}.py"
        made[name].write_text(plain_python(loaded).text)
    return made


def test_the_scripts_do_what_the_scenarios_say(scripts: dict[str, Path]) -> None:
    ended = runs_of(scripts.values(), 20, limit_s=LONG_S)
    wrong = {name: [end.raised for end in ended[path] if end.raised or not end.ended] for name, path in scripts.items()}
    assert {name: raised for name, raised in wrong.items() if raised} == {}


def test_an_exception_of_more_than_a_text_is_refused() -> None:
    scenario = {"scenario": "u", "main": [{"raise": "UnicodeDecodeError: bb"}], "expect": {"verdict": "exception"}}
    with pytest.raises(ScenarioError, match="more than a text"):
        plain_python(scenrun.load(scenario))


def test_no_comment_is_lost(tmp_path: Path) -> None:
    """Also those of sections, of parameters, of expectations, and behind the last step."""
    text = """# one
scenario: c            # two
sync:                  # three
  # four
  guard: lock          # five
state: {v: 0}          # six
behaviours:            # seven
  inc:                 # eight
    params:            # nine
      by: int          # ten
    do:                # eleven
      # twelve
      - with: guard    # thirteen
        do:
          - set: {v: v + by}  # fourteen
          # fifteen
threads:               # sixteen
  t:
    target: inc        # seventeen
    args: {by: 2}      # eighteen
expect:                # nineteen
  # twenty
  final: ["v == 2"]    # twentyone
  verdict: holds       # twentytwo
# twentythree
"""
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    script = plain_python(scenrun.load(path)).text
    words = [line.rpartition("# ")[2] for line in text.splitlines() if "# " in line]
    assert len(words) == 23
    assert [word for word in words if word not in script.split()] == []
    for comment, statement in (
        ("# thirteen", "with guard:"),
        ("# five", "guard = threading.Lock()"),
        ("# six", "v = 0"),
    ):
        assert f"{statement}  {comment}" in script
    compile(script, "script", "exec")


def test_a_broken_expectation_shows_in_the_exit_status_also_where_threads_outlive_main(tmp_path: Path) -> None:
    import subprocess
    import sys

    scenario = {
        "scenario": "late", "state": {"v": 0}, "behaviours": {"w": {"do": [{"sleep": "20ms"}, {"set": {"v": 1}}]}},
        "main": [{"spawn": {"target": "w"}}], "expect": {"final": ["v == 2"], "verdict": "violated"},
    }  # fmt: skip
    path = tmp_path / "late.py"
    path.write_text(plain_python(scenrun.load(scenario)).text)
    done = subprocess.run([sys.executable, "-I", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, "final: v == 2" in done.stderr) == (1, True)


def test_a_thread_that_is_only_about_to_start_is_waited_for() -> None:
    """`threading.enumerate` has it already, and it cannot be joined yet."""
    text = 'scenario: s\nstate: {n: 0}\nthreads: {a: {do: [{set: {n: 1}}]}}\nmain: [{start: a}]\nexpect: {final: ["n == 1"]}\n'
    names: dict[str, Any] = {"__name__": "script"}
    exec(plain_python(scenrun.load(yaml.safe_load(text))).text, names)
    looked, done = [], []
    late = threading.Thread(target=lambda: done.append(True))

    def enumerated() -> list[threading.Thread]:
        looked.append(late.ident)
        if len(looked) == 3:
            late.start()
        return [] if done else [late]

    with mock.patch.object(threading, "enumerate", enumerated):
        names["wait_for_all"]()
    assert looked[:2] == [None, None]
    assert done
