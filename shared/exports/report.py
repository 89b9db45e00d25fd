"""The signed report of a file: what was scanned for what, and what was found. A JWT (RFC 7519), signed with Ed25519."""

from collections.abc import Sequence
from typing import Any, Final

import jwt

from shared.exports.guard import Guard
from shared.exports.keys import ALGORITHM, Keys
from shared.exports.model import Export, Part
from shared.kernel.errors import Invalid
from shared.kernel.ids import EXPORT

REPORT: Final = ".report.jwt"
ISSUER: Final = "clo exports"


class NotAReport(Invalid):
    """This is no report that was signed with this key."""

    code = "not_a_report"


def sign(export: Export, parts: Sequence[Part], guard: Guard, keys: Keys) -> bytes:
    """The report of an export at its end, signed."""
    said: dict[str, Any] = {
        "iss": ISSUER,
        "export_id": EXPORT.render(export.export_id),
        "partner": export.partner,
        "name": str(export.file_name),
        "state": export.state.value,
        "sha256": export.sha256,
        "bytes": export.size,
        "records": export.records,
        "withheld": dict(export.withheld),
        "token_key": export.token_key,
        "guard": {"searched_for": guard.names, "version": guard.version},
        "scanned": [{"part": part.number, "records": part.totals.count, "bytes": part.size} for part in parts],
        "found": [{"path": problem.path, "message": problem.message} for problem in export.problems],
    }
    return jwt.encode(said, keys.signing, algorithm=ALGORITHM, headers={"kid": keys.signing_id}).encode()


def verify(report: bytes, keys: Keys) -> dict[str, Any]:
    """What a report says. Raises NotAReport where it was not signed with this key, or was changed since."""
    try:
        said: dict[str, Any] = jwt.decode(
            report, keys.signing.public_key(), algorithms=[ALGORITHM], issuer=ISSUER, options={"require": ["iss", "export_id", "name"]}
        )
    except (jwt.PyJWTError, ValueError) as error:
        raise NotAReport from error
    return said
