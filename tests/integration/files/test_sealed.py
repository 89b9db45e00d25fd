"""Encrypted files: taken when they are whole, for us and signed by their sender; of all others nothing is."""

import gzip
import hashlib
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep
from typing import Any

import pysequoia
import pytest
from pysequoia import Cert, SignatureMode, Tsk

from events.files import FileDropped
from shared.files import receiving
from shared.files.sealed import Keys, NotSealed, unsealed
from shared.files.unpacking import Bomb
from shared.kernel.errors import Broken
from shared.platform.call import Call
from tests.integration.files.place import FILE, Place, as_csv, bought, manifest_of

ROWS = (bought(1), bought(2))
PLAIN = as_csv(ROWS)
BANK, SENDER, OTHER = (Tsk.generate(user_id=who) for who in ("bank", "mybank", "other"))


@dataclass(kw_only=True)
class SealedPlace(Place):
    """A place where encrypted files are taken."""

    keys: Keys

    def call(self, *, key: str | None = None, consumer: str = "test") -> Call:
        call = super().call(key=key, consumer=consumer)
        assert call.file_places
        passphrase = str(self.keys.passphrase) if self.keys.passphrase else None
        key, senders = str(self.keys.key), str(self.keys.senders)
        return replace(call, file_places=replace(call.file_places, pgp_key=key, pgp_senders=senders, pgp_passphrase=passphrase))

    def sealed(self, data: bytes, *, name: str = f"{FILE}_delta_r1.csv.pgp", **said: object) -> FileDropped:
        """A file as it is, whose manifest tells its own hash and that of the plain one."""
        told = manifest_of(ROWS) | {"sha256_cipher": hashlib.sha256(data).hexdigest()}
        return self.drop(data, name=name, plain=PLAIN, **told | said)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """Our key, and the certificate of one sender."""
    (tmp_path / "senders").mkdir()
    (tmp_path / "ours.pgp").write_bytes(bytes(BANK))
    (tmp_path / "senders" / "mybank.pgp").write_bytes(bytes(SENDER.extract_certificate()))
    return Keys(key=tmp_path / "ours.pgp", senders=tmp_path / "senders")


@pytest.fixture
def sealed_place(place: Place, keys: Keys) -> SealedPlace:
    return SealedPlace(folder=place.folder, make=place.make, keys=keys)


def seal(data: bytes = PLAIN, *, signer: Tsk | None = SENDER, recipient: Tsk = BANK, armor: bool = False) -> bytes:
    return pysequoia.encrypt(data, [recipient.extract_certificate()], signer.signer() if signer else None, armor=armor)


def expired() -> Cert:
    """The sender's certificate, when its time is over."""
    ends = datetime.now(UTC) + timedelta(seconds=1)
    certificate = SENDER.extract_certificate().set_expiration(ends, SENDER.certifier())
    sleep(1.1)
    return certificate


def revoked() -> Cert:
    certificate = SENDER.extract_certificate()
    return Cert.from_bytes(bytes(certificate) + bytes(certificate.revoke(SENDER.certifier())))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (seal, f"{FILE}_delta_r1.csv.pgp"),
        (lambda: seal(armor=True), f"{FILE}_delta_r1.csv.pgp"),
        (lambda: seal(gzip.compress(PLAIN)), f"{FILE}_delta_r1.csv.gz.pgp"),
    ],
    ids=["plain", "armored", "packed"],
)
def test_encrypted_file_of_its_sender_is_taken(
    sealed_place: SealedPlace, data: Callable[[], bytes], name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    sealed_place.receive(sealed_place.sealed(data(), name=name))
    assert (sealed_place.file().outcome, sorted(sealed_place.posted())) == ("accepted", ["t1", "t2"])
    assert sealed_place.left() == []
    assert "PRIVATE KEY" not in "".join(capfd.readouterr())


def changed(at: int) -> bytes:
    data = bytearray(seal())
    data[at] ^= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (lambda: seal(signer=OTHER), "no valid signature"),
        (lambda: seal(signer=None), "no valid signature"),
        (lambda: seal(recipient=OTHER), "can't be decrypted"),
        (lambda: changed(-40), "can't be decrypted"),
        (lambda: changed(60), "can't be decrypted"),
        (lambda: seal()[:-30], "can't be decrypted"),
        (lambda: seal()[:20], "can't be decrypted"),
        (lambda: pysequoia.sign(SENDER.signer(), PLAIN, mode=SignatureMode.INLINE, armor=False), "not encrypted"),
        (lambda: pysequoia.sign(SENDER.signer(), PLAIN, mode=SignatureMode.INLINE), "not encrypted"),
        (lambda: PLAIN, "not encrypted"),
        (lambda: b"", "not encrypted"),
        (lambda: pysequoia.encrypt(PLAIN, passwords=["secret"], signer=SENDER.signer(), armor=False), "can't be decrypted"),
    ],
    ids=[
        "signed by another",
        "not signed",
        "for another key",
        "changed at its end",
        "changed at its beginning",
        "cut off",
        "cut off at its beginning",
        "signed, not encrypted",
        "signed as text, not encrypted",
        "plain",
        "empty",
        "for a passphrase",
    ],
)
def test_any_other_file_is_rejected_and_nothing_of_it_taken(sealed_place: SealedPlace, data: Callable[[], bytes], reason: str) -> None:
    sealed_place.receive(sealed_place.sealed(data()))
    assert sealed_place.file().outcome == "rejected"
    assert [reason in problem.message for problem in sealed_place.file().problems] == [True]
    assert (sealed_place.posted(), sealed_place.left(), list(sealed_place.lake.list())) == ([], [], [])


@pytest.mark.parametrize(("certificate", "reason"), [(expired, "has expired"), (revoked, "was revoked")])
def test_certificate_that_is_no_longer_good_is_none(sealed_place: SealedPlace, certificate: Callable[[], Cert], reason: str) -> None:
    data = seal()
    (sealed_place.keys.senders / "mybank.pgp").write_bytes(bytes(certificate()))
    sealed_place.receive(sealed_place.sealed(data))
    assert sealed_place.file().outcome == "rejected"
    assert [reason in problem.message for problem in sealed_place.file().problems] == [True]


def test_hash_of_the_encrypted_file_is_looked_at_before_it_is_decrypted(sealed_place: SealedPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "unsealed", lambda *_: pytest.fail("decrypted"))
    sealed_place.receive(sealed_place.sealed(seal(), sha256_cipher="0" * 64))
    assert [problem.path for problem in sealed_place.file().problems] == ["/sha256_cipher"]


def test_hash_of_the_plain_file_must_agree_too(sealed_place: SealedPlace) -> None:
    sealed_place.receive(sealed_place.sealed(seal(), sha256_plain="0" * 64))
    assert [problem.path for problem in sealed_place.file().problems] == ["/sha256_plain"]


def test_sender_without_a_certificate_is_refused(sealed_place: SealedPlace) -> None:
    (sealed_place.keys.senders / "mybank.pgp").unlink()
    sealed_place.receive(sealed_place.sealed(seal()))
    assert (sealed_place.file().outcome, sealed_place.file().problems[0].message) == (
        "refused",
        "there is no certificate of this sender here",
    )


def test_where_there_is_no_key_encrypted_files_are_refused(place: Place) -> None:
    place.receive(place.drop(seal(), name=f"{FILE}_delta_r1.csv.pgp", plain=PLAIN, sha256_cipher="0" * 64, **manifest_of(ROWS)))
    assert (place.file().outcome, place.file().problems[0].message) == ("refused", "encrypted files are not taken here")


def test_key_that_can_not_be_read_is_our_fault(sealed_place: SealedPlace) -> None:
    sealed_place.keys.key.write_bytes(b"no key")
    with pytest.raises(Broken):
        sealed_place.receive(sealed_place.sealed(seal()))
    sealed_place.keys.key.write_bytes(bytes(BANK))
    assert sealed_place.file().outcome is None


def test_what_goes_wrong_with_the_store_is_told_as_that(keys: Keys) -> None:
    data = seal(b"x" * 4_000_000)

    def breaking() -> Any:  # noqa: ANN401  (a generator)
        yield data[:1_000_000]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        list(unsealed(breaking(), keys, "mybank"))


def test_reading_may_stop_early(keys: Keys) -> None:
    pieces = unsealed(iter([seal(b"x" * 80_000_000)]), keys, "mybank")
    assert next(pieces)
    assert isinstance(pieces, Generator)
    pieces.close()


def test_what_comes_out_is_what_went_in(keys: Keys) -> None:
    plain = bytes(range(256)) * 200_000
    assert b"".join(unsealed(iter([seal(plain)]), keys, "mybank")) == plain


def test_more_than_is_taken_of_any_file_is_not_taken_of_an_encrypted_one(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.files.sealed.MOST_RATIO", 0)
    with pytest.raises(Bomb):
        list(unsealed(iter([seal(b"x" * 70_000_000)]), keys, "mybank"))


def test_no_other_than_the_sender_of_the_name_may_sign(keys: Keys) -> None:
    (keys.senders / "other.asc").write_text(str(OTHER.extract_certificate()))
    assert b"".join(unsealed(iter([seal(signer=OTHER)]), keys, "other")) == PLAIN
    with pytest.raises(NotSealed):
        list(unsealed(iter([seal(signer=SENDER)]), keys, "other"))
