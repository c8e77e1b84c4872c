"""`scenrun timeline` as users call it: logs, scenarios and schedules, widths, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from terminal import SCENARIOS, on_terminal, seen_columns
from timelines import crowd, scenrun

# --- the command


def test_a_pipe_gives_the_same_as_a_file(logs: dict[str, Path]) -> None:
    """A log that can be read only once is drawn as well."""
    path = logs["barrier_phases"]
    piped = scenrun("timeline", given=path.read_text(encoding="utf-8"))
    assert piped.returncode == 0
    assert piped.stdout == scenrun("timeline", str(path)).stdout
    assert "solver[2]" in piped.stdout


def test_a_scenario_and_a_schedule_are_taken(tmp_path: Path) -> None:
    """A scenario is simulated first, a schedule replayed and drawn along its lines, which is said."""
    file, schedule = SCENARIOS / "queue_pipeline.yaml", tmp_path / "found.json"
    assert "condition_buffer: simulated" in scenrun("timeline", str(SCENARIOS / "condition_buffer.yaml")).stdout
    scenrun("explore", str(file), "--save", str(schedule))
    done = scenrun("timeline", str(schedule))
    assert "drawn along the lines of its log" in done.stderr
    assert "columns are lines of the log" in done.stdout
    by_time = scenrun("timeline", str(schedule), "--by", "time")
    assert "a column is " in by_time.stdout
    assert "along the lines" not in by_time.stderr


def test_a_part_of_it(logs: dict[str, Path]) -> None:
    """`--from` and `--to`, in times or in lines."""
    path = str(logs["thread_pool"])
    part = scenrun("timeline", path, "--from", "30ms", "--to", "50ms").stdout
    assert re.search(r"^ +30 ms +35 ms +40 ms +45 ms", part, re.MULTILINE)
    lines = scenrun("timeline", path, "--from", "10", "--to", "30").stdout
    assert re.search(r"^ lines +10 +15 +20 +25", lines, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "10", "--to", "20ms"), "--from and --to are times (10ms) with --by time"),
        (("--from", "10", "--by", "time"), "--from and --to are times (10ms) with --by time"),
        (("--from", "20ms", "--to", "10ms"), "--from 20ms is not before --to 10ms"),
        (("--from", "1h"), "--from is after the end of the run"),
        (("--from", "soon"), "is no duration"),
        (("--threads", "nobody"), "no thread fits nobody; there are main, "),
        (("--width", "10"), "10 is not in the range"),
    ],
)
def test_what_cannot_be_drawn(arguments: tuple[str, ...], said: str, logs: dict[str, Path]) -> None:
    """A sentence, and exit status 2."""
    done = scenrun("timeline", str(logs["thread_pool"]), *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_an_info_log_says_what_it_lacks(logs: dict[str, Path]) -> None:
    """Lives are drawn, nothing is claimed of what threads did, and `--level debug` is named."""
    info = scenrun("simulate", str(SCENARIOS / "barrier_phases.yaml"), "-q").stdout
    said = scenrun("timeline", given=info).stdout
    assert "▄ there" in said
    assert "running" not in said
    assert "--level debug" in said


def test_a_log_that_was_cut_is_drawn_and_said_to_be(logs: dict[str, Path]) -> None:
    """What could be read is shown; stderr says that the end is missing."""
    text = logs["barrier_phases"].read_text(encoding="utf-8")
    done = scenrun("timeline", given=text[: len(text) // 2])
    assert done.returncode == 0
    assert "solver[0]" in done.stdout
    assert "waiting when the log ended" in done.stdout
    assert "is cut off" in done.stderr


def test_the_output_decides_about_blocks_width_and_colour(logs: dict[str, Path]) -> None:
    """ASCII where the encoding has no blocks; on a terminal its width, and colour unless NO_COLOR is set."""
    path = str(logs["dining_philosophers"])
    plain = scenrun("timeline", path, PYTHONIOENCODING="ascii", PYTHONUTF8="0").stdout
    assert plain.isascii()
    assert "=" in plain
    named = "".join(json.dumps(event) + "\n" for event in crowd(3, "w[2]")).replace(
        "w[", "産業に関する長い名前" * 3 + "["
    )
    rows = scenrun("timeline", given=named, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert rows.returncode == 0
    assert "??~" in rows.stdout
    said = on_terminal("timeline", path, width=100)
    assert "\x1b[" in said
    assert max(seen_columns(re.sub(r"\x1b\[[\d;]*m", "", text)) for text in said.splitlines()) == 100
    assert "\x1b" not in on_terminal("timeline", path, NO_COLOR="1")
