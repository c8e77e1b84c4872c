"""The parts of a sweep: which cells there are, how values are read, what is kept, what is summed up, what is shown."""

from __future__ import annotations

import math
import re
import statistics
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scenrun
from scenrun.batch.sweep.cell import Job
from scenrun.batch.sweep.grid import Grid, key_of
from scenrun.batch.sweep.heat_map import Map, number
from scenrun.batch.sweep.record import Record, identity_of
from scenrun.batch.sweep.short_names import labels, written
from scenrun.batch.sweep.statistics import Figure, combinations
from scenrun.errors import UsageError
from scenrun.interface.cli.sweep import over_of
from scenrun.language.value_ranges import RangeError, values_of

SMALL = """scenario: small
sync: {items: {queue: {maxsize: 2}}}
threads:
  maker: {do: [{repeat: 4, do: [{sleep: {uniform: [1ms, 5ms]}}, {put: {queue: items, item: 1}}]}]}
  taker: {count: 2, do: [{repeat: 2, do: [{get: {queue: items, into: _item}}]}]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A scenario whose cells take a millisecond."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1..4", (1, 2, 3, 4)), ("0..100+40", (0, 40, 80)), ("1..64*2", (1, 2, 4, 8, 16, 32, 64)), ("3..50*3", (3, 9, 27)),
        ("-2..0", (-2, -1, 0)), ("5..5", (5,)), (" 1 .. 2 ", (1, 2)),
    ],
)  # fmt: skip
def test_a_range_has_both_its_ends_where_they_are_met(text: str, values: tuple[int, ...]) -> None:
    """What a range stands for."""
    assert values_of(text) == values


@pytest.mark.parametrize("text", ["4..1", "1..4*1", "0..4*2", "1..4+0", "1..9999999", "1..", "a..b", "1...4"])
def test_a_range_that_is_none_is_refused(text: str) -> None:
    """Ranges that never end, are empty or too long get a sentence."""
    with pytest.raises(RangeError):
        values_of(text)


def test_values_of_the_command_line_are_read_like_those_of_the_file() -> None:
    """Numbers, durations, ranges within lists, distributions and quoted texts."""
    assert over_of(["a.b=1,2.5,true,1ms", "c=1..3,8", "d={uniform: [1ms, 2ms]},5ms", "e='1..3'"]) == {
        "a.b": (1, 2.5, True, "1ms"), "c": (1, 2, 3, 8), "d": ({"uniform": ["1ms", "2ms"]}, "5ms"), "e": ("1..3",),
    }  # fmt: skip


@pytest.mark.parametrize("text", ["a", "a=", "=1", "a=[", "a=1,1", "a=1..2,2", "a b=1", "a=1: 2: 3"])
def test_values_that_are_none_are_refused(text: str) -> None:
    """A misspelt --over is a sentence."""
    with pytest.raises(UsageError):
        over_of([text])


GRIDS = st.builds(
    Grid,
    over=st.dictionaries(
        st.sampled_from("abc"), st.lists(st.integers(0, 5), min_size=1, max_size=4, unique=True).map(tuple)
    ),
    seeds=st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True).map(tuple),
    include=st.lists(st.dictionaries(st.sampled_from("abd"), st.integers(0, 5), min_size=1), max_size=3).map(tuple),
    repeat=st.integers(1, 3),
)


@given(GRIDS)
def test_every_cell_of_a_grid_is_there_once(grid: Grid) -> None:
    """Cells are numbered from 0 on, differ in their keys, and are at most as many as was said."""
    cells = list(grid.cells())
    assert [cell.number for cell in cells] == list(range(len(cells)))
    assert len({cell.key for cell in cells}) == len(cells) <= grid.most
    if not grid.include:
        assert len(cells) == grid.most


def test_a_grid_goes_through_its_last_parameter_first_and_leaves_out_what_is_excluded() -> None:
    """The order of cells, exclusion of all that agree, and inclusion beside."""
    grid = Grid(
        {"a": (1, 2), "b": (1, True)}, range(1), include=({"a": 9}, {"a": 1, "b": 1}), exclude=({"b": True, "a": 2},)
    )
    assert [tuple(one.values()) for one in grid.combinations()] == [(1, 1), (1, True), (2, 1), (9,)]


def test_a_key_tells_true_from_1_and_1_from_one_point_nothing() -> None:
    """Cells that differ only in the type of a value are different cells."""
    assert len({key_of({"a": value}, 0, 0) for value in (1, True, 1.0, "1", [1])}) == 5


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40))
def test_a_figure_is_summed_up_as_statistics_does_it(values: list[float]) -> None:
    """Mean, standard deviation, ends and the confidence interval agree with Python's own."""
    figure = Figure()
    for value in values:
        figure.add(value)
    assert math.isclose(figure.mean, statistics.mean(values), rel_tol=1e-9, abs_tol=1e-6)
    assert math.isclose(figure.spread, statistics.stdev(values), rel_tol=1e-6, abs_tol=1e-3)
    assert (figure.low, figure.high, figure.count) == (min(values), max(values), len(values))


def test_the_confidence_interval_is_students() -> None:
    """Of 1 to 5: mean 3, and 2.776 standard errors to either side."""
    figure = Figure()
    for value in (1, 2, 3, 4, 5):
        figure.add(value)
    assert figure.margin == pytest.approx(2.776 * statistics.stdev([1, 2, 3, 4, 5]) / math.sqrt(5))
    one = Figure()
    one.add(7)
    assert (one.margin, one.spread) == (0, 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (3, "3"),
        (0.125, "0.125"),
        (142657.6, "143k"),
        (999.6, "1k"),
        (1.5e6, "1.5M"),
        (2.4e-6, "2.4µ"),
        (-1234, "-1.23k"),
    ],
)
def test_a_number_of_a_heat_map_is_short(value: float, text: str) -> None:
    """Three digits and a unit."""
    assert number(value) == text
    assert len(number(value)) <= 6


@given(st.floats(-1e18, 1e18))
def test_no_number_of_a_heat_map_is_too_wide(value: float) -> None:
    """Whatever the number, its cell has room for it."""
    assert len(number(value)) <= 7


def heat_map(rows: tuple[Any, ...], columns: tuple[Any, ...]) -> Map:
    """A map of products."""
    made = Map("mean x", "down", "across", rows, columns)
    for row in rows:
        for column in columns:
            made.add(row, column, float(row * column), failing=row == column == 2)
    return made


def test_a_heat_map_is_darkest_where_it_is_highest_and_marks_what_failed() -> None:
    """The shades from low to high, the axes' names and values, and the mark."""
    lines = heat_map((1, 2), (1, 2, 4)).lines(colour=False)
    assert lines[0] == "mean x: down down, across across"
    assert lines[1].split() == ["down", "1", "2", "4"]
    assert [line.split()[1:] for line in lines[2:4]] == [["1", "2", "4░"], ["2", "4░!", "8█"]]
    assert "framed" not in lines[4]
    assert "! has runs that are not as expected" in lines[4]


def test_numbers_that_are_nearly_the_same_are_shaded_alike() -> None:
    """Half a percent is no difference to be coloured; what it is, is said."""
    made = Map("mean x", "down", "across", (1, 2), (1, 2))
    for row, column, mean in ((1, 1, 1000.0), (1, 2, 1001.0), (2, 1, 1002.0), (2, 2, 1003.0)):
        made.add(row, column, mean, failing=False)
    lines = made.lines(colour=False)
    assert [line.split()[1:] for line in lines[2:4]] == [["1k▒", "1.001k▒"], ["1.002k▒", "1.003k▒"]]
    assert lines[4].strip() == "1k, all within 0.3 %"


def test_a_large_heat_map_fits_the_terminal_and_says_what_it_left_out() -> None:
    """Of 200 times 200 values the first, the last and some between are shown, in 80 columns."""
    lines = heat_map(tuple(range(1, 201)), tuple(range(1, 201))).lines(colour=False)
    assert max(map(len, lines)) <= 80
    assert lines[1].split()[1] == "1"
    assert lines[1].split()[-1] == "200"
    assert [line.strip().split(";")[0] for line in lines[-2:]] == [
        "32 of the 200 values of down are shown", "7 of the 200 values of across are shown",
    ]  # fmt: skip


def test_a_parameter_is_called_by_the_shortest_end_of_its_path_that_tells_it_from_others() -> None:
    """`count` of one group is told from `count` of another; `args` says nothing."""
    assert labels(["threads.a.count", "threads.b.count", "sync.q.maxsize", "threads.a.args.every", "stop"]) == {
        "threads.a.count": "a.count", "threads.b.count": "b.count", "sync.q.maxsize": "q.maxsize",
        "threads.a.args.every": "a.every", "stop": "stop",
    }  # fmt: skip


@pytest.mark.parametrize(
    "value", [1, 2.5, True, None, "1ms", "yes", "1", "a b", "{x}", "# no", "", [1, "2"], {"uniform": ["1ms", "2ms"]}]
)
def test_a_value_of_a_command_is_read_back_as_it_was(value: Any) -> None:
    """`--set PATH=VALUE` of the command that runs a cell again gives the cell's value."""
    from scenrun.interface.cli.options import overrides_of
    from scenrun.language.sweep import plain

    assert plain(overrides_of((f"a.b={written(value)}",))["a.b"]) == value


def record(path: Path | None, file: Path, grid: Grid, **how: Any) -> Record:
    """A record of the small scenario."""
    return Record(
        str(path) if path else None, identity_of(Job(file.read_text(), str(file), "simulate"), "small"), grid, **how
    )


def row(cell: Any, **more: Any) -> dict[str, Any]:
    """A row as a cell would give it."""
    return {"cell": cell.key, "number": cell.number, "parameters": dict(cell.parameters), "seed": cell.seed, "repetition": 0,
            "verdict": "holds", "ok": True, "figures": {"x": cell.number}, "took_s": 0.1, **more}  # fmt: skip


def test_a_record_gives_rows_in_the_order_of_the_grid_whatever_the_order_in_which_they_came(file: Path) -> None:
    """Rows that come back to front are read front to back."""
    grid = Grid({"a": (1, 2, 3)}, range(2))
    kept = record(None, file, grid)
    cells = list(grid.cells())
    for cell in reversed(cells):
        kept.add(row(cell))
        kept.add(row(cell, verdict="twice"))
    assert [(one["number"], one["figures"]["x"], one["verdict"]) for one in kept.rows()] == [
        (n, n, "holds") for n in range(6)
    ]
    assert kept.done == 6


def test_a_record_goes_on_when_the_grid_has_grown_and_its_last_line_was_cut(file: Path, tmp_path: Path) -> None:
    """Rows are found again under their new numbers; half a line is cut off, and what follows is whole."""
    path = tmp_path / "rows.jsonl"
    small, large = Grid({"a": (2, 3)}, range(2)), Grid({"a": (1, 2, 3)}, range(3))
    first = record(path, file, small)
    for cell in small.cells():
        first.add(row(cell))
    first.close()
    path.write_bytes(path.read_bytes()[:-20])
    again = record(path, file, large)
    assert again.done == 3
    assert [cell.number for cell in large.cells() if again.has(cell.number)] == [3, 4, 6]
    for cell in large.cells():
        again.add(row(cell))
    again.close()
    assert record(path, file, large).done == 9
    assert [one["seed"] for one in record(None, file, large).rows()] == []


def test_a_record_of_another_sweep_is_refused_with_what_differs(file: Path, tmp_path: Path) -> None:
    """Another text, another way, a file that is no record, another version: each is told; `again` begins anew."""
    path, grid = tmp_path / "rows.jsonl", Grid({"a": (1,)}, range(1))
    record(path, file, grid).close()
    file.write_text(SMALL.replace("maxsize: 2", "maxsize: 3"))
    with pytest.raises(UsageError, match="the text of small was another one"):
        record(path, file, grid)
    with pytest.raises(UsageError, match="it is of the way `simulate`, and this is of the way `run`"):
        Record(str(path), identity_of(Job(SMALL, str(file), "run"), "small"), grid)
    with pytest.raises(UsageError, match="with the options"):
        Record(str(path), identity_of(Job(SMALL, str(file), "simulate", {"cpus": 2}), "small"), grid)
    path.write_text(path.read_text().replace(scenrun.__version__, "0.0.0"))
    with pytest.raises(UsageError, match=r"begun by scenrun 0\.0\.0"):
        record(path, file, grid)
    path.write_text("seed,ok\n1,true\n")
    with pytest.raises(UsageError, match="no record of a sweep"):
        record(path, file, grid)
    assert record(path, file, grid, again=True).done == 0


def test_comments_and_the_sweep_itself_do_not_make_another_sweep_of_a_file(file: Path) -> None:
    """What changes no row may change between two calls."""
    text = f"# a remark\n{SMALL}description: other words\nseed: 5\nx-note: [1]\nsweep: {{seeds: 9}}\n"
    assert identity_of(Job(text, "a.yaml", "run"), "small") == identity_of(Job(SMALL, "b.yaml", "run"), "small")


def test_two_sweeps_do_not_write_one_record(file: Path, tmp_path: Path) -> None:
    """The second is refused while the first has it."""
    grid = Grid({"a": (1,)}, range(1))
    first = record(tmp_path / "rows.jsonl", file, grid)
    with pytest.raises(UsageError, match="being written by another sweep"):
        record(tmp_path / "rows.jsonl", file, grid)
    first.close()
    record(tmp_path / "rows.jsonl", file, grid).close()


def test_combinations_are_summed_up_row_by_row(file: Path) -> None:
    """Each combination has its runs, its verdicts and the wanted figures."""
    grid = Grid({"a": (1, 2)}, range(3))
    rows = [
        row(cell, ok=cell.number != 4, verdict="holds" if cell.number != 4 else "deadlock") for cell in grid.cells()
    ]
    one, two = combinations(rows, grid, {"x"}.__contains__)
    assert (one.runs, one.failing, dict(one.verdicts), one.figures["x"].mean) == (3, 0, {"holds": 3}, 1.0)
    assert (two.runs, two.failing, dict(two.verdicts), two.figures["x"].mean) == (
        3,
        1,
        {"holds": 2, "deadlock": 1},
        4.0,
    )


def shown(swept: Any) -> list[dict[str, Any]]:
    """Rows without what differs each time."""
    return [{key: value for key, value in one.items() if key != "took_s"} for one in swept.rows()]


def test_the_cells_do_not_depend_on_the_number_of_processes(file: Path) -> None:
    """One process and two give the same rows in the same order."""
    over = {"threads.taker.count": [1, 2], "sync.items.maxsize": "1..4*2"}
    one = scenrun.sweep(file, over=over, seeds=3, jobs=1)
    two = scenrun.sweep(file, over=over, seeds=3, jobs=2)
    assert shown(one) == shown(two)
    assert len(one) == 18
    assert [cell.parameters["sync.items.maxsize"] for cell in one][:9] == [1, 1, 1, 2, 2, 2, 4, 4, 4]


def test_a_cell_is_what_the_same_run_alone_is(file: Path) -> None:
    """Verdict and figures of a cell are those of `scenrun.simulate` with its parameters and seed."""
    (cell,) = scenrun.sweep(file, over={"sync.items.maxsize": [5]}, seeds=[7], jobs=1)
    alone = scenrun.simulate(file, seed=7, overrides={"sync.items.queue.maxsize": 5})
    assert cell.verdict == alone.verdict == "holds"
    assert cell.figures["elapsed_s"] == alone.figures["elapsed_s"]
    assert cell.figures["items.puts"] == 4
    assert cell.figures["items.gets_per_s"] == pytest.approx(4 / alone.elapsed_s, rel=1e-3)


def test_a_sweep_of_searches_has_their_sizes_and_of_real_runs_says_what_ran_beside(file: Path) -> None:
    """`explore` gives states and kinds, `run` repetitions, and what ran side by side."""
    explored = scenrun.sweep(
        file, over={"sync.items.maxsize": [1], "threads.taker.count": [1, 2]}, how="explore", jobs=1
    )
    assert [(cell.verdict, cell.figures["kinds"]) for cell in explored] == [("deadlock", "deadlock"), ("holds", "")]
    assert all(cell.figures["states"] > 5 for cell in explored)
    real = scenrun.sweep(file, how="run", repeat=2, seeds=2, jobs=2)
    assert [(cell.seed, cell.repetition, cell.verdict) for cell in real] == [
        (s, r, "holds") for s in (0, 1) for r in (0, 1)
    ]
    assert [one["beside"] for one in real.rows()] == [2] * 4
    assert "disturbed each other's timing" in str(real)


def test_a_loaded_scenario_and_a_mapping_can_be_swept(file: Path) -> None:
    """What was overridden when it was loaded holds in every cell."""
    loaded = scenrun.load(file, overrides={"threads.maker.do": [{"put": {"queue": "items", "item": 1}}] * 4})
    (cell,) = scenrun.sweep(loaded, over={"sync.items.maxsize": [9]}, jobs=1)
    assert cell.figures["elapsed_s"] < 0.001
    small = {"scenario": "small", "threads": {"a": {"do": [{"sleep": "3ms"}]}}}
    (cell,) = scenrun.sweep(small, over={"threads.a.count": [2]}, jobs=1)
    assert cell.figures["elapsed_s"] == pytest.approx(0.003, rel=0.01)


def test_a_scenario_with_the_expectations_of_another_is_refused(file: Path) -> None:
    """Its cells would be judged by its own; an override of them is no other file."""
    graded = scenrun.load(file, expect={"expect": {"verdict": "deadlock"}})
    with pytest.raises(UsageError, match="does not take the `expect` of <expect> along"):
        scenrun.sweep(graded, seeds=2)
    changed = scenrun.load(file, overrides={"expect": {"verdict": "deadlock"}})
    assert not scenrun.sweep(changed, seeds=2, jobs=1).ok


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "nothing to sweep"), ({"seeds": 0}, "seeds is a number"), ({"seeds": [1, 1]}, "different seeds"),
        ({"seeds": 2, "how": "walk"}, "no way `walk`"), ({"seeds": 2, "cpu": 2}, "--cpu has no effect"),
        ({"seeds": 2, "jobs": 0}, "jobs is a number"), ({"seeds": 2, "repeat": 2}, "--repeat has no effect"),
        ({"over": {"threads.taker.count": []}}, "an empty list"), ({"over": {"threads.takr.count": [1]}}, "did you mean `taker`"),
        ({"over": {"threads.taker.count": "1..200000"}}, "more than 100,000"), ({"seeds": 2, "cell_limit": 0}, "positive"),
        ({"over": {"seed": [1]}}, "--seeds"), ({"over": {"sync.itms": ["lock"]}}, "did you mean `items`"),
        ({"seeds": 1_000_000}, "1,000,000 cells"),
    ],
)  # fmt: skip
def test_a_wrong_sweep_is_a_sentence_before_anything_runs(file: Path, arguments: dict[str, Any], said: str) -> None:
    """What cannot be, or would have no effect, is refused."""
    with pytest.raises(UsageError, match=said):
        scenrun.sweep(file, **arguments)


def test_the_python_of_the_page_on_sweeps_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it asserts is so."""
    root = Path(__file__).parents[2]
    (tmp_path / "scenarios").symlink_to(root / "scenarios")
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"^```python\n(.*?)^```", (root / "docs" / "sweep.md").read_text(), re.MULTILINE | re.DOTALL)
    exec(code, {})
    assert (tmp_path / "pipeline.csv").exists()


def test_the_sweep_of_a_file_has_no_effect_on_a_run_nor_on_what_schedules_are_replayed_with(file: Path) -> None:
    """The same log, and the same digest, with and without `sweep`."""
    plain = scenrun.load(file)
    file.write_text(SMALL + "sweep: {over: {threads.taker.count: 1..4}, seeds: 3}\n")
    with_sweep = scenrun.load(file)
    assert with_sweep.program.digest == plain.program.digest
    assert scenrun.simulate(with_sweep).figures == scenrun.simulate(plain).figures
    assert len(scenrun.sweep(with_sweep, jobs=1)) == 12
    assert len(scenrun.sweep(with_sweep, over={"threads.taker.count": [2]}, seeds=1, jobs=1)) == 1


def test_a_heat_map_in_colours_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its colours it has the numbers and marks of the plain one, shades apart."""
    made = heat_map((1, 2), (1, 2, 4))
    coloured = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in made.lines(colour=True)]
    assert "\x1b[48;5;" in made.lines(colour=True)[2]
    assert [line.split() for line in coloured[:4]] == [
        re.sub("[·░▒▓█]", " ", line).replace(" !", "!").split() for line in made.lines(colour=False)[:4]
    ]


CONDITION = "scenario: one\nsync: {g: lock, h: lock, c: condition, q: queue, p: {queue: }}\nthreads: {a: {do: [{with: c, do: []}, {with: g, do: []}, {with: h, do: []}, {get: {queue: q, timeout: 1ms}}, {get: {queue: p, timeout: 1ms}}]}}\nexpect: {verdict: exception}\n"


@pytest.mark.parametrize(
    ("short", "long", "value"),
    [("sync.q.maxsize", "sync.q.queue.maxsize", 3), ("sync.c.lock", "sync.c.condition.lock", "g"), ("sync.p.maxsize", "sync.p.queue.maxsize", 2), ("sync.q.kind", "sync.q.queue.kind", "lifo")],
)  # fmt: skip
def test_an_option_of_an_object_may_be_named_without_its_kind(
    tmp_path: Path, short: str, long: str, value: Any
) -> None:
    """Both paths make the same program, which is another one than without them, also of short forms."""
    path = tmp_path / "one.yaml"
    path.write_text(CONDITION)
    digests = [
        scenrun.load(path, overrides=overrides).program.digest for overrides in ({short: value}, {long: value}, {})
    ]
    assert digests[0] == digests[1]
    assert digests[0] != digests[2] or "lock" in short
    if "lock" in short:
        assert scenrun.load(path, overrides={short: value}).program.lock_of != scenrun.load(path).program.lock_of


def test_a_misspelt_option_of_an_object_is_told_with_the_nearest(file: Path) -> None:
    """The kind's own keys are suggested."""
    with pytest.raises(scenrun.ScenarioError, match="unknown key `maxsiz`; did you mean `maxsize`"):
        scenrun.load(file, overrides={"sync.items.maxsiz": 3})


def test_setting_a_value_leaves_what_shares_an_anchor_as_it_was(tmp_path: Path) -> None:
    """An alias is not its anchor: only the named one changes."""
    path = tmp_path / "one.yaml"
    path.write_text("scenario: one\nx-group: &group {do: [{sleep: 1ms}], count: 2}\nthreads: {a: *group, b: *group}\n")
    scenario = scenrun.load(path, overrides={"threads.a.count": 5}).scenario
    assert (scenario.threads["a"].count, scenario.threads["b"].count) == (5, 2)
    assert "--set" not in str(scenario.threads["b"].place_of_key("count"))


def test_a_column_of_a_table_has_the_type_of_its_values(file: Path, tmp_path: Path) -> None:
    """Numbers with and without a fraction are numbers; what has nothing in common is text; lists are JSON."""
    over = {"state.x": [1, 2.5], "state.y": [1, "a"], "state.z": [True, [1, 2]], "state.w": [2**70, 1]}
    file.write_text(
        "scenario: types\nstate: {x: 0, y: 0, z: 0, w: 0}\nthreads: {a: {do: [{set: {x: x}}, {set: {y: y}}, {set: {z: z}}, {set: {w: w}}]}}\n"
    )
    scenrun.sweep(file, over=over, seeds=[2**64 - 1], jobs=1).write(tmp_path / "a.parquet")
    found = duckdb.sql(
        f'SELECT DISTINCT "state.x", "state.y", "state.z", seed FROM \'{tmp_path / "a.parquet"}\' ORDER BY ALL'
    ).fetchall()
    assert found == [(x, y, z, 2**64 - 1) for x in (1.0, 2.5) for y in ("1", "a") for z in ("[1, 2]", "true")]


def test_columns_whose_names_differ_only_in_case_are_told_apart(tmp_path: Path) -> None:
    """A database takes `A` and `a` for one column."""
    small = {"scenario": "cases", "threads": {"A": {"do": [{"sleep": "1ms"}]}, "a": {"do": [{"sleep": "2ms"}]}}}
    scenrun.sweep(small, seeds=2, jobs=1).write(tmp_path / "a.parquet")
    found = duckdb.sql(f'SELECT "A.slept_s", "a.slept_s_2" FROM \'{tmp_path / "a.parquet"}\'').fetchall()
    assert found == [(pytest.approx(0.001, rel=0.01), pytest.approx(0.002, rel=0.01))] * 2
