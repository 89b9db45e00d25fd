"""Tokens are the library's CMACs, whatever the ids' lengths and whoever stands beside them."""

import re

import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from shared.exports.tokens import Tokens, _macs

KEY = bytes(range(32))
TOKENS = Tokens(secret=b"s" * 32, partner="agg-one")
IDS = st.text(max_size=70).map(lambda text: text.encode(errors="replace"))


def cmac(said: bytes) -> bytes:
    mac = CMAC(algorithms.AES(KEY))
    mac.update(said)
    return mac.finalize()


@given(st.lists(IDS, max_size=20))
def test_macs_of_a_column_are_those_of_its_values(ids: list[bytes]) -> None:
    assert _macs(pa.array(ids, pa.binary()), KEY) == b"".join(map(cmac, ids))


def test_macs_of_every_length_are_right() -> None:
    ids = [bytes(range(length)) for length in range(66)]
    assert _macs(pa.array(ids, pa.binary()), KEY) == b"".join(map(cmac, ids))


def test_nothing_stays_nothing_and_stands_where_it_stood() -> None:
    ids = [None, "c-1", None, "c" * 40, "c-1"]
    tokens = TOKENS.column(pa.array(ids), "customer").to_pylist()
    assert tokens == [None, TOKENS.one("c-1", "customer"), None, TOKENS.one("c" * 40, "customer"), TOKENS.one("c-1", "customer")]
    assert TOKENS.column(pa.array([], pa.string()), "card").to_pylist() == []


def test_a_token_is_letters_alone() -> None:
    assert re.fullmatch("[a-p]{32}", TOKENS.one("c-1", "customer"))


def test_partner_secret_and_kind_of_id_each_make_another_token() -> None:
    others = [Tokens(secret=b"t" * 32, partner="agg-one"), Tokens(secret=b"s" * 32, partner="agg-two")]
    said = {TOKENS.one("c-1", "customer"), TOKENS.one("c-1", "card"), *(other.one("c-1", "customer") for other in others)}
    assert len(said) == 4
