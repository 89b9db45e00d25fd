"""A partner's answer closes the loop, and nothing else does; a missing one is an alert."""

from datetime import timedelta
from typing import Any

import pytest

from shared.exports import desk, due, finishing, writing
from shared.exports.api import ExportWithdrawn
from shared.exports.due import OnItsWay
from shared.exports.model import NotOpen
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import Broken, Busy, NotFound
from tests.integration.exports.office import Office, bought, partner

WHY = ExportWithdrawn(reason="The partner says that it never came.")


@pytest.fixture
def sent(office: Office) -> Office:
    """An office that has sent one file."""
    office.customers("cust-1", "cust-2")
    office.keep("a", bought(1))
    office.send()
    return office


def test_the_right_answer_closes_an_export_and_a_second_one_changes_nothing(sent: Office) -> None:
    [view] = sent.views()
    sent.answer(view)
    sent.answer(view, outcome="rejected")
    [view] = sent.views()
    assert (view.state, view.closed_at is not None, sent.moved()) == ("acknowledged", True, ["written", "acknowledged"])


WRONG = [
    ({"sha256": "0" * 64}, "/sha256"),
    ({"records": 7}, "/records"),
    ({"name": "transactions_clo_20260115_0002_delta_r1.csv"}, "/name"),
    ({"outcome": "perhaps"}, "/outcome"),
    ({"more": 1}, "/more"),
]


@pytest.mark.parametrize(("said", "path"), WRONG, ids=lambda part: part if isinstance(part, str) else "")
def test_a_wrong_answer_is_kept_with_the_export_and_closes_nothing(sent: Office, said: dict[str, Any], path: str) -> None:
    [view] = sent.views()
    sent.answer(view, **said)
    [wrong] = sent.views()
    assert (wrong.state, [problem.path for problem in wrong.problems]) == ("written", [path])
    sent.answer(view)
    assert sent.views()[0].state == "acknowledged"


def test_an_answer_that_is_no_json_closes_nothing(sent: Office) -> None:
    [view] = sent.views()
    sent.drop(f"inbox/agg-one/{view.name.rpartition('/')[2]}.ack.json", b"yes")
    assert (sent.views()[0].state, len(sent.views()[0].problems)) == ("written", 1)


@pytest.mark.parametrize("folder", ["inbox", "inbox/agg-two", "inbox/agg-one/agg-one", "inbox/agg-two/inbox/agg-one"])
def test_an_answer_in_a_folder_that_is_not_the_partners_own_is_no_answer(sent: Office, folder: str) -> None:
    sent.partners(partner(), partner("agg-two"))
    [view] = sent.views()
    sent.answer(view, folder=folder)
    assert (sent.views()[0].state, sent.views()[0].problems) == ("written", [])


@pytest.mark.parametrize(
    "leaf", ["transactions_clo_20260115_0009_delta_r1.csv", "transactions_clo_20260115_0001_full_r1.csv", "transactions_clo_x", "x"]
)
def test_an_answer_to_a_file_that_was_not_sent_changes_nothing(sent: Office, leaf: str) -> None:
    [view] = sent.views()
    sent.drop(f"inbox/agg-one/{leaf}.ack.json", b"{}")
    assert sent.views() == [view]


def test_an_answer_that_comes_before_the_file_is_on_record_is_told_to_come_again(office: Office) -> None:
    office.ask()
    [view] = office.views()
    with pytest.raises(Busy):
        office.answer(view)


def test_a_missing_answer_is_an_alert_once_and_may_still_come(sent: Office, clock: SimulatedClock) -> None:
    def look() -> int:
        with sent.make().transaction() as tx:
            return due.mark_overdue(tx)

    clock.advance(clock.now() + timedelta(hours=23))
    assert look() == 0
    clock.advance(clock.now() + timedelta(hours=2))
    assert (look(), look(), sent.moved()) == (1, 0, ["written", "overdue"])
    [view] = sent.views()
    assert (view.state, view.overdue_at is not None) == ("written", True)
    sent.answer(view)
    assert sent.views()[0].state == "acknowledged"


def test_a_file_that_is_taken_back_goes_and_its_records_come_again(sent: Office) -> None:
    [view] = sent.views()
    withdrawn = desk.withdraw_export(sent.call(), view.export_id, WHY)
    assert (withdrawn.state, withdrawn.problems[0].message) == ("withdrawn", f"olga: {WHY.reason}")
    assert (sent.seen(), sent.left()) == ([], [])
    sent.answer(view)
    again = sent.send()
    assert (sent.ids(again), again.name.split("_")[3]) == (["t1"], "0002")
    with pytest.raises(NotOpen):
        desk.withdraw_export(sent.call(), view.export_id, WHY)


@pytest.mark.parametrize("moment", ["_write", "_record"])
def test_an_export_that_is_taken_back_while_it_is_written_is_never_seen(
    office: Office, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    office.customers("cust-1")
    office.keep("a", bought(1))
    export_id = office.ask()
    work = getattr(writing, moment)

    def withdraws_before(*told: object) -> object:
        monkeypatch.setattr(writing, moment, work)
        desk.withdraw_export(office.call(), export_id, WHY)
        return work(*told)

    monkeypatch.setattr(writing, moment, withdraws_before)
    office.run(survives=Broken)
    assert (office.view(export_id).state, office.seen(), office.left()) == ("withdrawn", [], [])


def test_an_export_that_is_taken_back_while_it_is_put_together_is_never_seen(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    export_id = office.ask()
    work = finishing._put_together

    def withdraws_after(*told: object) -> object:
        made = work(*told)  # type: ignore[arg-type]
        desk.withdraw_export(office.call(), export_id, WHY)
        return made

    monkeypatch.setattr(finishing, "_put_together", withdraws_after)
    office.run()
    assert (office.view(export_id).state, office.seen(), office.left()) == ("withdrawn", [], [])


def test_of_two_that_ask_at_once_one_is_told_that_one_is_on_its_way(office: Office) -> None:
    first = office.ask()
    with pytest.raises(OnItsWay):
        office.ask()
    assert office.ask("merchants") != first


def test_what_a_partner_is_not_sent_can_not_be_asked_for(office: Office) -> None:
    with pytest.raises(NotFound):
        office.ask("credits")
    with pytest.raises(NotFound):
        office.ask(to="nobody")
