"""What functions that died, or came too late, left of exports goes with the next tick; what is still needed stays."""

from uuid import uuid4

import pytest

from shared.exports import desk, writing
from shared.exports.api import ExportWithdrawn
from shared.exports.sweeping import sweep_exports
from tests.integration.exports.office import Office, bought
from tests.integration.files.test_dying import Died, dying


def withdrawn(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export that was taken back by a function that died right after."""
    office.customers("cust-1")
    office.keep("a", bought(1))
    export_id = office.ask()
    dying(monkeypatch, writing, "_record", turn=1, after=False)
    with pytest.raises(Died):
        office.run()
    with monkeypatch.context() as patched:
        dying(patched, desk, "clear", turn=1, after=False)
        with pytest.raises(Died):
            desk.withdraw_export(office.call(), export_id, ExportWithdrawn(reason="not wanted"))
    assert office.left()


def test_what_is_left_of_an_export_that_was_taken_back_goes(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    withdrawn(office, monkeypatch)
    [view] = office.views()
    office.exports.create(view.name, [b"put together just when it was taken back"])
    assert sweep_exports(office.call()) == 1
    assert (view.state, office.left(), office.seen()) == ("withdrawn", [], [])
    assert sweep_exports(office.call()) == 0


def test_what_came_too_late_goes_and_the_file_stays(office: Office) -> None:
    office.customers("cust-1")
    office.keep("a", bought(1))
    view = office.send()
    office.lake.create(f"exports/{view.export_id.hex}/parts/000001-late", [b"late"])
    seen = office.seen()
    assert sweep_exports(office.call()) == 1
    assert (office.left(), office.seen()) == ([], seen)


def test_what_is_needed_or_unknown_stays(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.customers("cust-1")
    office.keep("a", bought(1))
    office.ask()
    dying(monkeypatch, writing, "_record", turn=1, after=False)
    with pytest.raises(Died):
        office.run()
    office.lake.create(f"exports/{uuid4().hex}/parts/000001", [b"of a database that was restored"])
    before = office.left()
    assert sweep_exports(office.call()) == 0
    assert office.left() == before
    office.run()
    assert [view.state for view in office.views()] == ["written"]


def test_an_end_that_was_told_keeps_its_report(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.customers("cust-1")
    office.keep("a", bought(1, city="jo@example.com"))
    view = office.send()
    office.lake.create(f"exports/{view.export_id.hex}/parts/000001-late", [b"late"])
    assert sweep_exports(office.call()) == 1
    assert office.seen() == [f"{view.name}.report.jwt"]
