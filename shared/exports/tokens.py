"""Tokens in place of ids: AES-CMAC (RFC 4493) of the id under a key of the partner and of what the id is of, for a whole column at once.

Without the key nobody can tell whose a token is, nor that two partners' tokens are of one customer. A token is 32 letters from a to p:
no digit in it can be taken for a part of a card number or for a number, and no spreadsheet runs it.
"""

import hmac
from array import array
from binascii import hexlify
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from shared.files.arrays import by_value, text_bytes

BLOCK: Final = 16
WORD: Final = 8
LETTERS: Final = bytes.maketrans(b"0123456789abcdef", b"abcdefghijklmnop")
TOKEN_LENGTH: Final = 2 * BLOCK
MANY: Final = 1 << 16
CARRY: Final = 0x87
ONE_BLOCK: Final = (1 << 8 * BLOCK) - 1
END: Final = bytes(BLOCK) + b"\x80" + bytes(BLOCK)
"""What ends a message that does not fill its last block, with nothing before and behind it."""


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Makes the tokens of one partner under one key."""

    secret: bytes
    partner: str

    def column(self, ids: pa.Array, of: str) -> pa.Array:
        """The tokens of a column of ids of customers, accounts or cards; null stays null. Of a dictionary, the tokens of its values."""
        return by_value(ids, lambda values: self._tokens(values, of))

    def one(self, said: str, of: str) -> str:
        """The token of one id."""
        return str(self.column(pa.array([said]), of)[0])

    def _tokens(self, ids: pa.Array, of: str) -> pa.Array:
        macs = _macs(pc.cast(ids.drop_null(), pa.binary()), self._key(of))
        count = len(macs) // BLOCK
        letters = hexlify(macs).translate(LETTERS)
        tokens = pa.Array.from_buffers(pa.string(), count, [None, _ends(-(-count // MANY) * MANY), pa.py_buffer(letters)])
        return tokens.take(_places(ids)) if ids.null_count else tokens

    def _key(self, of: str) -> bytes:
        return _derived(self.secret, self.partner, of)


@cache
def _derived(secret: bytes, partner: str, of: str) -> bytes:
    """A key of its own for each partner and each kind of id, so that no two share tokens."""
    return hmac.digest(secret, f"clo token\x1f{partner}\x1f{of}".encode(), "sha256")


@lru_cache(maxsize=4)
def _ends(count: int) -> pa.Buffer:
    """Where each of so many tokens ends, beginning with nothing."""
    return pa.py_buffer(array("i", range(0, (count + 1) * TOKEN_LENGTH, TOKEN_LENGTH)))


def _places(ids: pa.Array) -> pa.Array:
    """For each value its number among those that are not null; null for null."""
    valid = ids.is_valid()
    numbers = pc.subtract(pc.cumulative_sum(pc.cast(valid, pa.int64())), 1)
    return pc.if_else(valid, numbers, pa.scalar(None, pa.int64()))


def _macs(ids: pa.Array, key: bytes) -> bytes:
    """The MACs of ids, one behind the other: blocks side by side, ids of as many blocks together."""
    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305  (block by block is what CMAC is made of)
    blocks = pc.max_element_wise(pc.divide(pc.add(pc.binary_length(ids), BLOCK - 1), BLOCK), 1)
    kinds = pc.unique(blocks).to_pylist()
    if len(kinds) <= 1:
        return _macs_of(ids, kinds[0], cipher) if kinds else b""
    made = [_macs_of(ids.filter(pc.equal(blocks, count)), count, cipher) for count in kinds]
    places = pa.concat_arrays([pc.indices_nonzero(pc.equal(blocks, count)) for count in kinds])
    joined = pa.Array.from_buffers(pa.binary(BLOCK), len(ids), [None, pa.py_buffer(b"".join(made))])
    ordered = joined.take(pc.sort_indices(places))
    return bytes(memoryview(ordered.buffers()[1])[: BLOCK * len(ids)])


def _macs_of(ids: pa.Array, count: int, cipher: CipherContext) -> bytes:
    """The MACs of ids of `count` blocks."""
    if not len(ids):
        return b""
    chained = b""
    for number in range(count - 1):
        block = text_bytes(pc.binary_slice(ids, number * BLOCK, (number + 1) * BLOCK))
        chained = cipher.update(_xor(block, chained) if chained else block)
    last = pc.binary_slice(ids, (count - 1) * BLOCK, count * BLOCK) if count > 1 else ids
    filled = text_bytes(pc.ascii_rpad(last.view(pa.string()), BLOCK, "\0"))
    masks = _masks(cipher).take(pc.binary_length(last))
    filled = _xor(filled, text_bytes(masks))
    return cipher.update(_xor(filled, chained) if chained else filled)


def _masks(cipher: CipherContext) -> pa.Array:
    """For each length of a last block what CMAC lays over it: one thing over a full one, and where it is not full, the bit that ends it."""
    of_full, of_others = _subkeys(cipher)
    return pa.array([*(_xor(of_others, END[BLOCK - size :][:BLOCK]) for size in range(BLOCK)), of_full], pa.binary())


def _subkeys(cipher: CipherContext) -> tuple[bytes, bytes]:
    first = _doubled(int.from_bytes(cipher.update(bytes(BLOCK)), "big"))
    return first.to_bytes(BLOCK, "big"), _doubled(first).to_bytes(BLOCK, "big")


def _doubled(value: int) -> int:
    shifted = value << 1
    return (shifted & ONE_BLOCK) ^ CARRY if shifted > ONE_BLOCK else shifted


def _xor(one: bytes, other: bytes) -> bytes:
    """Two rows of whole blocks laid over each other."""
    words = len(one) // WORD
    rows = [pa.Array.from_buffers(pa.uint64(), words, [None, pa.py_buffer(row)]) for row in (one, other)]
    return bytes(memoryview(pc.bit_wise_xor(*rows).buffers()[1])[: len(one)])
