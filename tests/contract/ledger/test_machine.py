"""The ledger in memory and PostgreSQL's, driven side by side by whatever comes: they refuse the same and end the same."""

import os
from itertools import count
from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from shared.kernel.ids import derived_id
from shared.ledger.model import Kind, Movement, Step
from tests.conftest import MakeCall
from tests.contract.ledger.books import REFUSED, Books, Entry, FakeBooks, PostgresBooks, move

EXAMPLES: Final = int(os.environ.get("CLO_LEDGER_EXAMPLES", "8"))
"""Lives that are tried; more find more."""
STEPS: Final = 25
NUMBERS: Final = count()
KINDS: Final = (Kind.AVAILABLE, Kind.RESERVED, Kind.PAYABLE, Kind.INSTRUCTED, Kind.PAID)
THINGS: Final = st.sampled_from(["a", "b", "c"])
AMOUNTS: Final = st.integers(1, 600)
MOVES: Final = st.tuples(st.sampled_from([step for step in Step if step is not Step.APPROVE]), AMOUNTS, THINGS)


class Machine(RuleBasedStateMachine):
    """One campaign with a few things that money is moved for, in both ledgers."""

    call: MakeCall

    @initialize()
    def begin(self) -> None:
        self.both: tuple[Books, Books] = (FakeBooks(), PostgresBooks(call=self.call))
        self.campaign = derived_id("machine", next(NUMBERS))
        self.turn = 0
        self.approve(1_000)

    @rule(amount=AMOUNTS)
    def approve(self, amount: int) -> None:
        self.turn += 1
        for books in self.both:
            books.approve(self.campaign, derived_id("request", self.campaign, self.turn), amount)

    @rule(moves=st.lists(MOVES, min_size=1, max_size=4))
    def post(self, moves: list[tuple[Step, int, str]]) -> None:
        self.turn += 1
        self._carry_out([self._move(i, *one) for i, one in enumerate(moves)])

    @rule(amount=AMOUNTS, thing=THINGS, end=st.sampled_from([Step.POST, Step.VOID, Step.EXPIRE]), part=st.integers(1, 700))
    def reserve_and_end(self, amount: int, thing: str, end: Step, part: int) -> None:
        for step, minor in ((Step.RESERVE, amount), (end, part)):
            self.turn += 1
            self._carry_out([self._move(0, step, minor, thing)])

    @rule(amount=AMOUNTS, thing=THINGS)
    def same_again(self, amount: int, thing: str) -> None:
        self.turn += 1
        once = [self._move(0, Step.RESERVE, amount, thing)]
        self._carry_out(once)
        self._carry_out(once)

    @invariant()
    def both_hold_the_same(self) -> None:
        fake, real = ([books.balance(self.campaign, kind) for kind in KINDS] for books in self.both)
        assert fake == real
        assert min(fake[0], fake[1], fake[3]) >= 0

    def teardown(self) -> None:
        for books in self.both:
            assert books.findings() == []
        ours = [{e.posting_id: (e.step, e.amount_minor, e.seal) for e in self._own(books)} for books in self.both]
        assert ours[0] == ours[1]

    def _own(self, books: Books) -> list[Entry]:
        return [entry for entry in books.entries() if self.campaign in (entry.debited[1], entry.credited[1])]

    def _move(self, place: int, step: Step, amount: int, thing: str) -> Movement:
        return move(step, amount, thing, campaign=self.campaign, turn=self.turn * 10 + place)

    def _carry_out(self, movements: list[Movement]) -> None:
        assert self._refuses(self.both[0], movements) == self._refuses(self.both[1], movements)

    def _refuses(self, books: Books, movements: list[Movement]) -> bool:
        try:
            books.post(movements)
        except REFUSED:
            return True
        return False


def test_memory_and_postgres_live_the_same_life(call: MakeCall) -> None:
    machine: type[RuleBasedStateMachine] = type("OnDatabase", (Machine,), {"call": staticmethod(call)})
    run_state_machine_as_test(machine, settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None))
