"""Where senders are told, files are taken only of who may send them, from where they may; what others drop stands in nobody's way."""

import json
from dataclasses import dataclass, replace

import pytest

from events.files import FileDropped
from shared.kernel.errors import Broken
from shared.platform.call import Call
from tests.integration.files.place import FILE, Place, as_csv, bought, manifest_of

NAME = f"{FILE}_delta_r1.csv"


@dataclass(kw_only=True)
class GuardedPlace(Place):
    """A place where senders are told."""

    def call(self, *, key: str | None = None, consumer: str = "test") -> Call:
        call = super().call(key=key, consumer=consumer)
        assert call.file_places
        return replace(call, file_places=replace(call.file_places, senders=str(self.folder / "senders.json")))

    def tell(self, **sender: object) -> None:
        said = {"senders": [{"sender": "mybank", "kinds": ["transactions"]} | sender]}
        (self.folder / "senders.json").write_text(json.dumps(said), encoding="utf-8")

    def drop_in(self, folder: str) -> FileDropped:
        """A file of two purchases of which each folder has its own."""
        rows = [bought(number, transaction_id=f"{folder}-{number}") for number in range(2)]
        return self.drop(as_csv(rows), name=f"{folder}/{NAME}", file_id=FILE, **manifest_of(rows))


@pytest.fixture
def guarded(place: Place) -> GuardedPlace:
    return GuardedPlace(folder=place.folder, make=place.make)


def test_file_of_a_kind_that_its_sender_may_not_send_is_refused(guarded: GuardedPlace) -> None:
    guarded.tell(kinds=["merchants"])
    guarded.receive(guarded.rows(bought(1)))
    view = guarded.file()
    assert view.outcome == "refused"
    assert [problem.message for problem in view.problems] == ["mybank may not send transactions, only merchants"]
    assert guarded.posted() == []


def test_file_that_another_drops_in_a_senders_name_is_refused_and_the_senders_own_is_taken(guarded: GuardedPlace) -> None:
    guarded.tell(folder="inbox/mybank")
    guarded.receive(guarded.drop_in("agg"), guarded.drop_in("mybank"))
    assert {view.name: view.outcome for view in guarded.files()} == {f"inbox/agg/{NAME}": "refused", f"inbox/mybank/{NAME}": "accepted"}
    assert sorted(guarded.posted()) == ["mybank-0", "mybank-1"]


def test_file_waits_while_it_can_not_be_told_who_may_send_it(guarded: GuardedPlace) -> None:
    dropped = guarded.rows(bought(1))
    with pytest.raises(Broken, match="file of senders"):
        guarded.receive(dropped)
    guarded.tell()
    guarded.receive(dropped)
    assert guarded.file().outcome == "accepted"
