"""Files that partners get packed and encrypted: what they find is what manifest and report tell of, in every kind of store."""

import gzip
import hashlib
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, Final

import pysequoia
import pytest

from shared.exports import ending, finishing
from shared.exports.model import Export, Part
from shared.exports.packing import gzipped
from shared.exports.places import Places
from shared.files.sealed import unsealed
from shared.files.unpacking import unpacked
from shared.kernel.errors import Broken, Busy
from tests.contract.files.places import S3Server, gcs_place, running, s3_place
from tests.fakes.gcs_server import GcsServer
from tests.integration.exports.office import bought
from tests.integration.exports.packing import OURS, THEIRS, PackingOffice
from tests.integration.files.test_dying import Died, dying

PACKINGS: Final = [(True, False), (False, True), (True, True)]


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[S3Server, GcsServer]]:
    with running() as made:
        yield made


@pytest.fixture(params=["folder", "s3", "gs"])
def anywhere(request: pytest.FixtureRequest, packing: PackingOffice, servers: tuple[S3Server, GcsServer]) -> PackingOffice:
    """An office whose files lie in each kind of store."""
    s3, gcs = servers
    if request.param != "folder":
        packing.sent_to = (s3_place(s3) if request.param == "s3" else gcs_place(gcs)).store.url
    return packing


def opened(data: bytes, *, packed: bool, pgp: bool) -> bytes:
    """What a partner's own programs make of a file."""
    if pgp:
        found = pysequoia.decrypt(data, THEIRS.decryptor(), store=lambda _ids: [OURS.extract_certificate()])
        assert [one.certificate for one in found.valid_sigs] == [OURS.extract_certificate().fingerprint]
        data = bytes(found.bytes or b"")
    return gzip.decompress(data) if packed else data


@pytest.mark.parametrize(("packed", "pgp"), PACKINGS)
def test_what_the_partner_finds_is_what_it_is_told_of(anywhere: PackingOffice, *, packed: bool, pgp: bool) -> None:
    office = anywhere
    office.pack(packed=packed, pgp=pgp)
    view = office.send()
    assert view.name.endswith(f".csv{'.gz' * packed}{'.pgp' * pgp}")
    data, manifest = office.text(view.name), office.manifest(view)
    plain, digest = opened(data, packed=packed, pgp=pgp), hashlib.sha256(data).hexdigest()
    assert [line.split(b",")[1] for line in plain.splitlines()[2:-1]] == [b"t1", b"t2"]
    assert (manifest["file_bytes"], manifest["file_sha256"], manifest["record_count"]) == (len(data), digest, 2)
    assert (manifest["sha256_plain"], manifest.get("sha256_cipher")) == (hashlib.sha256(plain).hexdigest(), digest if pgp else None)
    report = office.report(view)
    assert (view.bytes, view.sha256, report["bytes"], report["sha256"]) == (len(data), digest, len(data), digest)
    assert office.left() == []
    office.answer(view)
    assert office.view(view.export_id).state == "acknowledged"


@pytest.mark.parametrize(("packed", "pgp"), PACKINGS)
def test_the_file_engine_reads_it_back(packing: PackingOffice, *, packed: bool, pgp: bool) -> None:
    packing.pack(packed=packed, pgp=pgp)
    view = packing.send()
    blocks: Iterator[bytes] = iter([packing.text(view.name)])
    blocks = unsealed(blocks, packing.partners_keys, "clo") if pgp else blocks
    plain = b"".join(unpacked(blocks) if packed else blocks)
    assert hashlib.sha256(plain).hexdigest() == packing.manifest(view)["sha256_plain"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("name", "turn"), [("keep", 1), ("keep", 2), ("tell", 1), ("clear", 1)])
def test_death_while_an_encrypted_file_is_let_seen_leaves_one_that_is_as_told(
    packing: PackingOffice,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    turn: int,
    *,
    after: bool,
) -> None:
    packing.pack(packed=False, pgp=True)
    dying(monkeypatch, finishing, name, turn=turn, after=after)
    packing.ask()
    packing.run(survives=Died)
    [view] = packing.views()
    data = packing.text(view.name)
    assert (view.state, view.sha256) == ("written", hashlib.sha256(data).hexdigest())
    assert packing.manifest(view)["file_sha256"] == packing.report(view)["sha256"] == view.sha256
    assert opened(data, packed=False, pgp=True).count(b"\nD,") == 2
    assert packing.left() == []


def test_a_file_whose_manifest_was_seen_is_never_made_anew(packing: PackingOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    packing.pack(packed=False, pgp=True)
    seen: list[bytes] = []
    tell = vars(finishing)["tell"]

    def dies_once(*told: Any) -> None:
        [name] = [name for name in packing.seen() if name.endswith(".pgp")]
        seen.append(packing.text(name))
        if len(seen) == 1:
            raise Died
        tell(*told)

    monkeypatch.setattr(finishing, "tell", dies_once)
    packing.ask()
    packing.run(survives=Died)
    assert len(seen) == 2
    assert seen[0] == seen[1]


def test_of_two_attempts_at_once_the_one_whose_data_are_gone_tells_nothing(packing: PackingOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    packing.pack(packed=True, pgp=False)
    stored, turns = finishing._stored, count()

    def other_took_it(places: Places, export: Export, parts: Sequence[Part]) -> finishing.Whole:
        whole = stored(places, export, parts)
        if next(turns) == 0:
            ending.take_away(places, export)
        return whole

    monkeypatch.setattr(finishing, "_stored", other_took_it)
    packing.ask()
    with pytest.raises(Busy):
        packing.run()
    assert packing.seen() == []
    packing.run()
    assert [view.state for view in packing.views()] == ["written"]


def test_what_cannot_be_encrypted_is_not_sent(packing: PackingOffice) -> None:
    packing.pack(packed=False, pgp=True)
    certificate = packing.folder / "certificates" / "agg-one.pgp"
    right = certificate.read_bytes()
    certificate.unlink()
    packing.ask()
    with pytest.raises(Broken, match="no certificate of agg-one"):
        packing.run()
    certificate.write_bytes(b"none")
    with pytest.raises(Broken, match="its certificate can't be read"):
        packing.run()
    assert packing.seen() == []
    certificate.write_bytes(right)
    packing.run()
    assert [view.state for view in packing.views()] == ["written"]


def test_the_guard_searches_before_anything_is_packed(packing: PackingOffice) -> None:
    packing.pack(packed=True, pgp=True)
    packing.keep("b", bought(3, customer_id="cust-1", city="jo@example.com"))
    view = packing.send()
    assert (view.state, packing.seen()) == ("refused", [f"{view.name}.report.jwt"])


def test_blocks_are_packed_one_by_one_and_always_to_the_same() -> None:
    blocks = [bytes([number]) * 100_000 for number in range(20)]
    assert gzip.decompress(b"".join(gzipped(blocks))) == b"".join(blocks)
    assert list(gzipped(blocks)) == list(gzipped(blocks))


def test_a_partner_without_packing_gets_its_files_as_they_are(packing: PackingOffice) -> None:
    packing.pack(packed=False, pgp=False)
    view = packing.send()
    manifest = packing.manifest(view)
    assert view.name.endswith(".csv")
    assert (manifest["sha256_plain"], manifest.get("sha256_cipher"), manifest["file_bytes"]) == (view.sha256, None, view.bytes)
