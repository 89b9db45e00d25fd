"""A purchase at the very end of the calendar was taken, could not be put into UTC, and held back all purchases of its shard."""

import json

import pytest

from events.payloads import Transaction
from shared.campaigns.api import CampaignWindow
from shared.platform.batches import read_batch
from tests.world import purchase


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "1899-12-31T23:59:59Z", "3000-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"])
def test_a_moment_that_can_not_be_reckoned_with_is_refused(at: str) -> None:
    good = purchase("good").model_dump(mode="json")
    batch = read_batch(json.dumps({"transactions": [good | {"at": at}, good]}).encode(), "transactions", Transaction, 10)
    assert [(rejected.index, [problem.path for problem in rejected.problems]) for rejected in batch.rejected] == [
        (0, ["/transactions/0/at"])
    ]
    assert [index for index, _ in batch.accepted] == [1]


@pytest.mark.parametrize(("start", "end"), [("0001-01-01", "2026-01-01"), ("2026-01-01", "9999-12-31")])
def test_a_campaign_lies_in_years_that_can_be_reckoned_with(start: str, end: str) -> None:
    with pytest.raises(ValueError, match="must lie in the years 1970 to 2199"):
        CampaignWindow(start=start, end=end, zone="Pacific/Kiritimati")
