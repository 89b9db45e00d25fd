"""The page: self-contained, exact, and safe whatever the names say."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from shared.reports.page import CampaignRow, Check, PageData, RefusalRow, Timing, amount, money, number, render, share
from tests.unit.reports.builders import campaign_row, dry_row, page_data

HOSTILE = "<script>alert('x')</script>\"&<b>"


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def seen(html: str) -> Seen:
    parser = Seen()
    parser.feed(html)
    parser.close()
    return parser


def svgs(html: str) -> list[ET.Element]:
    return [ET.fromstring(found) for found in re.findall(r'<svg class="chart.*?</svg>', html, re.DOTALL)]


def test_asks_nothing_of_the_network_and_runs_nothing() -> None:
    html = render(page_data())

    found = seen(html)
    assert not {"script", "iframe", "object", "embed", "img", "form"} & set(found.tags)
    assert {value for name, value in found.attributes if name in {"src", "href"}} == {"#checks", "data:,"}
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert "url(" not in html
    assert "@import" not in html
    assert "http" not in html


@pytest.mark.parametrize(
    "data",
    [
        page_data(title=HOSTILE, summary=HOSTILE, made_up=(HOSTILE,)),
        page_data(campaigns=(campaign_row(name=HOSTILE, state=HOSTILE), campaign_row(currency="EUR", name=HOSTILE))),
        page_data(checks=(Check(name=HOSTILE, ok=False, detail=HOSTILE),)),
        page_data(refusals=(RefusalRow(code=HOSTILE, sentence=HOSTILE, count=1),)),
        page_data(timings=(Timing(step=HOSTILE, seconds=1, note=HOSTILE),)),
    ],
)
def test_escapes_hostile_words_in_text_and_charts(data: PageData) -> None:
    html = render(data)

    assert "<script" not in html.lower()
    assert "<b>" not in html
    assert "&lt;script&gt;alert" in html.lower()
    svgs(html)  # every chart is still well-formed


def test_every_chart_is_named_and_described_for_those_who_cannot_see_it() -> None:
    charts = svgs(render(page_data()))

    assert len(charts) == 3 + 27
    ids = [element.attrib["id"] for chart in charts for element in chart if element.tag in {"title", "desc"}]
    assert len(set(ids)) == 2 * len(charts)
    for chart in charts:
        assert chart.attrib["role"] == "img"
        assert chart.attrib["aria-labelledby"].split() == [chart[0].attrib["id"], chart[1].attrib["id"]]
        assert chart[0].text
        assert chart[1].text


def test_says_how_many_checks_failed() -> None:
    checks = (Check(name="Holds", ok=True, detail="1 of 1"), Check(name="Breaks", ok=False, detail="0 of 1"))

    text = seen(render(page_data(checks=checks))).text

    assert "1 of 2 checks failed" in text
    assert "Breaks failed 0 of 1" in text
    assert "Holds holds 1 of 1" in text


def test_marks_where_a_budget_ran_dry() -> None:
    html = render(page_data(campaigns=(dry_row(), campaign_row())))

    dry, wet = svgs(html)[1:3]
    assert [element.text for element in dry if element.tag == "text" and element.attrib["class"] == "dry"] == ["ran dry"]
    assert "Ran dry on" in (dry[1].text or "")
    assert not [element for element in wet if element.attrib.get("class") == "dry"]


def test_shows_each_currency_with_its_own_digits() -> None:
    rows = (campaign_row(), campaign_row(currency="JPY", approved_minor=1_234_567))

    text = seen(render(page_data(campaigns=rows))).text

    assert "Amounts in the currency of each campaign." in text
    assert "1,234,567 " in text
    assert "12,000.00" in text


def test_adds_up_the_campaigns_of_one_currency() -> None:
    text = seen(render(page_data(campaigns=(campaign_row(), campaign_row())))).text

    assert "Amounts in USD." in text
    assert "All 24,000.00 0.00 16,225.00" in text


def test_says_that_books_are_out_of_balance() -> None:
    balance = page_data().balance
    assert "out of balance" not in render(page_data())
    assert "out of balance" in render(page_data(balance=balance[1:]))


def test_greets_an_empty_platform() -> None:
    empty = PageData(title="Nothing yet", summary="A new platform.", as_of=datetime(2026, 1, 1, tzinfo=UTC))

    found = seen(render(empty))

    assert "No campaigns yet" in found.text
    assert "table" not in found.tags
    assert "checks" not in found.text


def test_a_campaign_without_budget_or_spending_has_a_flat_line() -> None:
    row: CampaignRow = campaign_row(approved_minor=0, spent_minor=0, left_minor=0, burn=())

    html = render(page_data(campaigns=(row,)))

    assert "Approved 0.00 USD, spent 0.00 USD, left 0.00 USD." in html


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123_456_789, "USD", "1,234,567.89 USD"),
        (-5, "USD", "\N{MINUS SIGN}0.05 USD"),
        (1_000, "JPY", "1,000 JPY"),
        (1_000, "BHD", "1.000 BHD"),
    ],
)
def test_money_is_written_exactly(minor: int, currency: str, text: str) -> None:
    assert money(minor, currency) == text
    assert amount(minor, currency) + f" {currency}" == text


def test_shares_have_as_many_digits_as_help() -> None:
    assert [share(part, 10_000) for part in (0, 3, 240, 6_100, 10_000)] == ["0 %", "0.03 %", "2.4 %", "61 %", "100 %"]
    assert share(1, 0) == "\N{EN DASH}"
    assert number(1_234_567) == "1,234,567"
