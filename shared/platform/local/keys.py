"""Keys and tokens of the local platform: it signs what `clo token` hands out."""

import json
import os
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, cast

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import OKPAlgorithm

from functions.registry import FUNCTIONS

KEY_ID: Final = "local-1"
FIRST_OF_TOKENS: Final = "tokens-1"
SECRET_BYTES: Final = 32
LIFE: Final = timedelta(hours=12)


def all_scopes() -> tuple[str, ...]:
    """Every scope that some operation asks for."""
    return tuple(sorted({route.scope for function in FUNCTIONS for route in function.routes}))


class LocalKeys:
    """An Ed25519 key pair in a folder: `private.pem` for signing, `jwks.json` for verifying; and in `exports.json` the keys of exports."""

    def __init__(self, folder: Path) -> None:
        """Make the pair if it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        self._private = folder / "private.pem"
        self.jwks = folder / "jwks.json"
        self.exports = folder / "exports.json"
        if not self.jwks.exists():
            self._make()
        if not self.exports.exists():
            self._make_exports()

    def token(self, subject: str, scopes: tuple[str, ...], *, now: datetime, issuer: str = "clo", audience: str = "clo") -> str:
        """A token of half a day for a subject with scopes."""
        claims = {
            "sub": subject,
            "scope": " ".join(scopes),
            "iss": issuer,
            "aud": audience,
            "iat": now,
            "exp": now + LIFE,
        }
        key = cast("Ed25519PrivateKey", load_pem_private_key(self._private.read_bytes(), password=None))
        return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": KEY_ID})

    def _make(self) -> None:
        private = Ed25519PrivateKey.generate()
        self._private.touch(mode=0o600)
        self._private.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public = OKPAlgorithm.to_jwk(private.public_key(), as_dict=True)
        keys = {"keys": [{**public, "kid": KEY_ID, "use": "sig", "alg": "EdDSA"}]}
        self.jwks.write_text(json.dumps(keys, indent=2), encoding="utf-8")

    def _make_exports(self) -> None:
        secret = urlsafe_b64encode(os.urandom(SECRET_BYTES)).decode().rstrip("=")
        pair = OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate(), as_dict=True)
        keys = {"keys": [{"kty": "oct", "kid": FIRST_OF_TOKENS, "k": secret}, {**pair, "kid": KEY_ID, "use": "sig", "alg": "EdDSA"}]}
        self.exports.touch(mode=0o600)
        self.exports.write_text(json.dumps(keys, indent=2), encoding="utf-8")
