"""Typed ids: a UUID inside, a readable prefix outside (`cmp_0192...`). Who starts a thing makes its id."""

import os
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

PERSON: Final = b"clo"
MARKS: Final = 0xF << 76 | 0b11 << 62
VERSION_8: Final = 0x8 << 76 | 0b10 << 62
HEX_DIGITS: Final = 32


@dataclass(frozen=True, slots=True)
class Prefix:
    """How one kind of id is written on the wire: the prefix, an underscore, 32 hexadecimal digits."""

    prefix: str

    def render(self, value: UUID) -> str:
        """Write an id for the outside."""
        return f"{self.prefix}_{value.hex}"

    def parse(self, text: object) -> UUID:
        """Read an id from the outside; an error says what shape it must have."""
        if isinstance(text, UUID):
            return text
        prefix, _, body = text.partition("_") if isinstance(text, str) else ("", "", "")
        if prefix != self.prefix or len(body) != HEX_DIGITS or not set(body) <= set("0123456789abcdef"):
            raise PydanticCustomError("id", "must be {prefix}_ and 32 hexadecimal digits", {"prefix": self.prefix})
        return UUID(body)

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(self.render, when_used="json"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{self.prefix}_[0-9a-f]{{{HEX_DIGITS}}}$"}


CAMPAIGN = Prefix("cmp")
BUDGET_REQUEST = Prefix("bud")
OFFER = Prefix("off")
SEGMENT = Prefix("seg")
GRANT = Prefix("grn")
REDEMPTION = Prefix("rdm")
POSTING = Prefix("pst")
CREDIT = Prefix("crd")
CORRECTION = Prefix("cor")
CLAIM = Prefix("clm")
DROP = Prefix("drp")
EXPORT = Prefix("exp")
EVENT = Prefix("evt")
LETTER = Prefix("ltr")

CampaignId = Annotated[UUID, CAMPAIGN]
BudgetRequestId = Annotated[UUID, BUDGET_REQUEST]
OfferId = Annotated[UUID, OFFER]
SegmentId = Annotated[UUID, SEGMENT]
GrantId = Annotated[UUID, GRANT]
RedemptionId = Annotated[UUID, REDEMPTION]
PostingId = Annotated[UUID, POSTING]
CreditId = Annotated[UUID, CREDIT]
CorrectionId = Annotated[UUID, CORRECTION]
ClaimId = Annotated[UUID, CLAIM]
DropId = Annotated[UUID, DROP]
ExportId = Annotated[UUID, EXPORT]
EventId = Annotated[UUID, EVENT]
LetterId = Annotated[UUID, LETTER]


def new_id(now: datetime) -> UUID:
    """A UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random bits, so that ids sort by their birth."""
    millis = int(now.timestamp() * 1000)
    random = int.from_bytes(os.urandom(10), "big")
    high, low = random >> 68, random & ((1 << 62) - 1)
    return UUID(int=(millis << 80) | (7 << 76) | (high << 64) | (2 << 62) | low)


def derived_id(*parts: object) -> UUID:
    """The one id that follows from its parts (UUIDv8 of their BLAKE2b hash): the same parts always give the same id."""
    digest = blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16, person=PERSON).digest()
    return UUID(int=int.from_bytes(digest, "big") & ~MARKS | VERSION_8)
