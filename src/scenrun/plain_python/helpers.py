"""What a script has beside the functions of the file: work, the lock of atomic steps, sections, exceptions, counters."""

from __future__ import annotations

from scenrun.plain_python.layout import Lines, unparsed
from scenrun.plain_python.script import Script


def write_helpers(script: Script) -> list[Lines]:
    """Each helper that the script uses."""
    parts = [
        *_exceptions(script),
        _clock(script),
        _work(script),
        _atomic(script),
        *_readers(script),
        *_sections(script),
        _counters(script),
    ]
    return [part for part in parts if part.written]


def _exceptions(script: Script) -> list[Lines]:
    made = []
    for given, text in script.exceptions.items():
        lines = Lines()
        with lines.block(f"class {text}(Exception):"):
            lines.add(f'"""The exception `{given}` of the scenario."""')
        made.append(lines)
    return made


def _clock(script: Script) -> Lines:
    lines = Lines()
    if "clock" in script.helpers:
        with lines.block(f"def {script.helpers['clock']}():"):
            lines.add('"""The seconds since the script began."""')
            lines.add(f"return time.monotonic() - {script.helpers['begun']}")
    return lines


def _work(script: Script) -> Lines:
    lines = Lines()
    if "work" in script.helpers:
        with lines.block(f"def {script.helpers['work']}(seconds):"):
            lines.add('"""Keeps a processor busy for so many seconds of this thread\'s own time."""')
            lines.add("end = time.thread_time() + seconds")
            with lines.block("while time.thread_time() < end:"):
                lines.add("pass")
    return lines


def _atomic(script: Script) -> Lines:
    lines = Lines()
    if "atomic" in script.helpers:
        above = ("Held by steps that nobody may see half done, and wherever else their variables are", "written.")
        lines.add(f"{script.helpers['atomic']} = threading.Lock()", above)
    return lines


def _readers(script: Script) -> list[Lines]:
    made = []
    for variable, text in script.readers.items():
        lines = Lines()
        with lines.block(f"def {text}():"):
            lines.add(f'"""The value of `{variable}`, never one that is half done."""')
            with lines.block(f"with {script.helpers['atomic']}:"):
                lines.add(f"return {script.copied(variable) if variable in script.uses.changed_in_place else variable}")
        made.append(lines)
    return made


_SECTION = '''class {name}:
    """Counts the threads that are inside."""

    def __init__(self):
        self.inside = 0
        self._lock = threading.Lock()

    def __enter__(self):
        with self._lock:
            self.inside += 1

    def __exit__(self, *exception):
        with self._lock:
            self.inside -= 1'''


def write_waiting(script: Script) -> Lines:
    """The function that waits for what still runs when main has returned, as Python does before it ends."""
    script.imports.add("threading")
    others, one = script.free("others", "left"), script.free("thread", "other")
    lines = Lines()
    with lines.block(f"def {script.helper('waiting', 'wait_for_all')}():"):
        lines.add('"""Waits until every task, and every thread that is no daemon, has ended."""')
        pools = [text for text, primitive in script.scenario.sync.items() if primitive.kind_name == "pool"]
        for wait in ("wait=False", "") if len(pools) > 1 else ("",):
            for text in pools:
                _shut_down(script, lines, text, wait)
        running = f"{one} for {one} in threading.enumerate() if not {one}.daemon"
        running += f" and {one} is not threading.main_thread()"
        looking = lines.block(f"while {others} := [{running}]:"), lines.block(f"for {one} in {others}:")
        with looking[0], looking[1], lines.block(f"if {one}.is_alive():  # not one that is only about to start"):
            lines.add(f"{one}.join()")
    return lines


def _shut_down(script: Script, lines: Lines, text: str, wait: str) -> None:
    found = script.meanings[text]
    pool = unparsed(found.tree)
    if found.count is None:
        lines.add(f"{pool}.shutdown({wait})")
        return
    one = script.free("pool", "one")
    with lines.block(f"for {one} in {pool}:"):
        lines.add(f"{one}.shutdown({wait})")


def _sections(script: Script) -> list[Lines]:
    if not script.sections:
        return []
    kind, instances = Lines(), Lines()
    kind.written += _SECTION.format(name=script.helpers["section"]).splitlines()
    for text in script.sections.values():
        instances.add(f"{text} = {script.helpers['section']}()")
    return [kind, instances]


def _counters(script: Script) -> Lines:
    lines = Lines()
    for of, text in script.counters.items():
        lines.add(f"{text} = itertools.count()", (f"The numbers of those that steps make of `{of}`.",))
    return lines
