"""Keys of exports: a JWK set (RFC 7517) with secrets that tokens are made with and the key that reports are signed with.

They are read from a file that only the functions can read, and are told to nobody: no message holds any of them.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import jwt

from shared.kernel.errors import Broken

SHORTEST: Final = 32
"""Bytes of a secret."""
ALGORITHM: Final = "EdDSA"


@dataclass(frozen=True, kw_only=True, slots=True)
class Keys:
    """Secrets by their ids, and the key that reports are signed with. It shows none of them."""

    secrets: Mapping[str, bytes] = field(repr=False)
    signing: Any = field(repr=False)
    signing_id: str

    def secret(self, key_id: str) -> bytes:
        """One secret. Raises Broken where there is none of that id."""
        if key_id not in self.secrets:
            raise Broken(f"There is no key {key_id} for tokens.")
        return self.secrets[key_id]


def load_keys(path: str | None) -> Keys:
    """The keys of a file. Raises Broken, never telling what stands in it."""
    if path is None:
        raise Broken("The settings don't say where the keys of exports lie: CLO_EXPORT_KEYS.")
    try:
        return _read(path, Path(path).stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError):
        raise Broken("The keys of exports can't be read: a JWK set with secrets (oct) of 32 bytes and one Ed25519 key.") from None


@lru_cache(maxsize=4)
def _read(path: str, _changed: int) -> Keys:
    told = json.loads(Path(path).read_bytes())["keys"]
    secrets = {str(key["kid"]): urlsafe_b64decode(str(key["k"]) + "==") for key in told if key["kty"] == "oct"}
    [pair] = [key for key in told if key["kty"] == "OKP"]
    if any(len(secret) < SHORTEST for secret in secrets.values()) or "d" not in pair:
        raise ValueError("short")
    return Keys(secrets=secrets, signing=jwt.PyJWK(pair, algorithm=ALGORITHM).key, signing_id=str(pair["kid"]))
