"""What crosses a border (HTTP, events, stored JSON): strict, frozen, closed to unknown fields."""

from datetime import datetime
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from shared.kernel.money import MAX_MINOR
from shared.kernel.reasons import Reason


class Wire(BaseModel):
    """Base of every shape on the wire: exact types, no unknown fields, never changed once made."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class Csv(Wire):
    """An answer that is sent as `text/csv` (RFC 4180, with a header), in place of JSON."""

    text: str


class ReasonView(Wire):
    """A reason code with its sentences."""

    code: str
    support: str
    customer: str

    @classmethod
    def of(cls, reason: Reason) -> Self:
        """A reason as it is told."""
        return cls(code=reason.code, support=reason.support, customer=reason.customer)


def _in_one_voice(schema: CoreSchema, message: str) -> CoreSchema:
    """One verdict with one place, and in words, where the parts of a schema would each tell of themselves."""
    return core_schema.custom_error_schema(schema, custom_error_type="amount", custom_error_message=message)


class _WholeOrDecimal:
    """Checked by pydantic's core alone: a batch holds tens of thousands of amounts."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        whole = core_schema.int_schema(strict=True, ge=0, le=MAX_MINOR)
        decimal = core_schema.str_schema(strict=True, pattern=r"^[0-9]{1,13}(\.[0-9]{1,4})?$")
        message = (
            f"must be whole minor units (an integer from 0 to {MAX_MINOR}) or an exact decimal of up to 4 places in a string, never a float"
        )
        return _in_one_voice(core_schema.union_schema([whole, decimal], mode="left_to_right"), message)


class _Whole:
    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return _in_one_voice(
            core_schema.int_schema(strict=True, ge=-MAX_MINOR, le=MAX_MINOR), "must be whole minor units (an integer), never a float"
        )


Minor = Annotated[int, _Whole]
"""Whole minor units of a currency named beside it: 1234 is 12.34 USD."""

Amount = Annotated[int | str, _WholeOrDecimal]
"""A non-negative amount: minor units as an integer (1234), or an exact decimal in major units as a string ("12.34")."""

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217 code."""

ExternalId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
"""An id that the bank or a partner made: 1 to 64 characters of letters, digits, `_ . : -`. Never a card number."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]
"""Words for people: a reason, a name, a message. No control characters but tabs and ends of lines."""

LongText = Annotated[str, StringConstraints(min_length=1, max_length=5000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]
"""Many words for people, such as the small print."""

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]
"""A language (ISO 639-1), where it matters with its country: "en", "en-GB"."""


class Image(Wire):
    """A picture, and what it shows in words, for those who can't see it."""

    url: Annotated[str, StringConstraints(max_length=2000, pattern=r"^https://[!-~]+$")]
    alt: Text


YEARS: Final = range(1900, 3000)


def _reckonable(moment: datetime) -> datetime:
    if moment.year not in YEARS:
        raise PydanticCustomError("moment", "must be a moment of the years {first} to {last}", {"first": YEARS[0], "last": YEARS[-1]})
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_reckonable)]
"""A point in time with its offset (RFC 3339), far from the ends of the calendar: it can be put into any zone and reckoned with."""

VariantName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
"""The name of a variant of an offer, such as "gold"."""

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2 code."""

Region = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A part of a country in the bank's own words, such as "NY"; the same word in merchants, purchases and offers."""

City = Region
"""A town, in any spelling: case, accents and punctuation don't matter where it is compared."""

Mcc = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")]
"""Merchant category code (ISO 18245)."""

Network = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""A card network in the bank's own word, such as "visa"; the same word in merchants and purchases."""

Descriptor = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*[^\W_][^\x00-\x1f\x7f]*$")]
"""What a card statement calls a merchant, such as "SQ *BLUE CUP 0042"; at least one letter or digit."""

PurchaseChannel = Literal["in_store", "online", "app", "pay_at_pump"]
"""How a purchase was made: at the till, on the web, in an app, at the pump."""

BasisPoints = Annotated[int, Field(ge=0, le=10_000)]
"""Hundredths of a per cent: 250 is 2.5 %."""
