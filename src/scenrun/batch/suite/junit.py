"""Writes test results as JUnit XML, for continuous integration servers."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from xml.etree import ElementTree as Xml

from scenrun.batch.suite.verdict import FAILED, WRONG, SuiteResult
from scenrun.printable import clean

_ERRORS = (WRONG, FAILED)
"""The verdicts of tests that could not be performed, which JUnit counts as errors."""


def junit(results: Sequence[SuiteResult], began: float, took_s: float) -> bytes:
    """The XML document; `began` is in seconds since 1970, `took_s` in seconds."""
    errors = sum(one.verdict in _ERRORS for one in results)
    failures = sum(not one.ok for one in results) - errors
    counts = {
        "tests": str(len(results)), "failures": str(failures), "errors": str(errors), "skipped": "0",
        "time": f"{took_s:.3f}",
    }  # fmt: skip
    root = Xml.Element("testsuites", {"name": "scenrun", **{k: v for k, v in counts.items() if k != "skipped"}})
    when = datetime.fromtimestamp(began, UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    suite = Xml.SubElement(
        root, "testsuite", {"name": "scenrun", **counts, "timestamp": when, "hostname": clean(socket.gethostname())}
    )
    for one in results:
        _add(suite, one)
    Xml.indent(root)
    written: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _add(suite: Xml.Element, one: SuiteResult) -> None:
    words = PurePath(clean(one.file)).with_suffix("").parts
    place = ".".join(word for word in words if word.strip("/."))
    case = Xml.SubElement(suite, "testcase", {"classname": place, "name": one.way, "time": f"{one.took_s:.3f}"})
    if not one.ok:
        what = "error" if one.verdict in _ERRORS else "failure"
        found = Xml.SubElement(case, what, {"message": one.summary, "type": one.verdict})
        found.text = one.text
