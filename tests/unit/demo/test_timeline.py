from datetime import UTC, date, datetime, timedelta

from demo.journey import Journey
from demo.made_up import Shown
from demo.timeline import END, PER_REQUEST, Batch, Launch, opening, timeline
from tests.unit.demo.builders import AT, a_basket, a_campaign, a_journey, a_showing


def test_a_campaign_opens_at_its_local_midnight() -> None:
    assert opening(a_campaign(first_day=date(2017, 8, 8))) == datetime(2017, 8, 8, 4, tzinfo=UTC)
    assert opening(a_campaign(first_day=date(2017, 12, 28))) == datetime(2017, 12, 28, 5, tzinfo=UTC)


def test_all_that_happened_is_in_it_once_and_in_order(journey: Journey, shown: list[Shown]) -> None:
    parts = list(timeline(journey, shown))
    batches = [part for part in parts if isinstance(part, Batch)]
    assert [basket for batch in batches for basket in batch.baskets] == list(journey.baskets)
    assert [one for batch in batches for one in batch.impressions] == shown
    assert sum(len(part.campaigns) for part in parts if isinstance(part, Launch)) == len(journey.campaigns)
    moments = [part.at if isinstance(part, Launch) else part.until for part in parts]
    assert moments == sorted(moments)


def test_no_batch_reaches_over_the_beginning_of_a_campaign(journey: Journey) -> None:
    begun: set[int] = set()
    for part in timeline(journey, []):
        match part:
            case Launch():
                begun |= {campaign.number for campaign in part.campaigns}
            case Batch():
                assert begun == {c.number for c in journey.campaigns if opening(c) <= part.until}


def test_batches_fit_into_requests_and_end_after_what_they_hold() -> None:
    baskets = tuple(a_basket(n, at=AT + timedelta(seconds=n)) for n in range(PER_REQUEST + 1))
    batches = [p for p in timeline(a_journey(baskets=baskets), [a_showing(at=AT)]) if isinstance(p, Batch)]
    assert [len(batch.baskets) for batch in batches] == [PER_REQUEST, 1]
    assert [len(batch.impressions) for batch in batches] == [1, 0]
    assert baskets[-2].at < batches[0].until < baskets[-1].at
    assert baskets[-1].at < batches[1].until < END
