"""Who calls: bearer tokens (JWT, RFC 7519) signed with an asymmetric key of a JWK set."""

import json
import time
from pathlib import Path
from typing import Any, Final

import jwt
from jwt import PyJWK, PyJWKClient, PyJWKSet

from shared.kernel.clock import SystemClock
from shared.kernel.errors import Busy, Unauthenticated
from shared.platform.call import Caller
from shared.platform.settings import Settings

ALGORITHMS: Final = ("EdDSA", "ES256", "RS256", "PS256")
REQUIRED: Final = ("exp", "iat", "sub", "iss", "aud")
LEEWAY_SECONDS: Final = 5
REMEMBERED: Final = 1_024
REMEMBER_SECONDS: Final = 60


class Verifier:
    """Verifies tokens; remembers those it has verified for a minute at most, and never past their end."""

    def __init__(self, settings: Settings) -> None:
        """Read the key set from its file, or prepare to fetch it from its URL."""
        self._settings = settings
        self._remote = PyJWKClient(settings.jwks, cache_keys=True) if settings.jwks.startswith("https://") else None
        self._keys = {} if self._remote else _read_keys(Path(settings.jwks))
        self._remembered: dict[str, tuple[float, Caller]] = {}

    def remembered(self, authorization: str | None) -> Caller | None:
        """The caller of an Authorization header that was verified a short while ago."""
        until, caller = self._remembered.get(authorization or "", (0.0, None))
        return caller if until > time.monotonic() else None

    def caller(self, authorization: str | None) -> Caller:
        """The caller that an Authorization header speaks for. Raises Unauthenticated, saying what is missing or wrong."""
        scheme, _, token = (authorization or "").partition(" ")
        if not authorization or scheme.lower() != "bearer" or not token:
            raise Unauthenticated("An Authorization header with a bearer token is needed.")
        claims = self._verify(token)
        caller = Caller(subject=str(claims["sub"]), scopes=frozenset(str(claims.get("scope", "")).split()))
        self._remember(authorization, caller, seconds_left=claims["exp"] - SystemClock().now().timestamp())
        return caller

    def _verify(self, token: str) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                self._key(token),
                algorithms=list(ALGORITHMS),
                audience=self._settings.jwt_audience,
                issuer=self._settings.jwt_issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": list(REQUIRED)},
            )
        except jwt.PyJWKClientConnectionError as error:
            raise Busy("The keys that tokens are signed with can't be fetched.") from error
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"The token is not accepted: {error}.") from error

    def _key(self, token: str) -> PyJWK:
        if self._remote:
            return self._remote.get_signing_key_from_jwt(token)
        key = self._keys.get(str(jwt.get_unverified_header(token).get("kid")))
        if key is None:
            raise Unauthenticated("The token is signed with a key that is not known here.")
        return key

    def _remember(self, authorization: str, caller: Caller, *, seconds_left: float) -> None:
        if len(self._remembered) >= REMEMBERED:
            self._remembered.clear()
        self._remembered[authorization] = (time.monotonic() + min(REMEMBER_SECONDS, seconds_left), caller)


def _read_keys(path: Path) -> dict[str, PyJWK]:
    keys = PyJWKSet.from_dict(json.loads(path.read_text(encoding="utf-8")))
    return {str(key.key_id): key for key in keys.keys}
