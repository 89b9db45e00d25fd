"""Bulk input goes where the settings say: past the outbox on Kafka, into it on the embedded bus."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from pydantic import ValidationError

from events.payloads import ImpressionsLogged, TransactionsPosted
from shared.impressions.service import log_impressions
from shared.kernel.clock import SystemClock
from shared.kernel.wire import Wire
from shared.platform import outbox
from shared.platform.call import Call
from shared.platform.database import Database
from shared.platform.kafka.straight import StraightToKafka
from shared.platform.local.keys import LocalKeys
from shared.platform.runtime import build_runtime
from shared.platform.settings import Settings
from shared.redemptions.intake import post_transactions
from tests.conftest import MakeCall
from tests.integration.impressions.builders import body, impression, make_offers

PURCHASE = {
    "transaction_id": "t1",
    "customer_id": "c1",
    "at": "2026-01-14T12:00:00Z",
    "currency": "USD",
    "amount": 1000,
    "merchant_id": "m",
}


@pytest.mark.parametrize(
    ("use_case", "raw", "payload"),
    [
        (post_transactions, json.dumps({"transactions": [PURCHASE]}).encode(), TransactionsPosted),
        (log_impressions, body([impression(1)]), ImpressionsLogged),
    ],
)
def test_bulk_input_goes_out_by_the_outlet_for_it(
    call: MakeCall, database: Database, use_case: Callable[[Call, bytes], Wire], raw: bytes, payload: type[Wire]
) -> None:
    make_offers(database)
    sent: list[outbox.Emitted] = []
    use_case(replace(call(), bulk=lambda _connection, emitted, **_: sent.extend(emitted)), raw)
    assert [type(emitted.payload) for emitted in sent] == [payload]
    with database.connection() as connection:
        assert connection.execute("SELECT FROM outbox").fetchall() == []


def test_settings_choose_the_outlet(keys: LocalKeys) -> None:
    def outlet(bootstrap: str | None) -> outbox.Outlet:
        settings = Settings(database_url="postgresql://nobody@127.0.0.1:9/none", jwks=str(keys.jwks), kafka_bootstrap=bootstrap)
        parts = build_runtime(settings, SystemClock())
        parts.threads.shutdown()
        parts.database.close()
        return parts.bulk

    assert outlet(None) is outbox.store
    assert isinstance(outlet("127.0.0.1:9"), StraightToKafka)
    with pytest.raises(ValidationError):
        outlet("nowhere")
