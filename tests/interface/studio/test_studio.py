"""The studio's server: who may ask it, which files it touches, what it tells of a text, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from studios import Running, studio

from scenrun import replay
from scenrun.model.move_schedule import read

LOCKS = """scenario: ab
sync: {a: lock, b: lock}
threads:
  one: {do: [{with: [a, b], do: [{log: hi}]}]}
  two: {do: [{with: [b, a], do: [{log: hi}]}]}
"""
WIDE = """scenario: wide
state: {v: 0}
threads: {t: {count: 14, do: [{repeat: 4, do: [{set: {v: "v * 3 + index"}}]}]}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("outer")
    (root / "secret.yaml").write_text("scenario: secret\n", encoding="utf-8")
    inner = root / "inner"
    (inner / "deep").mkdir(parents=True)
    (inner / "ab.yaml").write_text(LOCKS, encoding="utf-8")
    (inner / "link.yaml").symlink_to(root / "secret.yaml")
    return inner


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    with studio(folder) as one:
        yield one


def test_only_whoever_knows_the_address_is_answered(running: Running) -> None:
    """The token, this machine's name and, to change something, the studio's own origin."""
    assert running.ask("")[0] == 200
    assert running.ask("", address=running.origin + "/another-token/")[0] == 404
    assert running.ask("begin", Host="evil.example:80")[0] == 404
    assert running.ask("file?name=new.yaml", method="PUT", body="x", Origin="http://evil.example")[0] == 403
    assert running.ask("file?name=new.yaml", method="PUT", body="x")[0] == 403
    for header, value in (("content-security-policy", "default-src 'none'"), ("referrer-policy", "no-referrer")):
        assert value in running.ask("")[2][header]


def test_a_page_from_elsewhere_cannot_connect(running: Running) -> None:
    with pytest.raises(Exception, match=r"403|4403|rejected"), running.tab("http://evil.example"):
        pass


@pytest.mark.parametrize(
    "name", ["../secret.yaml", "link.yaml", "/etc/x.yaml", "ab.txt", "", "deep/../../secret.yaml", "a%00.yaml"]
)
def test_no_path_leads_out_of_the_folder(running: Running, folder: Path, name: str) -> None:
    before = (folder.parent / "secret.yaml").read_text()
    assert running.ask(f"file?name={name}")[0] == 400
    assert running.ask(f"file?name={name}", method="PUT", body="gone", Origin=running.origin)[0] == 400
    assert (folder.parent / "secret.yaml").read_text() == before


def test_files_are_read_written_and_forked(running: Running, folder: Path) -> None:
    status, told, _ = running.ask("file?name=deep/new.yaml", method="PUT", body="scenario: é\n", Origin=running.origin)
    assert status == 200
    assert "deep/new.yaml" in json.loads(told)["files"]
    assert running.ask("file?name=deep/new.yaml")[1] == "scenario: é\n"
    begun = json.loads(running.ask("begin")[1])
    assert {"ab.yaml", "deep/new.yaml"} <= set(begun["files"])
    assert "gallery/ab_ba.yaml" in begun["library"]
    assert "scenario: ab_ba" in running.ask("library?name=gallery/ab_ba.yaml")[1]
    assert {"acquire", "put"} <= {one["label"] for one in begun["words"]["verbs"]}
    assert running.ask("file?name=large.yaml", method="PUT", body="x" * 1_000_001, Origin=running.origin)[0] == 413


def test_a_text_is_read_searched_and_shown(running: Running) -> None:
    """First what is wrong with it, with what would be right; then the verdict, and the counterexample as a page of its own."""
    with running.tab() as tab:
        wrong = tab.told("explore", LOCKS.replace("log:", "logg:", 1))
        (problem, *_) = wrong[0]["problems"]
        assert (problem["line"], problem["severity"], problem["fix"]) == (4, "error", "log")
        assert [message["kind"] for message in wrong] == ["read", "done"]
        right = tab.told("explore", LOCKS)
        found = {message["kind"]: message for message in right}
        assert (found["explored"]["verdict"], found["explored"]["ok"]) == ("deadlock", False)
        assert "one waits for b, which two holds" in found["explored"]["sentences"][0]
        status, page, headers = running.ask(f"result/{found['page']['key']}")
        assert status == 200
        assert "ab</title>" in page or "ab" in page
        assert headers["content-security-policy"].startswith("sandbox")


def test_a_scenario_is_played_and_run(running: Running) -> None:
    with running.tab() as tab:
        first = next(one for one in tab.told("play", LOCKS, taken=[]) if one["kind"] == "played")
        assert [one["text"] for one in first["options"]] == ["start one"]
        last = next(one for one in tab.told("play", LOCKS, taken=[0, 0, 0, 1, 99]) if one["kind"] == "played")
        assert {one["thread"]: one["names"] for one in last["held"]} == {"one": ["a"], "two": ["b"]}
        assert last["ended"]
        assert "a circle" in last["over"][0]
        on = next(one for one in tab.told("finish", LOCKS, taken=[0, 0]) if one["kind"] == "finished")
        assert on["bad"]
        assert [one["thread"] for one in on["steps"]] in (["one", "two"], ["two", "one"])
        again = next(one for one in tab.told("play", LOCKS, taken=[0, 0, *on["numbers"]]) if one["kind"] == "played")
        assert "a circle" in again["over"][0]
        past = next(one for one in tab.told("finish", LOCKS, taken=[0, 99]) if one["kind"] == "finished")
        assert past["bad"]  # a number of no option ends what is taken
        good = LOCKS.replace("with: [b, a]", "with: [a, b]")
        off = next(one for one in tab.told("finish", good, taken=[0]) if one["kind"] == "finished")
        assert (off["bad"], off["closed"]) == (False, True)
        for way, word in (("simulate", "simulated"), ("run", "run on threads")):
            told = {one["kind"]: one for one in tab.told(way, LOCKS)}
            assert told["ran"]["way"] == word
            assert running.ask(f"result/{told['page']['key']}")[0] == 200


QUEUE = """scenario: q
sync: {items: {queue: {maxsize: 2}}, door: {lock: {}}}
threads:
  maker: {do: [{repeat: 30, do: [{sleep: 20ms}, {put: {queue: items, item: 1}}]}]}
  taker: {do: [{repeat: 30, do: [{get: {queue: items}}, {with: door, do: [{sleep: 2ms}]}]}]}
"""


def test_a_run_has_lanes(running: Running) -> None:
    """At last they have all lines of its log."""
    with running.tab() as tab:
        tab.ask("run", QUEUE)
        told = list(tab.until(lambda message: message.get("ended", False)))
        lanes = [one for one in told if one["kind"] == "lanes"]
        assert set(lanes[-1]["lanes"]) == {"main", "maker", "taker"}
        assert lanes[-1]["open"] == []
        wrong = tab.told("run", QUEUE.replace("maxsize", "maxsiz", 1))
        assert [one["kind"] for one in wrong] == ["read", "done"]


def test_a_value_is_swept(running: Running) -> None:
    """What can be varied is told with values to try; each row comes by itself, and the page of all at last."""
    with running.tab() as tab:
        (paths,) = [one["paths"] for one in tab.told("explore", QUEUE) if one["kind"] == "paths"]
        assert {"path": "sync.items.maxsize", "value": "2", "over": "1..8"} in paths
        told = tab.told("sweep", QUEUE, path="sync.items.maxsize", over="1..4", how="simulate")
        rows = [one["row"] for one in told if one["kind"] == "row"]
        assert [row["value"] for row in rows] == [1, 2, 3, 4]
        assert {row["verdict"] for row in rows} == {"holds"}
        assert all(row["figures"]["items.gets"] == 30 for row in rows)
        (page,) = [one for one in told if one["kind"] == "page"]
        status, shown, _ = running.ask(f"result/{page['key']}")
        assert (status, "items.gets" in shown) == (200, True)
        spread = tab.told("sweep", QUEUE, path="sync.items.maxsize", over="1, 8, 3", how="explore")
        assert [one["row"]["value"] for one in spread if one["kind"] == "row"] == [1, 8, 3]
        for over, said in (
            ("5..1", "begins after its end"),
            ("1..1000", "at most 200"),
            ("", "takes a list"),
            ("x", "cannot be"),
        ):
            (refused,) = [
                one
                for one in tab.told("sweep", QUEUE, path="sync.items.maxsize", over=over)
                if one["kind"] == "refused"
            ]
            assert said in refused["message"]
        given = tab.told("simulate", QUEUE, overrides={"sync.items.maxsize": 7})
        (shown,) = [one for one in given if one["kind"] == "page"]
        assert "sync.items.maxsize" in running.ask(f"result/{shown['key']}")[1]


def test_a_schedule_is_kept_and_followed_again(running: Running, folder: Path, tmp_path: Path) -> None:
    """As a file that the command replays, with what it shows."""
    with running.tab() as tab:
        (kept,) = [
            one["schedule"]
            for one in tab.told("keep", LOCKS, taken=[0, 0, 0, 1], file="ab.yaml")
            if one["kind"] == "kept"
        ]
        name = "deep/ab.schedule.json"
        status, told, _ = running.ask(f"file?name={name}", method="PUT", body=kept, Origin=running.origin)
        assert status == 200
        assert name in json.loads(told)["schedules"]
        assert json.loads(kept)["finding"]["kind"] == "deadlock"
        again = tab.told("follow", LOCKS, schedule=running.ask(f"file?name={name}")[1])
        assert [one["numbers"] for one in again if one["kind"] == "followed"] == [[0, 0, 0, 1]]
        other = tab.told("follow", LOCKS.replace("with: [b, a]", "with: [a, b]"), schedule=kept)
        assert "does not fit this text" in next(one for one in other if one["kind"] == "refused")["message"]
        assert running.ask("file?name=x.schedule.json", method="PUT", body="{}", Origin=running.origin)[0] == 400
        damaged = tab.told("follow", LOCKS, schedule="{")
        assert "no schedule" in next(one for one in damaged if one["kind"] == "refused")["message"]
    assert (replay(read(folder / name), scenario=folder / "ab.yaml").verdict) == "deadlock"


def test_the_counterexample_can_be_played(running: Running) -> None:
    """Its steps are told as options, and lead to what was found."""
    with running.tab() as tab:
        (found,) = [one for one in tab.told("explore", LOCKS) if one["kind"] == "explored"]
        (end,) = [one for one in tab.told("play", LOCKS, taken=found["numbers"]) if one["kind"] == "played"]
        assert end["ended"]
        assert "a circle" in end["over"][0]
        assert end["taken"] == found["numbers"]


@pytest.mark.parametrize("name", ["retry_past_the_deadline", "licences_for_two", "retry_within_the_deadline"])
def test_what_a_play_cannot_take_is_searched_all_the_same(running: Running, name: str) -> None:
    """By the clock, or for any number of threads; a play of the clock's files says that its time is free."""
    text = running.ask(f"library?name=gallery/{name}.yaml")[1]
    with running.tab() as tab:
        told = {one["kind"]: one for one in tab.told("explore", text)}
        assert "refused" not in told, told
        assert told["explored"]["ok"]
        if "deadline" in name:
            (shown,) = [one for one in tab.told("play", text, taken=[]) if one["kind"] == "played"]
            assert "time is free" in shown["note"]
            (refused,) = [one for one in tab.told("finish", text, taken=[]) if one["kind"] == "refused"]
            assert "reads the clock" in refused["message"]


def test_a_step_that_breaks_something_says_so(running: Running) -> None:
    """Whether or not the schedule is at its end."""
    text = "scenario: v\nstate: {n: 0}\nthreads: {a: {do: [{set: {n: 1}}, {raise: 'ValueError: no'}]}}\nexpect: {always: [n < 1]}\n"
    with running.tab() as tab:
        (shown,) = [one for one in tab.told("play", text, taken=[0] * 9) if one["kind"] == "played"]
        told = [text for step in shown["steps"] for text in step["wrong"]]
        assert told == ["breaks what is to hold always: n < 1", "a ends with ValueError: no"]


HOSTILE: list[Any] = [
    {"number": "x"}, {"slot": {}}, {"slot": []}, {"text": 7}, {"text": "scenario: \ud800"}, {"taken": "012"}, {"taken": [1.5, None, -1]},
    {"overrides": {"a": {"b": [[[]]]}}}, {"overrides": 7}, {"path": {}, "over": ["1"], "how": 3}, {"schedule": {"a": 1}}, {"file": "\ud800"},
    {"over": "\ud800"}, {"file": "../../x"},
]  # fmt: skip


def test_no_message_ends_a_tab_or_the_studio(running: Running) -> None:
    """Values of other types, halves of characters; what is no JSON closes the connection, and no more than that."""
    with running.tab() as tab:
        for more in HOSTILE:
            for what in ("explore", "keep", "follow", "sweep"):
                tab.send({"do": what, "slot": what, "number": 1, "text": LOCKS, **more})
        assert tab.told("explore", LOCKS)[-1]["kind"] == "done"
        assert [one["kind"] for one in tab.told("explore", "scenario: x\ud800")] == ["read", "done"]
    for raw in ("{", "[" * 100_000, '{"number": ' + "9" * 5_000 + "}", "7", "null"):
        with running.tab() as tab:
            tab.send_text(raw)
    with running.tab() as tab:
        assert tab.told("explore", "scenario: [")[-1]["kind"] == "done"


def test_names_that_cannot_be_shown_are_neither_listed_nor_written(running: Running, folder: Path) -> None:
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "a\nb.yaml").write_text("scenario: x\n", encoding="utf-8")
    Path(os.fsdecode(bytes(folder) + b"/\xff.yaml")).write_text("scenario: x\n", encoding="utf-8")
    status, begun, _ = running.ask("begin")
    assert status == 200
    assert [name for name in json.loads(begun)["files"] if "b.yaml" in name or "\udcff" in name] == ["ab.yaml"]
    for name in ("loop.yaml", "x%0Ay.yaml", "%E2%80%AEx.yaml"):
        assert running.ask(f"file?name={name}", method="PUT", body="x", Origin=running.origin)[0] == 400


def test_nothing_is_left_in_the_temporary_folder(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that were stopped in the middle, closed tabs, and the end of the studio."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    long = QUEUE.replace("repeat: 30", "repeat: 20000").replace("sleep: 20ms", "sleep: 1ms")
    with studio(folder) as one:
        for what in ("simulate", "explore", "run", "sweep"):
            with one.tab() as tab:
                tab.ask(what, long, path="sync.items.maxsize", over="1..9", how="simulate")
                time.sleep(0.3)
                tab.ask("stop", "", slot=what)
            with one.tab() as tab:
                tab.ask(what, long, path="sync.items.maxsize", over="1..9", how="simulate")
                time.sleep(0.3)
        with one.tab() as tab:
            tab.ask("run", QUEUE)
            tab.ask("explore", WIDE)
            time.sleep(0.3)
            os.kill(one.pid, signal.SIGTERM)
            end = time.monotonic() + 30
            while Path(f"/proc/{one.pid}/cmdline").read_bytes() and time.monotonic() < end:
                time.sleep(0.05)
    assert [path.name for path in tmp_path.glob("scenrun-*")] == []


def test_the_authors_python_is_for_the_command_line_alone(running: Running, folder: Path) -> None:
    text = "scenario: p\nthreads: {a: {do: [{call: 'os:getcwd'}]}}\n"
    with running.tab() as tab:
        told = tab.told("explore", text, allow_python=True)
        assert "allow" in told[0]["problems"][0]["message"]
        assert "explored" not in [one["kind"] for one in told]


def test_what_is_replaced_or_closed_leaves_no_process(running: Running) -> None:
    """A search that would last is ended by the next text, by `stop`, and with its tab."""
    with running.tab() as tab:
        tab.told("explore", LOCKS)
        quiet = running.processes()
        for _ in range(12):
            tab.ask("explore", WIDE)
            time.sleep(0.02)
        assert tab.told("explore", LOCKS)[-1]["kind"] == "done"
        assert _gone(running, quiet)
        tab.ask("explore", WIDE)
        tab.ask("stop", "", slot="explore")
        assert _gone(running, quiet)
        for _ in range(3):
            with running.tab() as other:
                other.ask("explore", WIDE)
                time.sleep(0.1)
        assert _gone(running, quiet)


def test_many_tabs_and_edits_leave_no_process(running: Running) -> None:
    """Fifty tabs, twenty edits in each; one more is refused. The last edit of each is answered."""
    quiet = running.processes()
    with ExitStack() as opened:
        tabs = [opened.enter_context(running.tab()) for _ in range(50)]
        with pytest.raises(Exception, match=r"403|4403|rejected"):
            opened.enter_context(running.tab()).told("explore", LOCKS)
        for _ in range(19):
            for tab in tabs:
                tab.ask("explore", WIDE)
        for tab in tabs:
            tab.ask("explore", "scenario: [")
        assert [tab.last()["kind"] for tab in tabs] == ["done"] * 50
    assert _gone(running, quiet)


def _gone(running: Running, quiet: set[int]) -> bool:
    """Whether only the processes are left that were there before."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if running.processes() <= quiet:
            return True
        time.sleep(0.05)
    return False


def test_with_the_studio_all_its_processes_end(folder: Path) -> None:
    with studio(folder) as one, one.tab() as tab:
        tab.told("explore", LOCKS)
        tab.ask("explore", WIDE)
        below = one.processes()
        assert below
    end = time.monotonic() + 30
    while time.monotonic() < end and any(Path(f"/proc/{pid}").exists() for pid in below):
        time.sleep(0.05)
    assert not [pid for pid in below if Path(f"/proc/{pid}").exists()]
