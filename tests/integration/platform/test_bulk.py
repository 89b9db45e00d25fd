"""Bulk input goes where the settings say: past the outbox on Kafka, into it on the embedded bus."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from pydantic import ValidationError

from events.payloads import ImpressionsLogged, TransactionsPosted
from shared.files import effects
from shared.files.names import Kind
from shared.impressions.service import log_impressions
from shared.kernel.clock import SystemClock
from shared.kernel.ids import derived_id
from shared.kernel.wire import Wire
from shared.platform import outbox
from shared.platform.call import Call
from shared.platform.database import Connected, Database
from shared.platform.kafka.straight import StraightToKafka
from shared.platform.letters import service
from shared.platform.letters.api import Letters
from shared.platform.local.keys import LocalKeys
from shared.platform.runtime import Runtime, build_runtime, install
from shared.platform.settings import Settings
from shared.redemptions.intake import post_transactions
from tests.conftest import MakeCall
from tests.integration.impressions.builders import body, impression, make_offers
from tests.integration.platform.conftest import Ask, event_app, http_app
from tests.integration.platform.test_events import ticked

if TYPE_CHECKING:
    from shared.files.drops import Drop
    from shared.files.layout import Layout
    from shared.platform.call import Transaction

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


def test_what_a_chunk_of_a_file_says_is_bulk(monkeypatch: pytest.MonkeyPatch, call: MakeCall) -> None:
    sent: list[dict[str, Any]] = []
    tx = SimpleNamespace(emit=lambda _payload, **told: sent.append(told))
    layout, drop = SimpleNamespace(kind=Kind.TRANSACTIONS), SimpleNamespace(drop_id=derived_id("drop"))
    monkeypatch.setattr(effects, "EFFECTS", {Kind.TRANSACTIONS: lambda *_: iter([("first", "k1"), ("second", "k2")])})
    effects.publish(call(), cast("Transaction", tx), cast("Layout", layout), cast("Drop", drop), 7, [])
    assert [(told["key"], told["bulk"]) for told in sent] == [("k1", True), ("k2", True)]
    assert len({told["event_id"] for told in sent}) == 2


def test_functions_know_the_outlet_of_their_process(ask: Ask, parts: Runtime) -> None:
    known: list[outbox.Outlet] = []

    def note(call: Call, *_: object, **__: object) -> Letters:
        known.append(call.bulk)
        return Letters(letters=[], next=None)

    def outlet(_connection: Connected, _emitted: Sequence[outbox.Emitted], *, now: datetime, trace: str | None) -> None:
        """Stands for any."""

    install(replace(parts, bulk=outlet))
    assert ask(http_app("manage_dead_letters", service, list_dead_letters=note))("GET", "/v1/dead-letters").status_code == 200
    assert ask(event_app("run_schedule", run_schedule=note)).event(ticked()).status_code == 204
    assert known == [outlet, outlet]


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
