"""Values, durations, templates and draws: what they are, and that nothing small makes something huge."""

from __future__ import annotations

import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenrun.errors import Fault
from scenrun.execution.counters import Counter
from scenrun.language import durations
from scenrun.language.durations import DurationError
from scenrun.language.expressions import ExpressionError
from scenrun.language.templates import Hole, parse_template
from scenrun.program import values
from scenrun.program.draws import Draws
from scenrun.trace.histogram import Samples, _bucket, _top


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("250us", 250_000), ("100ms", 100_000_000), ("2s", 2_000_000_000), ("1.5m", 90_000_000_000), (".5s", 500_000_000),
     ("0s", 0), ("1h", 3_600_000_000_000), (" 3 ms ", 3_000_000)],
)  # fmt: skip
def test_a_duration_is_a_number_with_a_unit(text: str, nanoseconds: int) -> None:
    """Exact to the nanosecond."""
    assert durations.parse(text) == nanoseconds


@pytest.mark.parametrize(
    "value", [1, 1.5, True, None, "", "1", "s", "-1s", "1x", "1 s s", "1e3s", "nan s", "9999999h", [1]]
)
def test_anything_else_is_no_duration(value: Any) -> None:
    """Each with a sentence."""
    with pytest.raises(DurationError, match=r"duration|unit|longer"):
        durations.parse(value)


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda: values.power(2, 100_000), "OverflowError"),
        (lambda: values.power(-8, 0.5), "ValueError"),
        (lambda: values.shift_left(1, 10**9), "OverflowError"),
        (lambda: values.mul("x", 10**9), "OverflowError"),
        (lambda: values.mul(10**9, [0]), "OverflowError"),
        (lambda: values.bounded_range(10**12), "OverflowError"),
        (lambda: values.bounded(1 << 4096), "OverflowError"),
        (lambda: values.bounded([[0] * 600_000, [0] * 600_000]), "OverflowError"),
        (lambda: values.modulo("%999999999d", 1), "OverflowError"),
        (lambda: values.appended(3, (), 1), "TypeError"),
        (lambda: values.assigned(3, (0,), 1), "TypeError"),
        (lambda: values.items(3), "TypeError"),
        (lambda: values.times(1.5), "TypeError"),
    ],
)
def test_what_would_be_too_large_or_of_no_use_is_a_fault(make: Any, fault: str) -> None:
    """The scenario's thread gets an exception; the machine keeps its memory."""
    with pytest.raises(Fault) as caught:
        make()
    assert caught.value.type == fault


def test_a_value_nested_without_end_is_refused() -> None:
    """Doubling a list in a loop meets the bound long before the memory does."""

    def double(value: Any, times: int) -> Any:
        for _ in range(times):
            value = values.bounded([value, value])
        return value

    with pytest.raises(Fault):
        double([1], 100)


def test_changing_a_part_leaves_the_old_value_alone() -> None:
    """Lists and mappings are values."""
    old = {"a": [1, 2], "b": [3]}
    assert values.assigned(old, ("a", 0), 9) == {"a": [9, 2], "b": [3]}
    assert values.appended(old, ("b",), 4) == {"a": [1, 2], "b": [3, 4]}
    assert values.popped(old, ("a",), 0) == ({"a": [2], "b": [3]}, 1)
    assert values.assigned({}, ("new",), 1) == {"new": 1}
    assert old == {"a": [1, 2], "b": [3]}


def test_a_template_has_texts_and_holes_in_order() -> None:
    """Braces, formats, strings with braces, mappings inside."""
    parts = parse_template("a {{b}} {x:.2f} {d['}']} end").parts
    assert [p if isinstance(p, str) else (p.expression.text, p.format) for p in parts] == [
        "a {b} ", ("x", ".2f"), " ", ("d['}']", ""), " end",
    ]  # fmt: skip
    assert isinstance(parts[1], Hole)


@pytest.mark.parametrize("text", ["{", "}", "{x", "{}", "{x:1000000000}", "{x:%s}", "{lambda: 1}", "a {b.c}"])
def test_a_broken_template_is_refused(text: str) -> None:
    """With the offset of what is wrong."""
    with pytest.raises(ExpressionError):
        parse_template(text)


def test_draws_are_a_function_of_seed_thread_and_count() -> None:
    """The same stream again; other streams for another seed or another thread."""
    first, again = Draws(7, "a"), Draws(7, "a")
    stream = [first.randint(1, 1000) for _ in range(50)]
    assert stream == [again.randint(1, 1000) for _ in range(50)]
    assert stream != [Draws(8, "a").randint(1, 1000) for _ in range(50)]
    assert stream != [Draws(7, "b").randint(1, 1000) for _ in range(50)]
    assert first.count == 50


@given(low=st.integers(-(10**6), 10**6), span=st.integers(0, 10**6), seed=st.integers(0, 2**64 - 1))
def test_randint_stays_within_both_ends(low: int, span: int, seed: int) -> None:
    """Both ends are included."""
    assert low <= Draws(seed, "x").randint(low, low + span) <= low + span


def test_distributions_have_the_means_that_they_say() -> None:
    """Twenty thousand draws of each; the bounds are eight standard errors wide."""
    draws = Draws(1, "x")
    uniform = [draws.span("uniform", 1000, 3000) for _ in range(20_000)]
    exponential = [draws.span("exponential", 2000) for _ in range(20_000)]
    normal = [draws.span("normal", 2000, 100) for _ in range(20_000)]
    assert abs(statistics.fmean(uniform) - 2000) < 35
    assert abs(statistics.fmean(exponential) - 2000) < 115
    assert abs(statistics.fmean(normal) - 2000) < 6
    assert abs(statistics.stdev(normal) - 100) < 5
    assert (min(uniform) >= 1000, max(uniform) <= 3000) == (True, True)


def test_hex_gives_two_digits_a_byte() -> None:
    """As `secrets.token_hex`."""
    assert len(Draws(1, "x").hex(16)) == 32
    assert len(Draws(1, "x").hex(3)) == 6


@pytest.mark.parametrize(
    "call", ["randint(2, 1)", "randint(0, 2**70)", "choice([])", "hex(0)", "hex(10**9)", "choice(3)"]
)
def test_a_draw_from_nothing_is_a_fault(call: str) -> None:
    """A fault of the scenario, not an error of ours."""
    with pytest.raises(Fault):
        eval(f"draws.{call}", {"draws": Draws(1, "x")})


@given(st.integers(0, 10**13))
def test_a_histogram_keeps_a_sample_within_a_sixteenth(sample: int) -> None:
    """The bucket's top is at most 1/16 above the sample."""
    top = _top(_bucket(sample))
    assert sample <= top <= sample + sample // 16


def test_percentiles_come_from_the_samples() -> None:
    """p50 and p99 of a hundred samples."""
    samples = Samples()
    for sample in range(1, 101):
        samples.add(sample * 1_000_000)
    summary = samples.summary()
    assert summary["total_s"] == pytest.approx(5.05)
    assert summary["max_s"] == 0.1
    assert 0.050 <= summary["p50_s"] <= 0.054
    assert 0.099 <= summary["p99_s"] <= 0.1


def test_a_counter_knows_how_often_it_was_advanced() -> None:
    """Reading it does not advance it."""
    counter = Counter()
    assert counter.value == 0
    counter.add()
    counter.add()
    assert (counter.value, counter.value) == (2, 2)
