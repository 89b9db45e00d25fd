"""Heads of chains as they are written down and read again."""

from typing import Annotated

from pydantic import Field

from shared.kernel.ids import CampaignId
from shared.kernel.wire import Wire
from shared.ledger.chain import Head


class HeadView(Wire):
    """The last seal of a campaign's chain: its number, and its hash in hexadecimal digits."""

    campaign_id: CampaignId
    seal: Annotated[int, Field(ge=1)]
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

    @classmethod
    def of(cls, head: Head) -> "HeadView":
        """Show a head."""
        return cls(campaign_id=head.campaign_id, seal=head.number, hash=head.hash.hex())

    def head(self) -> Head:
        """The head that is shown."""
        return Head(campaign_id=self.campaign_id, number=self.seal, hash=bytes.fromhex(self.hash))


class Heads(Wire):
    """Heads of chains, to be kept where nobody who can write to the database can write."""

    heads: list[HeadView]
