"""What a check searches shows each history that there is: results, and which call had returned before which began."""

from __future__ import annotations

import random
from contextlib import suppress

from histories_searched import TooLarge, explains_more, histories, program_of

PROGRAMS = 7


def test_dpor_shows_the_histories_of_every_schedule() -> None:
    """More programs by hand (see docs/contributing.md)."""
    chance, compared, several, held_to_each_access = random.Random(3), 0, 0, 0
    for _ in range(PROGRAMS):
        cls, program = program_of(chance)
        try:
            plain = histories(cls, program, "preemptions")
        except TooLarge:
            continue
        assert histories(cls, program, "dpor") == plain, f"{cls.__name__}: {program}"
        for drawn in histories(cls, program, "random", draws=40):
            assert any(explains_more(one, drawn) for one in plain), f"{cls.__name__}: {program}"
        with suppress(TooLarge):
            real = histories(cls, program, "dpor", each_access=True)
            for said in plain:
                assert any(explains_more(one, said) for one in real), f"{cls.__name__}: {program}: {said}"
            held_to_each_access += 1
        compared += 1
        several += len(plain) > 3
    assert compared > PROGRAMS // 3
    assert several
    assert held_to_each_access > PROGRAMS // 3
