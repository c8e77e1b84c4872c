"""The page of a sweep, seen in a real browser: what is drawn is what the rows say, and it keeps to itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, chromium

import scenrun

BURSTS = """scenario: bursts
sync: {orders: {queue: {maxsize: 8}}}
threads:
  shop: {do: [{repeat: 6, do: [{sleep: {exponential: {mean: 5ms}}}, {put: {queue: orders, item: 1}}]}]}
  clerk: {count: 2, do: [{repeat: 2, do: [{get: {queue: orders, into: _order}}, {sleep: 1ms}]}]}
"""
EVIL = "</script><script>window.stolen = 1</script><img src=x onerror='window.stolen = 1'>\u202egnp\x1b[31m"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of this file."""
    with chromium(tmp_path_factory.mktemp("browser")) as one:
        yield one


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A sweep over two parameters with three seeds, and its page."""
    folder = tmp_path_factory.mktemp("swept")
    (folder / "bursts.yaml").write_text(BURSTS)
    over = {"threads.clerk.count": [1, 2, 4], "sync.orders.maxsize": "1..16*2", "threads.shop.daemon": [False]}
    result = scenrun.sweep(folder / "bursts.yaml", over=over, seeds=3, jobs=1)
    result.write(folder / "page.html")
    return result, folder / "page.html"


def lines_of(result: Any, figure: str) -> dict[str, list[tuple[int, float, float]]]:
    """By number of clerks, the mean and margin for each size of the queue, from the rows."""
    out: dict[str, list[tuple[int, float, float]]] = {}
    for one in result.combinations(figure):
        clerks = str(one.parameters["threads.clerk.count"])
        line = out.setdefault(clerks, [])
        line.append((len(line), float(f"{one.figures[figure].mean:.6g}"), float(f"{one.figures[figure].margin:.6g}")))
    return out


def test_lines_are_the_means_and_margins_of_the_rows(browser: Browser, swept: Any) -> None:
    """A line for each value of one parameter, a point for each of the other, with its interval."""
    result, page = swept
    browser.open(page)
    assert browser.js("window.scenrun.chosen") == {"x": 1, "series": 0, "figure": "orders.gets_per_s", "fixed": {}}
    drawn = {one["name"]: [tuple(point) for point in one["points"]] for one in browser.js("window.scenrun.lines")}
    assert drawn == lines_of(result, "orders.gets_per_s")
    assert browser.js("document.querySelectorAll('#chart .band').length") == 3
    ends = browser.js(
        "[...document.querySelectorAll('#chart .band')].map((band) => [...band.points].map((point) => point.y))"
    )
    marks = browser.js("window.scenrun.marks")
    (one, other) = (min(marks, key=lambda mark: mark["mean"]), max(marks, key=lambda mark: mark["mean"]))
    pixels = (one["cy"] - other["cy"]) / (other["mean"] - one["mean"])
    for line, band in zip(browser.js("window.scenrun.lines"), ends, strict=True):
        middle = [mark for mark in marks if mark["line"] == line["name"]]
        upper = [mark["cy"] - mark["margin"] * pixels for mark in middle]
        lower = [mark["cy"] + mark["margin"] * pixels for mark in middle]
        assert band == pytest.approx([*upper, *reversed(lower)], abs=0.5)
    heights = [one["cy"] for one in browser.js("window.scenrun.marks")]
    means = [one["mean"] for one in browser.js("window.scenrun.marks")]
    assert sorted(range(len(means)), key=lambda at: (means[at], at)) == sorted(
        range(len(means)), key=lambda at: (-heights[at], at)
    )


def test_the_heat_map_has_a_place_for_each_combination_and_frames_what_failed(browser: Browser, swept: Any) -> None:
    """Rows and columns are the values; a frame where a run is not as expected."""
    result, page = swept
    browser.open(page)
    cells = browser.js(
        "[...document.querySelectorAll('.heat tbody tr')].map((row) => [...row.querySelectorAll('td')].map((cell) => cell.className))"
    )
    failing = [[0] * 5 for _ in range(3)]
    for at, one in enumerate(result.combinations("elapsed_s")):
        failing[at // 5][at % 5] = one.failing
    assert [[name == "bad" for name in row] for row in cells] == [[count > 0 for count in row] for row in failing]
    assert any(count for row in failing for count in row)


def test_bands_of_many_lines_are_legible(browser: Browser, tmp_path: Path) -> None:
    """Beyond three lines each has whiskers as long as its intervals, and the band of one alone when it is chosen or pointed at."""
    (tmp_path / "bursts.yaml").write_text(BURSTS)
    over = {"threads.clerk.count": "1..5", "sync.orders.maxsize": [1, 2]}
    scenrun.sweep(tmp_path / "bursts.yaml", over=over, seeds=3, jobs=1).write(tmp_path / "page.html")
    browser.open(tmp_path / "page.html")
    browser.js(
        "(() => { const s = document.querySelector('select[aria-label=across]'); s.value = 1; s.dispatchEvent(new Event('change')); })()"
    )
    browser.settle()
    assert len(browser.js("window.scenrun.lines")) == 5
    visible = "[...document.querySelectorAll('#chart .band')].filter((b) => getComputedStyle(b).visibility === 'visible').map((b) => b.parentNode.dataset.number)"
    assert browser.js(visible) == []
    marks = browser.js("window.scenrun.marks")
    whiskers = browser.js("[...document.querySelectorAll('#chart path.edge')].map((e) => e.getBBox().height)")
    low, high = min(marks, key=lambda one: one["mean"]), max(marks, key=lambda one: one["mean"])
    pixels = (low["cy"] - high["cy"]) / (high["mean"] - low["mean"])
    assert whiskers == pytest.approx([2 * mark["margin"] * pixels for mark in marks], abs=0.5)
    browser.js("document.querySelectorAll('#legend button')[3].focus()")
    assert browser.js(visible) == ["3"]
    browser.keys(" ")
    assert browser.js("document.querySelectorAll('#legend button')[3].getAttribute('aria-pressed')") == "true"
    box = browser.js("document.querySelector('#chart svg').getBoundingClientRect().toJSON()")
    scale, mark = box["width"] / 640, next(one for one in marks if one["number"] == 1)
    browser.point(box["x"] + mark["cx"] * scale, box["y"] + mark["cy"] * scale)
    assert len(browser.js(visible)) == 1
    browser.point(box["x"] + 5, box["y"] + box["height"] + 200)
    assert browser.js(visible) == ["3"]


def test_the_heat_map_has_the_full_width_and_tables_no_empty_columns(browser: Browser, swept: Any) -> None:
    """From edge to edge of the page's content; a column in which all rows are 0 or – is left out."""
    _, page = swept
    for width in (1400, 420):
        browser.open(page, width=width)
        inner, outer = (
            browser.js("document.querySelector(arguments[0]).getBoundingClientRect().width", which)
            for which in (".heat", "#plots")
        )
        assert inner >= outer - 1
    heads = browser.js("[...document.querySelectorAll('#slowest-table th')].map((e) => e.textContent)")
    rows = browser.js(
        "[...document.querySelectorAll('#slowest-table tbody tr')].map((r) => [...r.cells].map((c) => c.textContent))"
    )
    for column in range(1, len(heads)):
        assert {row[column] for row in rows} - {"", "0", "–"}, heads[column]


def test_what_is_drawn_can_be_chosen_by_keyboard(browser: Browser, swept: Any) -> None:
    """Another figure, another parameter across, no lines at all."""
    result, page = swept
    browser.open(page)
    browser.js("document.querySelector('select[aria-label=figure]').focus()")
    browser.keys("elapsed_s")
    assert browser.js("window.scenrun.chosen.figure") == "elapsed_s"
    drawn = {one["name"]: [tuple(point) for point in one["points"]] for one in browser.js("window.scenrun.lines")}
    assert drawn == lines_of(result, "elapsed_s")
    browser.js("document.querySelector('select[aria-label=across]').focus()")
    browser.keys("clerk")
    assert browser.js("[window.scenrun.chosen.x, window.scenrun.chosen.series]") == [0, 1]
    browser.js("document.querySelector('select[aria-label=lines]').focus()")
    browser.keys("none")
    assert browser.js("[window.scenrun.chosen.series, window.scenrun.lines.length]") == [None, 1]
    assert browser.js("document.getElementById('map-figure').hidden")


def test_a_point_tells_its_figures_to_pointer_and_keyboard(browser: Browser, swept: Any) -> None:
    """Hovering and the arrow keys show the mean, its interval and the verdicts."""
    _, page = swept
    browser.open(page)
    mark = browser.js("window.scenrun.marks")[3]
    box = browser.js(
        "(({x, y, width}) => ({x, y, width}))(document.querySelector('#chart svg').getBoundingClientRect())"
    )
    scale = box["width"] / 640
    browser.point(box["x"] + mark["cx"] * scale, box["y"] + mark["cy"] * scale)
    told = browser.text("#detail")
    assert "orders.maxsize 8" in told
    assert "3 runs" in told
    browser.js("document.getElementById('chart').focus()")
    browser.keys("\ue014")
    assert "orders.maxsize 1 " in browser.text("#detail")


def test_the_heat_map_is_walked_with_arrows_and_takes_one_stop_of_the_tab_key(browser: Browser, swept: Any) -> None:
    """From the first place, right and down lead to the next values; its figures are told."""
    _, page = swept
    browser.open(page)
    assert browser.js("[...document.querySelectorAll('.heat button')].filter((one) => one.tabIndex === 0).length") == 1
    browser.js("document.querySelector('.heat button').focus()")
    browser.keys("\ue014", "\ue014", "\ue015", "\ue013", "\ue015")
    assert browser.text("#detail").startswith("clerk.count 2, orders.maxsize 4 ")
    browser.keys("\ue012", "\ue012", "\ue012")
    assert browser.text("#detail").startswith("clerk.count 2, orders.maxsize 1 ")


def test_failing_and_slowest_cells_have_the_commands_that_show_them(browser: Browser, swept: Any) -> None:
    """Each failing cell stands with its verdict, its report and the same run."""
    result, page = swept
    browser.open(page)
    rows = browser.js(
        "[...document.querySelectorAll('#failing-table tbody tr')].map((row) => [...row.querySelectorAll('code')].map((code) => code.textContent))"
    )
    assert len(rows) == len(result.failing)
    first = result.failing[0]
    report, again = rows[0]
    assert report.startswith("scenrun report ")
    assert again.endswith(f"--seed {first.seed}")
    assert f"threads.clerk.count={first.parameters['threads.clerk.count']}" in again
    assert browser.js("document.querySelectorAll('#slowest-table tbody tr').length") == 20


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1400, 400])
def test_a_page_complains_of_nothing_asks_for_nothing_and_fits_its_window(
    browser: Browser, swept: Any, width: int, dark: bool
) -> None:
    """Light and dark, wide and narrow: no request, no error, nothing that stands out to the right."""
    _, page = swept
    browser.open(page, width=width, dark=dark)
    browser.settle()
    assert browser.complaints() == []
    assert [url for url in browser.asked_for() if not url.startswith("data:")] == [page.as_uri()]
    assert browser.js("document.documentElement.scrollWidth") <= width
    assert browser.js("document.documentElement.dataset.theme") == ("dark" if dark else "light")


def test_hostile_values_are_shown_and_not_executed(browser: Browser, tmp_path: Path) -> None:
    """Markup and control characters in values, names of files and messages stay text."""
    file = tmp_path / "a'<b>&.yaml"
    file.write_text('scenario: evil\nstate: {x: ""}\nthreads: {a: {do: [{assert: "x == 1"}]}}\n')
    scenrun.sweep(file, over={"state.x": [EVIL, "b", "x" * 5_000]}, jobs=1).write(tmp_path / "page.html")
    browser.open(tmp_path / "page.html")
    browser.settle()
    assert browser.complaints() == []
    assert browser.js("window.stolen === undefined")
    assert "onerror" in browser.text("#failing-table")


def test_pages_of_no_parameter_one_parameter_and_a_search_are_drawn(browser: Browser, tmp_path: Path) -> None:
    """Seeds alone are one point; one parameter is one line; texts as values stand evenly."""
    (tmp_path / "bursts.yaml").write_text(BURSTS)
    for arguments, points in (
        ({"seeds": 4}, 1), ({"over": {"threads.clerk.count": "1..3"}, "seeds": 2}, 3),
        ({"over": {"sync.orders.kind": ["fifo", "lifo"]}, "how": "explore", "max_states": 2000}, 2),
    ):  # fmt: skip
        scenrun.sweep(tmp_path / "bursts.yaml", jobs=1, **arguments).write(tmp_path / "page.html")
        browser.open(tmp_path / "page.html")
        browser.settle()
        assert browser.complaints() == []
        assert len(browser.js("window.scenrun.marks")) == points
        assert browser.js("document.getElementById('map-figure').hidden")
