"""Adds up how long each thread waited for each object, from a log, with what others read such files with."""

from __future__ import annotations

import json
import sys
from collections import defaultdict

QUERY = """
SELECT thread, object, sum(waited_s) AS waited_s FROM read_json('{path}', format = 'newline_delimited',
    columns = {{event: 'VARCHAR', thread: 'VARCHAR', object: 'VARCHAR', waited_s: 'DOUBLE'}},
    maximum_object_size = 100000000)
WHERE waited_s > 0 GROUP BY ALL ORDER BY ALL
"""


def with_json(path: str) -> dict[tuple[str, str], float]:
    """A loop over lines, with the standard library."""
    waits: dict[tuple[str, str], float] = defaultdict(float)
    with open(path, "rb") as lines:
        for line in lines:
            event = json.loads(line)
            if event.get("waited_s"):
                waits[event["thread"], event.get("object", "")] += event["waited_s"]
    return dict(sorted(waits.items()))


def with_duckdb(path: str) -> dict[tuple[str, str], float]:
    """One query; DuckDB uses all cores."""
    import duckdb

    found = duckdb.sql(QUERY.format(path=path.replace("'", "''"))).fetchall()
    return {(thread, name or ""): waited_s for thread, name, waited_s in found}


def with_pandas(path: str) -> dict[tuple[str, str], float]:
    """In pieces of 100,000 lines, as a whole log takes gigabytes."""
    import pandas

    parts = []
    for part in pandas.read_json(path, lines=True, chunksize=100_000):
        if "waited_s" in part:
            parts.append(part[part["waited_s"] > 0].groupby(["thread", "object"])["waited_s"].sum())
    total = pandas.concat(parts).groupby(level=[0, 1]).sum()
    return dict(total.items())


if __name__ == "__main__":
    ways = {"json": with_json, "duckdb": with_duckdb, "pandas": with_pandas}
    for (thread, name), waited_s in ways[sys.argv[1]](sys.argv[2]).items():
        print(f"{thread}\t{name}\t{waited_s:.6f}")
