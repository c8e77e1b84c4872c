"""`include`: behaviours and constants of other files, from the scenario's folder or below, each once."""

from __future__ import annotations

from pathlib import Path

import pytest

import scenrun
from scenrun.errors import ScenarioError

MAIN = """
scenario: shared
include: [common.yaml]
sync: {jobs: {queue: {maxsize: size}}}
state: {done: 0}
threads:
  a: {target: sends, args: {n: few}}
  b: {do: [{repeat: few, do: [{get: jobs}, {set: {done: done + 1}}]}]}
expect: {final: [done == few]}
"""
COMMON = """
description: what teams share
let: {size: 2, few: 3, spare: 4}
behaviours:
  sends: {params: {n: int}, do: [{repeat: n, do: [{put: {queue: jobs, item: 1}}]}]}
  never_used: {do: [{log: hi}]}
"""


def write(folder: Path, **files: str) -> Path:
    """The files, of which the scenario is the first."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / f"{next(iter(files))}.yaml"


def problems(path: Path) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        scenrun.load(path)
    return [str(problem) for problem in caught.value.problems]


def test_what_is_included_is_the_files_own(tmp_path: Path) -> None:
    """Names that it does not use are no problem, as another scenario uses them."""
    path = write(tmp_path, main=MAIN, common=COMMON)
    for way in (scenrun.run, scenrun.simulate, scenrun.explore):
        assert way(path).verdict == "holds"
    assert scenrun.explore(path, overrides={"let.few": 4}).verdict == "holds"


def test_it_means_what_one_file_would(tmp_path: Path) -> None:
    _, let, *behaviours = COMMON.strip().splitlines()[:-1]
    whole = MAIN.replace("include: [common.yaml]\n", "\n".join([let.replace(", spare: 4", ""), *behaviours]) + "\n")
    one, both = write(tmp_path / "one", main=whole), write(tmp_path / "two", main=MAIN, common=COMMON)
    assert scenrun.load(one).program.digest == scenrun.load(both).program.digest


def test_included_files_include_others_each_once(tmp_path: Path) -> None:
    main = MAIN.replace("[common.yaml]", "[lib/a.yaml, lib/b.yaml]")
    path = write(
        tmp_path,
        main=main,
        lib__a="include: [c.yaml]\n",
        lib__b="include: [c.yaml, ../common.yaml]\n",
        lib__c="let: {}\n",
        common=COMMON,
    )
    assert scenrun.simulate(path).verdict == "holds"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("[../outside.yaml]", "it is not in the scenario's folder, or below"),
        ("[/etc/hostname]", "it is not in the scenario's folder, or below"),
        ("[link.yaml]", "it is not in the scenario's folder, or below"),
        ("[nowhere.yaml]", "there is no such file"),
        ("[lib]", "there is no such file"),
        ("common.yaml", "`include` takes a list of files"),
        ("[3]", "a file's name is expected, not `3`"),
        ("[main.yaml]", "includes itself"),
        ("[a.yaml]", "includes itself"),
        ("[bad.yaml]", "`threads` cannot be shared"),
        ("[twice.yaml]", "the name `sends` is already taken"),
        ('["a\\0b.yaml"]', "cannot be included"),
    ],
)
def test_what_cannot_be_included_is_refused_at_its_place(tmp_path: Path, given: str, says: str) -> None:
    folder = tmp_path / "in"
    extra = "behaviours: {sends: {do: [{log: hi}]}}\n"
    main = MAIN.replace("[common.yaml]", given)
    if "twice" in given:
        main = MAIN.replace("[common.yaml]", "[common.yaml, twice.yaml]")
    path = write(
        folder, main=main, common=COMMON, twice=extra, bad="threads: {t: {do: []}}\n", a="include: [b.yaml]\n",
        b="include: [a.yaml]\n", lib__c="let: {}\n",
    )  # fmt: skip
    (tmp_path / "outside.yaml").write_text(COMMON)
    (folder / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    assert any(says in problem for problem in problems(path)), problems(path)


def test_problems_of_an_included_file_are_told_at_its_own_places(tmp_path: Path) -> None:
    path = write(tmp_path, main=MAIN, common=COMMON.replace("queue: jobs", "queue: jobz"))
    assert any("common.yaml:5:" in problem for problem in problems(path))


def test_what_is_no_file_includes_none() -> None:
    with pytest.raises(ScenarioError, match="this one is no file"):
        scenrun.load({"scenario": "s", "include": ["common.yaml"], "threads": {"t": {"do": [{"log": "hi"}]}}})
