"""Files as banks encrypt and sign them with the real GnuPG: what is read of them, and why not where it is not."""

import gzip
import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from shared.files.sealed import Keys, NotSealed, unsealed
from tests.gnupg import GnuPG, gnupg
from tests.integration.files.place import FILE, Place, as_csv, bought
from tests.integration.files.test_sealed import SealedPlace

ROWS = (bought(1), bought(2))
PLAIN = as_csv(ROWS) + b"\n" * 4_000  # enough for GnuPG to find it worth compressing
LONG_AGO: Final = ("--faked-system-time", "20200101T000000!")
HOWTO: Final = Path(__file__).parents[3] / "docs" / "howto" / "files.md"
AEAD_PACKET: Final = b"aead encrypted packet"
PASSPHRASE: Final = "correct horse"


@dataclass(frozen=True, kw_only=True)
class Bank:
    """GnuPG at a bank that sends files, with keys by their names, and one at ours."""

    gpg: GnuPG
    names: dict[str, str]
    ours: dict[str, bytes]
    """Our secret keys: one made as we say, one as GnuPG makes it when nothing is said."""

    def sent(self, *options: str, signer: str = "ed25519", to: str = "clo", data: bytes = PLAIN) -> bytes:
        """An encrypted and signed file."""
        recipient = self.names[to]
        return self.gpg.run("--sign", "--encrypt", "--local-user", self.names[signer], "--recipient", recipient, *options, data=data)


@pytest.fixture(scope="module")
def bank() -> Iterator[Bank]:
    with ExitStack() as homes:
        gpg, ours = (homes.enter_context(gnupg(passphrase)) for passphrase in ("", PASSPHRASE))
        made = {"clo": ours.key("clo", "ed25519", "cv25519", *as_told()), "usual": ours.key("usual")}
        for key in made.values():
            gpg.run("--import", data=ours.certificate(key))
        made |= {name: gpg.key(name, *kinds) for name, kinds in SIGNERS.items()}
        made["unknown"] = gpg.key("unknown")
        made["expired"] = gpg.key("expired", "ed25519", "cv25519", *LONG_AGO, expires="30d")
        made["revoked"] = gpg.key("revoked")
        yield Bank(gpg=gpg, names=made, ours={name: ours.secret(made[name]) for name in ("clo", "usual")})


SIGNERS: Final = {"ed25519": ("ed25519", "cv25519"), "rsa3072": ("rsa3072", "rsa3072"), "nistp256": ("nistp256", "nistp256")}


def as_told() -> list[str]:
    """The options by which the page on files has our key made."""
    told = next(line for line in HOWTO.read_text(encoding="utf-8").splitlines() if "--default-preference-list" in line)
    return shlex.split(told)[1:3]


@pytest.fixture
def keys(tmp_path: Path, bank: Bank) -> Keys:
    """Our key as GnuPG exports it, locked, and the certificates of all senders but one."""
    senders = tmp_path / "senders"
    senders.mkdir()
    for name in {*SIGNERS, "expired", "revoked"}:
        (senders / f"{name}.pgp").write_bytes(bank.gpg.certificate(bank.names[name]))
    (tmp_path / "ours.pgp").write_bytes(bank.ours["clo"])
    (tmp_path / "passphrase").write_text(f"{PASSPHRASE}\n", encoding="utf-8")
    return Keys(key=tmp_path / "ours.pgp", senders=senders, passphrase=tmp_path / "passphrase")


def read(data: bytes, keys: Keys, sender: str = "ed25519") -> bytes:
    return b"".join(unsealed(iter([data]), keys, sender))


@pytest.mark.parametrize("sender", SIGNERS)
def test_what_gnupg_makes_of_itself_is_read(bank: Bank, keys: Keys, sender: str) -> None:
    assert read(bank.sent(signer=sender), keys, sender) == PLAIN


@pytest.mark.parametrize(
    "options",
    ["--armor", "--cipher-algo AES128", "--cipher-algo TWOFISH", "--digest-algo SHA512", "--throw-keyids", "--rfc4880",
     "--set-filename purchases.csv", "--recipient rsa3072", "--local-user rsa3072"],
)  # fmt: skip
def test_what_gnupg_makes_as_it_is_told_is_read(bank: Bank, keys: Keys, options: str) -> None:
    assert read(bank.sent(*(bank.names.get(word, word) for word in options.split())), keys) == PLAIN


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("--compress-algo zip", "compressed within"),
        ("--compress-algo zlib", "compressed within"),
        ("--compress-algo bzip2", "packed with bzip2"),
        ("--cipher-algo 3DES", "is broken"),
        ("--cipher-algo CAST5", "is broken"),
        ("--rfc2440 --disable-mdc --cipher-algo AES256", "not protected"),
        ("--digest-algo SHA1", "no valid signature"),
    ],
)
def test_what_is_not_read_of_gnupg_is_refused_with_the_reason(bank: Bank, keys: Keys, options: str, reason: str) -> None:
    with pytest.raises(NotSealed, match=reason):
        read(bank.sent(*options.split()), keys)


@pytest.mark.parametrize("data", [PLAIN, gzip.compress(PLAIN)], ids=["plain", "packed"])
def test_a_key_that_does_not_say_so_lets_gnupg_compress(bank: Bank, keys: Keys, data: bytes) -> None:
    keys.key.write_bytes(bank.ours["usual"])
    with pytest.raises(NotSealed, match="compressed within"):
        read(bank.sent(to="usual", data=data), keys)
    assert read(bank.sent("--compress-algo", "none", to="usual", data=data), keys) == data


def test_what_gnupg_encrypts_with_an_aead_of_its_own_is_refused_and_all_else_read(bank: Bank, keys: Keys) -> None:
    """GnuPG has one since 2.3 (OCB), which is not that of RFC 9580; before, it does without."""
    known = bank.gpg.run("--dump-options").decode().split()
    with_aead = [option for option in ("--force-ocb", "--force-aead") if option in known][:1]
    data = bank.sent(*with_aead)
    if AEAD_PACKET in bank.gpg.run("--list-packets", "--list-only", data=data):
        with pytest.raises(NotSealed, match="can't be decrypted"):
            read(data, keys)
    else:
        assert read(data, keys) == PLAIN


OTHERS: Final[dict[str, tuple[Callable[[Bank], bytes], str]]] = {
    "signed by somebody unknown": (lambda bank: bank.sent(signer="unknown"), "no valid signature"),
    "signed by another sender": (lambda bank: bank.sent(signer="rsa3072"), "no valid signature"),
    "not signed": (lambda bank: bank.gpg.run("--encrypt", "--recipient", bank.names["clo"], data=PLAIN), "no valid signature"),
    "for another": (lambda bank: bank.sent(to="rsa3072"), "another key"),
    "not encrypted": (lambda bank: bank.gpg.run("--sign", "--local-user", bank.names["ed25519"], data=PLAIN), "not encrypted"),
    "signed as text": (lambda bank: bank.gpg.run("--clear-sign", "--local-user", bank.names["ed25519"], data=PLAIN), "not encrypted"),
    "for a passphrase": (
        lambda bank: bank.gpg.run("--symmetric", "--passphrase", "secret", data=PLAIN),
        "can't be decrypted",
    ),
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_its_sender_did_not_sign_for_us_is_refused(bank: Bank, keys: Keys, other: str) -> None:
    make, reason = OTHERS[other]
    with pytest.raises(NotSealed, match=reason):
        read(make(bank), keys)


def test_certificate_that_has_expired_is_none(bank: Bank, keys: Keys) -> None:
    data = bank.sent(*LONG_AGO, "--ignore-time-conflict", "--ignore-valid-from", signer="expired")
    with pytest.raises(NotSealed, match="has expired"):
        read(data, keys, "expired")


def test_certificate_that_was_revoked_is_none(bank: Bank, keys: Keys) -> None:
    data = bank.sent(signer="revoked")
    assert read(data, keys, "revoked") == PLAIN
    bank.gpg.revoke(bank.names["revoked"])
    (keys.senders / "revoked.pgp").write_bytes(bank.gpg.certificate(bank.names["revoked"]))
    with pytest.raises(NotSealed, match="was revoked"):
        read(data, keys, "revoked")


def test_file_that_a_bank_encrypts_by_the_command_that_we_tell_takes_effect(bank: Bank, keys: Keys, place: Place) -> None:
    (keys.senders / "mybank.pgp").write_bytes(bank.gpg.certificate(bank.names["ed25519"]))
    taking = SealedPlace(folder=place.folder, make=place.make, keys=keys)
    sent = taking.sealed(bank.sent(data=as_csv(ROWS)))
    taking.receive(sent)
    assert (taking.file().outcome, sorted(taking.posted())) == ("accepted", ["t1", "t2"])
    assert sent.name.startswith(f"inbox/{FILE}")
