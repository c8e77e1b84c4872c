"""What a timeline draws: every cell against the log, every line within the width, what is left out and why."""

from __future__ import annotations

import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from terminal import seen_columns
from timelines import FILES, Event, crowd, line

from scenrun.report.timeline.axis import Axis
from scenrun.report.timeline.cells import Cells
from scenrun.report.timeline.choosing import chosen_of, fits
from scenrun.report.timeline.drawing import Drawing, frame_of
from scenrun.report.timeline.signs import ASCII, BLOCKS, can_say
from scenrun.report.timeline.spool import Spool
from scenrun.report.timeline.survey import KIND, STATES, Survey
from scenrun.trace.analysis.reading import LogError, Reading
from scenrun.trace.analysis.spans import Span, spans_of

OPEN: list[Spool] = []


def spool() -> Spool:
    """A new one, which is closed after the test."""
    OPEN.append(Spool())
    return OPEN[-1]


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def survey_of(lines: bytes | list[Event]) -> Survey:
    """What a log's first reading gives."""
    data = lines if isinstance(lines, bytes) else b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    survey = Survey(spool())
    survey.read(Reading(io.BytesIO(data), "log"))
    return survey


def drawn(
    survey: Survey, width: int = 80, *, by_event: bool = False, most: int = 40, patterns: tuple[str, ...] = (),
    ascii_: bool = False, begin: int = 0, end: int | None = None, colour: bool = False,
) -> list[str]:  # fmt: skip
    """The lines of a timeline."""
    chosen = chosen_of(survey, patterns, most)
    frame = frame_of(chosen, width)
    last = survey.last_seq if by_event else survey.ended_ns
    axis = Axis(begin, last if end is None else end, frame.columns, by_event)
    lanes = {survey.threads[name]: at for at, name in enumerate(chosen.threads)}
    cells = Cells(axis, lanes, [survey.locks[n] for n in chosen.locks], [survey.queues[n] for n in chosen.queues])
    cells.take(survey.spool)
    signs = ASCII if ascii_ else BLOCKS
    return list(Drawing(survey, chosen, cells, frame, signs, colour=colour).lines())


def lane_of(lines: list[str], name: str, width: int = 80) -> str:
    """The cells of a row."""
    row = next(line for line in lines if re.match(rf"[! ]([\w*] |  )?{re.escape(name)} ", line))
    axis = next(line for line in lines if re.fullmatch(r" +[┬+][─┬+-]*|[ ]+[─┬+-]+", line))
    begin = len(axis) - len(axis.lstrip())
    return row[begin:].ljust(width - begin)


# --- cells against the log


def ns(seconds: float) -> Fraction:
    """Nanoseconds, as whole as the log has them."""
    return Fraction(round(seconds * 1e9))


def times_in(spans: list[Span], low: Fraction, high: Fraction, *, by_event: bool) -> dict[str, Fraction]:
    """How long a thread did what between two moments, by looking at every span; and the longest hold."""
    out: dict[str, Fraction] = defaultdict(Fraction)
    held: dict[str | None, Fraction] = defaultdict(Fraction)
    for span in spans:
        begin, end = (
            (Fraction(span.begin_seq), Fraction(span.end_seq)) if by_event else (ns(span.begin_s), ns(span.end_s))
        )
        share = max(Fraction(0), min(end, high) - max(begin, low))
        if span.what == "holding":
            held[span.object] += share
        else:
            out[span.what] += share
    busy = sum((out[what] for what in ("sleeping", "working", "calling", "waiting")), Fraction(0))
    out["running"] = max(Fraction(0), out["alive"] - busy)
    out["held"] = max(held.values(), default=Fraction(0))
    return out


def expected_sign(times: dict[str, Fraction]) -> str | None:
    """The sign of the state with the most time; None where the thread had no time at all."""
    best = max(times[what] for what in STATES)
    if best == 0:
        return None
    what = next(what for what in STATES if times[what] == best)
    heavy = times["held"] > 0 and 2 * times["held"] >= times["alive"]
    return (BLOCKS.heavy if heavy else BLOCKS.light)[STATES.index(what)]


@pytest.mark.parametrize("by_event", [False, True], ids=["time", "event"])
@pytest.mark.parametrize("name", [f.stem for f in FILES if not f.stem.startswith("queue_")])
def test_every_cell_shows_what_had_most_time(name: str, by_event: bool, logs: dict[str, Path]) -> None:
    """For every thread and column: the state with the most time there, found again from the spans in another way."""
    data = logs[name].read_bytes()
    survey = survey_of(data)
    lines = drawn(survey, by_event=by_event)
    of_thread: dict[str, list[Span]] = defaultdict(list)
    for span in spans_of(Reading(io.BytesIO(data), name)):
        if span.what != "inside" and not (span.what == "queued" and span.thread in survey.workers):
            of_thread[survey.lane_of(span.thread)].append(span)
    length = Fraction(survey.last_seq if by_event else survey.ended_ns)
    for thread in survey.threads:
        lane = lane_of(lines, thread)
        for column, sign in enumerate(lane):
            low, high = length * column / len(lane), length * (column + 1) / len(lane)
            wanted = expected_sign(times_in(of_thread[thread], low, high, by_event=by_event))
            if wanted is not None:
                assert (thread, column, sign) == (thread, column, wanted)
            else:
                assert sign in " ▄█"


@given(
    st.lists(st.integers(0, 1_000), min_size=4, max_size=14),
    st.lists(st.sampled_from(["waiting", "sleeping", "working", "calling", ""]), min_size=14, max_size=14),
    st.integers(1, 70), st.integers(0, 500), st.integers(501, 1_200),
)  # fmt: skip
def test_any_life_is_drawn_as_it_was(cuts: list[int], doing: list[str], columns: int, begin: int, end: int) -> None:
    """A life cut into pieces at random, on any part of it, in any number of columns."""
    moments = sorted(set(cuts))
    assume(len(moments) > 1)
    pieces = [(what, a, b) for what, (a, b) in zip(doing, pairwise(moments), strict=False) if what]
    aside = spool()
    for what, a, b in [*pieces, ("alive", moments[0], moments[-1])]:
        aside.add(KIND[what], 0, -1, (a, b), (0, 0))
    cells = Cells(Axis(begin, end, columns), {0: 0}, (), ())
    cells.take(aside)
    for column in range(columns):
        low = begin + Fraction((end - begin) * column, columns)
        high = low + Fraction(end - begin, columns)
        times = {what: Fraction(0) for what in STATES}
        for what, a, b in pieces:
            times[what] += max(Fraction(0), min(Fraction(b), high) - max(Fraction(a), low))
        there = max(Fraction(0), min(Fraction(moments[-1]), high) - max(Fraction(moments[0]), low))
        times["running"] = there - sum(times.values())
        state = cells.lanes[0].state(column)
        if there:
            assert state is not None
            assert times[STATES[state]] == max(times.values())
        else:
            assert state in (None, STATES.index("running"))


@given(st.integers(0, 1_000), st.integers(1, 1_000), st.integers(1, 80), st.integers(0, 2_500), st.integers(0, 2_500))
def test_shares_add_up(begin: int, length: int, columns: int, one: int, other: int) -> None:
    """The shares of a span on an axis are as long as what of it lies there, and none is longer than a column."""
    axis = Axis(begin, begin + length, columns)
    low, high = sorted((one, other))
    shares = list(axis.spread(low, high))
    assert sum(share for _, share in shares) == columns * max(0, min(high, axis.end) - max(low, begin))
    assert all(0 <= column < columns and 0 <= share <= axis.length for column, share in shares)
    assert [column for column, _ in shares] == sorted({column for column, _ in shares})


def test_a_lock_shows_its_owner(logs: dict[str, Path]) -> None:
    """philosopher[0], row b, has forks[0] from its acquisition to the end."""
    lines = drawn(survey_of(logs["dining_philosophers"].read_bytes()), by_event=True)
    assert any(line.startswith("!b philosopher[0]") for line in lines)
    assert re.fullmatch(r" +·?b+", lane_of(lines, "forks[0]"))


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(1, 30)), min_size=1, max_size=12),
    st.integers(1, 8),
)
def test_the_owner_is_who_had_it_longest(turns: list[tuple[int, int, int]], columns: int) -> None:
    """Of several who had a lock in a column, several times each: the one with the longest time in all."""
    aside, at, holds = spool(), 0, []
    for thread, pause, length in turns:
        holds.append((thread, at + pause, at + pause + length))
        at += pause + length
        aside.add(KIND["holding"], thread, 0, holds[-1][1:], (0, 0))
    cells = Cells(Axis(0, at, columns), {}, {0}, ())
    cells.take(aside)
    for column in range(columns):
        low, high = Fraction(at * column, columns), Fraction(at * (column + 1), columns)
        times = [
            sum((max(Fraction(0), min(b, high) - max(a, low)) for who, a, b in holds if who == thread), Fraction(0))
            for thread in range(3)
        ]
        owner, share = cells.locks[0].owner(column)
        assert Fraction(share, columns) == max(times)
        assert owner == -1 if not any(times) else times[owner] == max(times)


def test_a_semaphore_shows_how_many_have_it(logs: dict[str, Path]) -> None:
    """Three clients at once, then the last two."""
    lane = lane_of(drawn(survey_of(logs["semaphore_pool"].read_bytes())), "connections")
    assert re.fullmatch(r"3+2+", lane)


def test_what_is_so_for_less_than_half_of_a_column_is_a_dot() -> None:
    """A lock, a permit and an item that are there for a moment of ten seconds are neither hidden nor made large."""
    objects = [
        {"name": "guard", "kind": "lock"},
        {"name": "slots", "kind": "semaphore"},
        {"name": "line", "kind": "fifo"},
    ]
    events = [
        line("run.started", 0.0, 0, None, scenario="s", log_level="debug", objects=objects),
        line("thread.started", 0.0, 1),
        line("lock.acquired", 5.01, 2, object="guard", acquired=True),
        line("semaphore.acquired", 5.01, 3, object="slots", acquired=True),
        line("queue.put", 5.01, 4, object="line", size=1),
        line("queue.got", 5.02, 5, object="line", size=0),
        line("semaphore.released", 5.02, 6, object="slots"),
        line("lock.released", 5.02, 7, object="guard"),
        line("thread.ended", 10.0, 8),
    ]
    lines = drawn(survey_of(events))
    lanes = [lane_of(lines, name) for name in ("guard", "slots", "line")]
    assert all(lane.strip() == "·" and lane == lanes[0] for lane in lanes)


def log_of_queue(sizes: list[int]) -> list[Event]:
    """One put or get every second."""
    start = line(
        "run.started", 0.0, 0, None, scenario="q", log_level="debug", objects=[{"name": "line", "kind": "fifo"}]
    )
    events = [start, line("thread.started", 0.0, 1)]
    for size in sizes:
        events.append(line("queue.put", float(len(events) - 2), len(events), object="line", size=size))
    return [*events, line("thread.ended", float(len(sizes)), len(events))]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=20).filter(any))
def test_a_queue_shows_its_average_size(sizes: list[int]) -> None:
    """Up to nine items: the average in a column as a digit, a dot below a half, nothing where it was empty."""
    lines = drawn(survey_of(log_of_queue(sizes)))
    lane = lane_of(lines, "line")
    length = Fraction(len(sizes))
    for column, sign in enumerate(lane):
        low, high = length * column / len(lane), length * (column + 1) / len(lane)
        total = sum(
            (
                size * max(Fraction(0), min(Fraction(at + 1), high) - max(Fraction(at), low))
                for at, size in enumerate(sizes)
            ),
            Fraction(0),
        )
        average = int(total / (high - low) + Fraction(1, 2))
        assert sign == (str(average) if average else "·" if total else " ")


def test_a_long_queue_shows_levels() -> None:
    """More than nine items: blocks, or digits in ASCII, from a little to the most there was."""
    sizes = [0, 100, 50, 1]
    blocks, plain = (lane_of(drawn(survey_of(log_of_queue(sizes)), ascii_=a), "line") for a in (False, True))
    assert re.fullmatch(r" +[▁-█]?█+[▁-█]?▅+[▁-█]?▁+", blocks)
    assert re.fullmatch(r" +[1-9]?9+[1-9]?5+[1-9]?1+", plain)


# --- axis, findings, what is left out


@given(st.integers(0, 10**12), st.integers(1, 10**12), st.integers(20, 200))
def test_marks_have_room_and_stand_at_their_moment(begin: int, length: int, columns: int) -> None:
    """Marks are at least twelve columns apart, and each is where the moment is that it names."""
    axis = Axis(begin, begin + length, columns)
    ticks = axis.ticks()
    size = {"s": 10**9, "ms": 10**6, "us": 1_000, "ns": 1}
    assert all(b - a >= 11 for (a, _), (b, _) in pairwise(ticks))
    for column, name in ticks:
        number, _, unit = name.partition(" ")
        moment = Fraction(number.replace(",", "")) * size.get(unit, 1)
        assert axis.column(int(moment)) == column


def test_findings_are_marked_where_they_are(logs: dict[str, Path]) -> None:
    """A number below the axis in the column of the moment; the finding in full beside the same number."""
    lines = drawn(survey_of(logs["dining_philosophers"].read_bytes()))
    mark = next(text for text in lines if text.startswith(" found "))
    assert mark.endswith(" 1")
    assert len(mark) == 80
    assert any(text.startswith("1 at 24 us: deadlock: ") for text in lines)
    assert sum("waits for forks[" in text for text in lines) == 5


def test_of_many_threads_the_blocked_ones_are_kept() -> None:
    """Of a thousand threads ten rows: the blocked one is among them, the others share one, and it says so."""
    lines = drawn(survey_of(crowd(1_000)), most=10)
    names = [text.split()[0] for text in lines if re.match(r"[! ]w\[", text)]
    assert names == [*(f"w[{at}]" for at in range(9)), "!w[777]"]
    assert any(text.startswith(" 990 others ") for text in lines)
    assert any("990 threads of 1,000 are drawn as one row" in text for text in lines)


@pytest.mark.parametrize(
    ("pattern", "name", "fitting"),
    [("crew", "crew[3]", True), ("crew", "crew#3", True), ("crew", "crews", False), ("crew[1?]", "crew[12]", True),
     ("crew[1?]", "crew[1]", False), ("*[0]", "crew[0]", True), ("c*", "crew", True), ("", "crew", False)],
)  # fmt: skip
def test_patterns_are_plain(pattern: str, name: str, fitting: bool) -> None:
    """A name, a group, or `*` and `?`; brackets mean themselves."""
    assert fits(name, pattern) is fitting


@pytest.mark.parametrize("ascii_", [False, True], ids=["blocks", "ascii"])
@pytest.mark.parametrize("width", [40, 80, 81, 200])
def test_no_line_is_wider_and_the_lanes_fill_the_width(width: int, ascii_: bool, logs: dict[str, Path]) -> None:
    """For every scenario, and the axis is exactly as wide."""
    for path in logs.values():
        if path.stem == "queue_pipeline":
            continue
        lines = drawn(survey_of(path.read_bytes()), width, ascii_=ascii_)
        assert max(map(seen_columns, lines)) == width
        if ascii_:
            assert all(set(text) <= set(map(chr, range(32, 127))) | {"…"} for text in lines)


@given(st.text(min_size=1, max_size=60), st.sampled_from([40, 80]))
def test_names_of_any_kind_are_harmless(name: str, width: int) -> None:
    """Wide, combining, right-to-left, control: the rows stay aligned, and nothing moves the cursor."""
    events = [
        line("run.started", 0.0, 0, None, scenario=name, log_level="debug", objects=[{"name": name, "kind": "lock"}]),
        line("thread.started", 0.0, 1, name),
        line("lock.acquired", 1.0, 2, name, object=name, acquired=True),
        line("queue.put", 1.0, 3, name, object=name, size=12),
        line(
            "finding",
            2.0,
            4,
            None,
            kind="deadlock",
            message=name,
            threads=[{"thread": name, "operation": name, "object": name}],
        ),
        line("thread.ended", 2.0, 5, name),
    ]
    lines = drawn(survey_of(json_lines(events)), width)
    assert all(text.isprintable() and seen_columns(text) <= width for text in lines)
    assert sum(seen_columns(text) == width for text in lines) >= 3


STRANGE = st.sampled_from(
    [None, True, -1, 0, 1e300, -1e300, 2**63, 2**64 - 1, "", "\x1b[2J", [], [1], [{}], {}, {"a": [None]}]
)


@given(st.data())
def test_no_log_is_too_strange_to_be_drawn(data: st.DataObject) -> None:
    """Any field of any line may hold anything: it is drawn, or said to be no log, and no line is too wide."""
    lines = [dict(one) for one in _STRANGE_LOG]
    for _ in range(data.draw(st.integers(1, 4))):
        one = data.draw(st.sampled_from(lines))
        one[data.draw(st.sampled_from(sorted(one)))] = data.draw(STRANGE)
    try:
        survey = survey_of(lines)
    except LogError:
        return
    assume(survey.threads)
    by_event = data.draw(st.booleans())
    assert all(text.isprintable() and seen_columns(text) <= 60 for text in drawn(survey, 60, by_event=by_event))


def json_lines(events: list[Event]) -> bytes:
    """Lines as they may come: what UTF-8 cannot say is written as an escape."""
    return b"".join(json.dumps(event).encode() + b"\n" for event in events if _can_be_said(event))


_STRANGE_LOG = [
    line("run.started", 0.0, 0, None, scenario="s", way="run", seed=0, log_level="debug", objects=[{"name": "guard", "kind": "lock"}]),
    line("thread.started", 0.0, 1),
    line("lock.acquiring", 0.1, 2, object="guard"),
    line("lock.acquired", 0.2, 3, object="guard", acquired=True, waited_s=0.1),
    line("queue.put", 0.3, 4, object="line", size=3, waited_s=0.0),
    line("lock.releasing", 0.3, 5, object="guard"),
    line("lock.released", 0.3, 6, object="guard", held_s=0.1),
    line("queue.getting", 0.4, 7, object="line"),
    line("finding", 1.0, 8, None, kind="deadlock", message="stuck", threads=[{"thread": "t", "operation": "queue.get", "object": "line", "held_by": ["t"], "line": 3, "since_s": 0.4}]),
    line("thread.cut_off", 1.0, 9),
    line("run.finished", 1.0, 10, None, ok=False, verdict="deadlock", expected=["holds"], figures={"messages": 3}),
]  # fmt: skip


def _can_be_said(event: Event) -> bool:
    assume(
        json.dumps(event, ensure_ascii=False).encode(errors="ignore").decode() == json.dumps(event, ensure_ascii=False)
    )
    return True


def test_colour_adds_nothing_but_colour(logs: dict[str, Path]) -> None:
    """Without its escape sequences the coloured picture is the plain one."""
    for name in ("dining_philosophers", "thread_pool", "semaphore_pool"):
        data = logs[name].read_bytes()
        painted = drawn(survey_of(data), colour=True)
        assert any("\x1b[" in text for text in painted)
        assert [re.sub(r"\x1b\[[\d;]*m", "", text) for text in painted] == drawn(survey_of(data))


def test_signs_are_told_apart() -> None:
    """No two states share a sign, with or without a lock, so that colour is never needed."""
    for signs in (BLOCKS, ASCII):
        assert len(set(signs.light)) == len(STATES)
        heavy = [h for h, what in zip(signs.heavy, STATES, strict=True) if what != "queued"]
        assert not set(heavy) & set(signs.light)
    assert can_say("utf-8")
    assert not can_say("ascii")
    assert not can_say("latin-1")
    assert not can_say(None)
