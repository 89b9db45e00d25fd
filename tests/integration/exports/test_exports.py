"""Files for partners: what is in them, what is not, and that the next one begins where the last acknowledged one ended."""

from datetime import timedelta

import pytest

from shared.exports import planning
from shared.exports.due import OnItsWay
from shared.files.lake_store import add_parts
from tests.conftest import NOW
from tests.integration.exports.office import Office, bought


def test_purchases_leave_as_tokens_with_totals_manifest_and_report(office: Office) -> None:
    office.customers("cust-1", "cust-2")
    office.keep("a", bought(1, amount=1234), bought(2, at=NOW + timedelta(seconds=61), city="Saint-Étienne, Loire"))
    view = office.send()
    first, second = office.rows(view)
    tokens = office.tokens()
    assert (first["transaction_id"], first["amount"], first["at"]) == ("t1", "1234", "2026-01-15T12:00:00Z")
    assert (first["customer_id"], first["card_token"]) == (tokens.one("cust-1", "customer"), tokens.one("card-1", "card"))
    assert (second["at"], second["city"]) == ("2026-01-15T12:01:01Z", "Saint-Étienne, Loire")
    assert (view.state, view.records, view.parts, view.parts_written) == ("written", 2, 1, 1)
    manifest = office.manifest(view)
    assert (manifest["record_count"], manifest["sums"], manifest["token_key"]) == (2, {"USD": "2734"}, "tokens-1")
    assert (manifest["first_event_at"], manifest["sha256_plain"]) == ("2026-01-15T12:00:00Z", view.sha256)
    report = office.report(view)
    assert (report["state"], report["sha256"], report["found"]) == ("written", view.sha256, [])
    assert report["guard"]["searched_for"] == ["card number", "e-mail address", "phone number", "name of the portfolio"]
    assert [part["records"] for part in report["scanned"]] == [2]
    assert office.text(view.name).decode().splitlines()[-1] == f"T,2,{manifest['entry_hash']},USD:2734"
    assert b"cust-1" not in office.text(view.name)
    assert office.left() == []
    assert office.moved() == ["written"]


def test_who_gave_no_consent_or_is_never_to_be_targeted_or_is_unknown_is_left_out(office: Office) -> None:
    office.customers("cust-1")
    office.customers("cust-2", consent=False)
    office.customers("cust-3", do_not_target=True)
    office.keep("a", *(bought(number) for number in (1, 2, 3, 4)), bought(5, customer_id=None))
    view = office.send()
    assert office.ids(view) == ["t1"]
    assert view.withheld == {"no consent, or never to be targeted": 3, "nobody is known to hold the card": 1}
    assert office.report(view)["withheld"] == view.withheld


def test_what_is_left_out_is_not_searched(office: Office) -> None:
    office.customers("cust-1")
    office.customers("cust-2", consent=False)
    office.keep("a", bought(1), bought(2, city="jo@example.com"))
    assert office.ids(office.send()) == ["t1"]


def test_consent_is_asked_of_who_held_the_card_where_a_purchase_names_nobody(office: Office) -> None:
    office.customers("cust-1")
    office.customers("cust-2", consent=False)
    with office.make().transaction() as tx:
        for number in (1, 2):
            tx.connection.execute(
                "INSERT INTO cards (card_token, valid_from, customer_id, recorded_at) VALUES (%s, %s, %s, %s)",
                (f"card-{number}", NOW - timedelta(days=9), f"cust-{number}", NOW - timedelta(days=9)),
            )
    office.keep("a", *(bought(number, customer_id=None) for number in (1, 2)))
    [row] = office.rows(office.send())
    assert (row["transaction_id"], row["customer_id"]) == ("t1", office.tokens().one("cust-1", "customer"))


def test_tokens_of_two_partners_and_of_two_keys_differ(office: Office) -> None:
    said = {
        office.tokens(partner, key).one("cust-1", of)
        for partner in ("a", "b")
        for key in ("tokens-1", "tokens-2")
        for of in ("customer", "card")
    }
    assert len(said) == 8


def test_a_delta_begins_where_the_last_acknowledged_file_ended(office: Office) -> None:
    office.customers("cust-1", "cust-2", "cust-3")
    office.keep("b", bought(2))
    first = office.send()
    office.keep("a", bought(1))  # its name sorts before what was sent
    with pytest.raises(OnItsWay):
        office.ask()
    office.answer(first)
    second = office.send()
    assert (office.ids(first), office.ids(second)) == (["t2"], ["t1"])
    office.answer(second, outcome="rejected", problems=["disk full"])
    office.keep("c", bought(3))
    third = office.send()
    assert office.ids(third) == ["t1", "t3"]
    office.answer(third)
    assert office.ids(office.send()) == []
    states = {view.name: view.state for view in office.views()}
    assert [state for _, state in sorted(states.items())] == ["acknowledged", "rejected", "acknowledged", "written"]
    assert office.place.query("SELECT count(*)::int AS items FROM export_items") == [{"items": 0}]


def test_a_full_file_has_everything_and_the_delta_after_it_what_is_new(office: Office) -> None:
    office.customers("cust-1", "cust-2")
    office.keep("a", bought(1))
    office.answer(office.send())
    office.keep("b", bought(2))
    full = office.send(scope="full")
    assert (office.ids(full), full.name.rsplit("_", 2)[1]) == (["t1", "t2"], "full")
    office.answer(full)
    assert office.ids(office.send()) == []


def test_what_commits_late_is_in_the_next_delta(office: Office) -> None:
    office.customers("cust-1", "cust-2")
    office.keep("b", bought(2))
    late = office.lay("a", bought(1))
    with office.make().transaction() as slow:
        add_parts(slow, [late])
        first = office.send()
        office.answer(first)
    assert (office.ids(first), office.ids(office.send())) == (["t2"], ["t1"])


def test_parts_are_written_side_by_side_and_stand_in_order(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "PART_RECORDS", 3)
    office.customers(*(f"cust-{number}" for number in range(10)))
    for number in range(5):
        office.keep(f"p{number}", bought(2 * number), bought(2 * number + 1))
    view = office.send()
    assert (view.parts, view.records) == (5, 10)
    assert office.ids(view) == [f"t{number}" for number in range(10)]
    assert len(office.report(view)["scanned"]) == 5


def test_a_file_with_nothing_new_says_so(office: Office) -> None:
    view = office.send()
    assert (view.records, office.ids(view), office.manifest(view)["record_count"]) == (0, [], 0)
    assert office.text(view.name).decode().splitlines()[-1] == "T,0,0000000000,"


def test_hostile_cells_are_text_and_numbers_stay_numbers(office: Office) -> None:
    office.customers("cust-1")
    hostile = ["=1+1", "+cmd", "-2", "@SUM(A1)", "\tx", "\rx", 'a"b', "a,b", "a\nb", "plain"]
    office.keep("a", *(bought(1, transaction_id=f"t{number}", city=city, amount=-5) for number, city in enumerate(hostile)))
    rows = office.rows(office.send())
    assert [row["city"] for row in rows] == [f"'{city}" if city[0] in "=+-@\t\r" else city for city in hostile]
    assert {row["amount"] for row in rows} == {"-5"}


HITS = [
    ("card number", "4111 1111 1111 1111"),
    ("card number", "x4111111111111111"[1:]),
    ("card number", "٤١١١١١١١١١١١١١١١"),
    ("e-mail address", "Jo <jo.doe@example.com>"),
    ("e-mail address", "jo%40example.com"),
    ("phone number", "call +1 (212) 555-0123"),
    ("phone number", "SHOP 888-555-0123 WA"),
    ("phone number", "030 / 1234 5678"),
    ("name of the portfolio", "FIRST-SAMPLE BANK Main St"),
    ("name of the portfolio", "firstsamplebank"),
]


@pytest.mark.parametrize(("rule", "text"), HITS, ids=lambda part: part)
def test_what_may_not_leave_refuses_the_whole_file(office: Office, monkeypatch: pytest.MonkeyPatch, rule: str, text: str) -> None:
    monkeypatch.setattr(planning, "PART_RECORDS", 1)
    office.customers("cust-1", "cust-2", "cust-3")
    for number in (1, 2, 3):
        office.keep(f"p{number}", bought(number, city=text if number == 2 else "Paris"))
    view = office.send()
    assert view.state == "refused"
    assert [(problem.path, problem.message) for problem in view.problems] == [("/parts/2/lines/1", f"{rule} found: it may not leave")]
    assert office.seen() == [f"{view.name}.report.jwt"]
    report = office.report(view)
    assert (report["state"], report["found"]) == ("refused", [problem.model_dump() for problem in view.problems])
    assert text not in str(report)
    assert (office.left(), office.moved()) == ([], ["refused"])


@pytest.mark.parametrize(
    "text", ["2026-01-15", "12.50", "0123456789", "SHOP @HOME", "4111 1111 1111 1112", "First National Bank", "555-0123"]
)
def test_what_only_looks_like_it_may_leave(office: Office, text: str) -> None:
    office.customers("cust-1")
    office.keep("a", bought(1, city=text))
    assert office.send().state == "written"


def test_what_was_refused_is_in_the_next_delta_once_it_is_mended(office: Office) -> None:
    office.customers("cust-1")
    office.keep("a", bought(1, city="First Sample Bank"))
    assert office.send().state == "refused"
    office.partners(
        {
            "partner": "agg-one",
            "token_key": "tokens-1",
            "answers": "inbox/agg-one",
            "feeds": [{"kind": "transactions", "layout": "partner-transactions-csv"}],
        },
        portfolio=("Another Bank",),
    )
    assert office.ids(office.send()) == ["t1"]
