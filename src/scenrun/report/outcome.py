"""The summary on stderr at the end of a run, a replay or a tally: verdict, findings, and the command that shows more."""

from __future__ import annotations

from scenrun.program.findings import Finding
from scenrun.program.results import RunRecord
from scenrun.program.tally import Tally

MAX_THREADS = 20


def describe(result: RunRecord, again: str, level: str, remark: str = "", *, seen: bool = False) -> str:
    """The summary of a run; `again` is the command that runs the same program, and `remark` qualifies it.

    seen: whether the console has just shown the verdict and the findings.
    """
    lines = [] if seen else [f"{_headline(result)} ({result.scenario}, {result.elapsed_s:.3f} s, seed {result.seed})"]
    for finding in () if seen else result.findings:
        lines += finding_lines(finding)
    unmet = [c for c in result.expectations if c.found in ("not_reached", "not_checked")]
    lines += [f"  {c.what} {c.expression}: {c.found.replace('_', ' ')}" for c in unmet]
    hidden = result.figures.get("not_shown", 0)
    if hidden:
        shown = "" if level == "debug" else "; --level debug shows them"
        lines.append(f"  {hidden:,} lines below `{level}` were not shown{shown}")
    if result.findings and level != "debug":
        lines.append(f"  look closer: {again} --level debug{remark}")
    return "\n".join(lines)


def _headline(result: RunRecord) -> str:
    expected = " or ".join(result.expected)
    if result.verdict == "incomplete":
        return f"incomplete: the file expects {expected}"
    if result.ok:
        return f"ok: {result.verdict}" + (
            ", as expected" if result.verdict != "holds" or len(result.expected) > 1 else ""
        )
    return f"not ok: {result.verdict}, but the file expects {expected}"


def finding_lines(finding: Finding) -> list[str]:
    """A finding, and below it its threads."""
    where = f" (line {finding.line})" if finding.line and not finding.threads else ""
    lines = [f"  {finding.kind}: {finding.message}{where}"]
    lines += [f"    {stuck}" for stuck in finding.threads[:MAX_THREADS]]
    if len(finding.threads) > MAX_THREADS:
        lines.append(f"    and {len(finding.threads) - MAX_THREADS} more threads")
    return lines


def describe_replay(result: RunRecord, finding: tuple[str, str] | None, moves: int, *, seen: bool = False) -> str:
    """The summary of the replay of a schedule that was to show a finding.

    seen: whether the console has just shown the findings.
    """
    where = "real threads" if result.way == "run" else "the simulator"
    what = f"{finding[0]} ({finding[1]})" if finding is not None else "the end of the schedule"
    shown = "shown" if result.notes["shown"] else "not shown"
    lines = [f"{shown}: {what} ({result.scenario}, {moves:,} moves on {where}, seed {result.seed})"]
    findings = () if seen else result.findings
    return "\n".join([*lines, *(text for found in findings for text in finding_lines(found))])


def describe_tally(tally: Tally) -> str:
    """The summary of several runs."""
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(tally.verdicts.items()))
    head = "ok" if tally.ok else "not ok"
    lines = [f"{head}: {tally.runs} run{'s' * (tally.runs != 1)} of {tally.scenario}: {verdicts or 'none'}"]
    if tally.outcomes:
        ordered = sorted(tally.outcomes.items(), key=lambda item: (-item[1], item[0]))
        lines += [f"  outcome {key}: {count}" for key, count in ordered[:MAX_THREADS]]
        if len(ordered) > MAX_THREADS:
            lines.append(f"  and {len(ordered) - MAX_THREADS} more outcomes")
    if tally.until is not None:
        lines.append(_until(tally))
    elif tally.first_not_ok is not None:
        lines.append(f"  first not ok: {tally.first_not_ok.verdict} with seed {tally.first_not_ok.seed}")
        lines += [text for finding in tally.first_not_ok.findings for text in finding_lines(finding)]
    return "\n".join(lines)


def _until(tally: Tally) -> str:
    if tally.found is None:
        return f"  no {tally.until} in {tally.runs} runs, which does not prove that there is none"
    found = [text for finding in tally.found.findings for text in finding_lines(finding)]
    return "\n".join([f"  {tally.found.verdict} in run {tally.runs} (seed {tally.found.seed})", *found])
