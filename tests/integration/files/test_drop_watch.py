"""The local platform finds what is dropped into its folder by itself."""

from shared.kernel.clock import Clock
from shared.platform.database import Database
from shared.platform.local.drops import DropWatch, folders_in
from tests.conftest import SHARDS, MakeCall
from tests.integration.files.place import Place, bought


def test_manifests_are_told_of_once_each(place: Place, database: Database, clock: Clock) -> None:
    watch = DropWatch(folders_in(place.folder), database=database, clock=clock, shards=SHARDS)
    assert watch.look() == 0
    place.rows(bought(1))
    assert (watch.look(), watch.look()) == (1, 0)
    place.receive()
    assert place.file().outcome == "accepted"


def test_what_is_told_again_after_a_start_is_taken_in_once(place: Place, database: Database, clock: Clock, call: MakeCall) -> None:
    place.rows(bought(1))
    for told in (1, 2):  # the manifest, then our own answer beside it as well: it may be a partner's
        assert DropWatch(folders_in(place.folder), database=database, clock=clock, shards=SHARDS).look() == told
        place.receive()
    assert (len(place.files()), place.posted()) == (1, ["t1"])
    with call().reading() as tx:
        assert tx.connection.execute("SELECT count(*) FROM outbox WHERE pending <> '{}'").fetchone() == {"count": 0}
