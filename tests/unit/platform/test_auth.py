"""Tokens: only those that a known key signed, for us, and now."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shared.kernel.clock import SystemClock
from shared.kernel.errors import Busy, Unauthenticated
from shared.platform.auth import Verifier
from shared.platform.call import Caller
from shared.platform.local.keys import KEY_ID, LocalKeys, all_scopes
from shared.platform.settings import Settings

Forge = Callable[..., str]


@pytest.fixture
def keys(tmp_path: Path) -> LocalKeys:
    return LocalKeys(tmp_path)


@pytest.fixture
def verifier(keys: LocalKeys) -> Verifier:
    return Verifier(Settings(database_url="postgresql://nowhere", jwks=str(keys.jwks)))


@pytest.fixture
def forge(tmp_path: Path, keys: LocalKeys) -> Forge:
    """Makes a good token; a test changes one thing."""

    def make(
        *, key: PrivateKeyTypes | bytes | None = None, algorithm: str = "EdDSA", headers: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        now = int(time.time())
        whole = {"sub": "maya", "scope": "campaigns:read", "iss": "clo", "aud": "clo", "iat": now, "exp": now + 60, **claims}
        signer = key or load_pem_private_key((tmp_path / "private.pem").read_bytes(), password=None)
        said = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(said, cast("Any", signer), algorithm=algorithm, headers={"kid": KEY_ID, **(headers or {})})

    return make


def accepted(verifier: Verifier, authorization: str) -> Caller:
    return verifier.remembered(authorization) or verifier.caller(authorization)


def refusal(verifier: Verifier, token: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        accepted(verifier, f"Bearer {token}")
    return str(refused.value)


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def test_good_token_speaks_for_its_subject_with_its_scopes(verifier: Verifier, forge: Forge) -> None:
    caller = verifier.caller("bearer " + forge(scope="offers:read campaigns:read"))
    assert caller.subject == "maya"
    assert caller.scopes == {"offers:read", "campaigns:read"}


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic bWF5YQ==", "Bearer x.y", "Bearer a.b.c"])
def test_anything_but_a_bearer_token_is_refused(verifier: Verifier, header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        verifier.caller(header)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": 1}, "expired"),
        ({"nbf": 32503680000}, "not yet valid"),
        ({"iss": "another"}, "issuer"),
        ({"aud": "another"}, "Audience"),
        ({"exp": None}, "exp"),
        ({"sub": None}, "sub"),
        ({"iat": None}, "iat"),
        ({"aud": None}, "aud"),
        ({"iss": None}, "iss"),
    ],
)
def test_wrong_or_missing_claim_is_refused_and_named(verifier: Verifier, forge: Forge, claims: dict[str, Any], why: str) -> None:
    assert why in refusal(verifier, forge(**claims))


def test_unsigned_token_is_refused(verifier: Verifier, forge: Forge) -> None:
    _, claims, _ = forge().split(".")
    for algorithm in ("none", "None", "NONE"):
        refusal(verifier, f"{encoded({'alg': algorithm, 'kid': KEY_ID, 'typ': 'JWT'})}.{claims}.")


def test_public_key_used_as_a_shared_secret_is_refused(verifier: Verifier, forge: Forge, keys: LocalKeys) -> None:
    public = json.loads(keys.jwks.read_text())["keys"][0]
    _, claims, _ = forge().split(".")
    for secret in (json.dumps(public).encode(), base64.urlsafe_b64decode(public["x"] + "="), public["x"].encode()):
        said = f"{encoded({'alg': 'HS256', 'kid': KEY_ID, 'typ': 'JWT'})}.{claims}"
        signature = base64.urlsafe_b64encode(hmac.digest(secret, said.encode(), "sha256")).rstrip(b"=").decode()
        refusal(verifier, f"{said}.{signature}")


def test_symmetric_key_in_the_key_set_verifies_nothing(tmp_path: Path, forge: Forge) -> None:
    secret = b"a secret of thirty-two bytes or more"
    jwks = tmp_path / "symmetric.json"
    jwks.write_text(json.dumps({"keys": [{"kty": "oct", "kid": KEY_ID, "alg": "HS256", "k": base64.urlsafe_b64encode(secret).decode()}]}))
    verifier = Verifier(Settings(database_url="postgresql://nowhere", jwks=str(jwks)))
    refusal(verifier, forge(key=secret, algorithm="HS256"))


def test_token_of_another_key_under_a_known_name_is_refused(verifier: Verifier, forge: Forge) -> None:
    assert "Signature" in refusal(verifier, forge(key=Ed25519PrivateKey.generate()))


def test_unknown_key_is_refused(verifier: Verifier, forge: Forge) -> None:
    assert "not known" in refusal(verifier, forge(headers={"kid": "other"}))


def test_extension_that_must_be_understood_is_refused(verifier: Verifier, forge: Forge) -> None:
    refusal(verifier, forge(headers={"crit": ["exp-policy"], "exp-policy": "strict"}))


def test_key_that_the_token_brings_along_is_not_used(verifier: Verifier, forge: Forge, keys: LocalKeys, tmp_path: Path) -> None:
    own = LocalKeys(tmp_path / "own")
    stranger = load_pem_private_key((tmp_path / "own/private.pem").read_bytes(), password=None)
    jwk = json.loads(own.jwks.read_text())["keys"][0]
    refusal(verifier, forge(key=stranger, headers={"jwk": jwk, "jku": "https://attacker.invalid/keys"}))


def test_changed_claims_are_refused_though_the_token_was_seen_before(verifier: Verifier, forge: Forge) -> None:
    good = forge()
    verifier.caller(f"Bearer {good}")
    head, claims, signature = good.split(".")
    wider = json.loads(base64.urlsafe_b64decode(claims + "==")) | {"scope": "campaigns:approve"}
    refusal(verifier, f"{head}.{encoded(wider)}.{signature}")


def test_token_is_not_remembered_past_its_end(verifier: Verifier, forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    token = forge(exp=int(time.time()) + 10)
    verifier.caller(f"Bearer {token}")
    later, monotonic = datetime.now(UTC) + timedelta(seconds=20), time.monotonic() + 20
    monkeypatch.setattr(time, "monotonic", lambda: monotonic)
    monkeypatch.setattr("jwt.api_jwt.datetime", type("Later", (datetime,), {"now": staticmethod(lambda tz: later)}))
    assert "expired" in refusal(verifier, token)


def test_keys_that_cannot_be_fetched_are_our_trouble_not_the_callers(forge: Forge) -> None:
    verifier = Verifier(Settings(database_url="postgresql://nowhere", jwks="https://127.0.0.1:9/keys"))
    with pytest.raises(Busy):
        verifier.caller(f"Bearer {forge()}")


def test_local_tokens_may_carry_every_scope_that_is_asked_for(keys: LocalKeys, verifier: Verifier) -> None:
    token = keys.token("maya", all_scopes(), now=SystemClock().now())
    assert verifier.caller(f"Bearer {token}").scopes == set(all_scopes())


def test_private_key_is_readable_by_its_owner_only(tmp_path: Path, keys: LocalKeys) -> None:
    assert (tmp_path / "private.pem").stat().st_mode & 0o077 == 0
    assert "d" not in json.loads(keys.jwks.read_text())["keys"][0]
