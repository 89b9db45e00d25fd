"""Files that partners get, opened by the real GnuPG: it decrypts them, and finds our signature good."""

import gzip
import hashlib
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from shared.kernel.errors import Broken
from tests.gnupg import GnuPG, Refused, gnupg
from tests.integration.exports.packing import OURS, PackingOffice

PASSPHRASE = "correct horse"
THEIRS = {"usual": ("default", "default"), "ed25519": ("ed25519", "cv25519"), "rsa3072": ("rsa3072", "rsa3072")}


@pytest.fixture(scope="module")
def homes() -> Iterator[tuple[GnuPG, GnuPG]]:
    """GnuPG at ours, where the key is locked, and at a partner's, with keys of several kinds."""
    with ExitStack() as opened:
        ours, theirs = (opened.enter_context(gnupg(passphrase)) for passphrase in (PASSPHRASE, ""))
        ours.key("clo")
        for name, kinds in THEIRS.items():
            theirs.key(name, *kinds)
        theirs.key("expired", "ed25519", "cv25519", "--faked-system-time", "20200101T000000!", expires="30d")
        yield ours, theirs


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", THEIRS)
def test_gnupg_opens_what_a_partner_gets_and_finds_it_signed(
    packing: PackingOffice, homes: tuple[GnuPG, GnuPG], name: str, *, packed: bool
) -> None:
    theirs = homes[1]
    (packing.folder / "certificates" / "agg-one.pgp").write_bytes(theirs.certificate(name))
    theirs.run("--import", data=bytes(OURS.extract_certificate()))
    packing.pack(packed=packed, pgp=True)
    view = packing.send()
    data, signers = theirs.opened(packing.text(view.name))
    plain = gzip.decompress(data) if packed else data
    assert signers == {OURS.extract_certificate().fingerprint.upper()}
    assert packing.manifest(view)["sha256_plain"] == hashlib.sha256(plain).hexdigest()
    assert [line.split(b",")[1] for line in plain.splitlines()[2:-1]] == [b"t1", b"t2"]


def test_our_key_may_be_one_that_gnupg_made_and_locked(packing: PackingOffice, homes: tuple[GnuPG, GnuPG]) -> None:
    ours, theirs = homes
    (packing.folder / "ours.pgp").write_bytes(ours.secret("clo"))
    (packing.folder / "passphrase").write_text(PASSPHRASE, encoding="utf-8")
    (packing.folder / "certificates" / "agg-one.pgp").write_bytes(theirs.certificate("usual"))
    theirs.run("--import", data=ours.certificate("clo"))
    packing.pack(packed=False, pgp=True)
    data, signers = theirs.opened(packing.text(packing.send().name))
    assert signers == {ours.fingerprint("clo")}
    assert data.startswith(b"H,")


def test_what_was_changed_on_its_way_gnupg_refuses(packing: PackingOffice, homes: tuple[GnuPG, GnuPG]) -> None:
    theirs = homes[1]
    (packing.folder / "certificates" / "agg-one.pgp").write_bytes(theirs.certificate("usual"))
    packing.pack(packed=False, pgp=True)
    data = bytearray(packing.text(packing.send().name))
    data[-40] ^= 1
    with pytest.raises(Refused):
        theirs.opened(bytes(data))


def test_for_a_certificate_of_gnupg_that_has_expired_nothing_is_sent(packing: PackingOffice, homes: tuple[GnuPG, GnuPG]) -> None:
    (packing.folder / "certificates" / "agg-one.pgp").write_bytes(homes[1].certificate("expired"))
    packing.pack(packed=False, pgp=True)
    with pytest.raises(Broken, match="has expired"):
        packing.send()
