"""What looks like contact data or a card number is not shown; moments, amounts and ids are."""

import pytest

from shared.kernel.personal import hidden, hide


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("write to anna.b+x@mail.example.org now", "write to [e-mail address] now"),
        ("call +49 30 1234567 now", "call [phone number] now"),
        ("call +4930123456789", "call [phone number]"),
        ("call 030 1234567", "call [phone number]"),
        ("call (030) 1234567", "call [phone number]"),
        ("call 555-123-4567", "call [phone number]"),
        ("call (555) 123-4567", "call [phone number]"),
        ("card 4111 1111 1111 1111", "card [card number]"),
    ],
)
def test_is_hidden(text: str, shown: str) -> None:
    assert hide(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-15T12:00:00Z",
        "2026-01-15 12:00:00.123456+00:00",
        "evt_019bc186de0076abba111158176aa45b",
        "basket-26984851472",
        "amount 123456789",
        "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01",
        "partition:3/offset:42",
        "12.34 USD of 0.05",
        "@home",
    ],
)
def test_is_shown(text: str) -> None:
    assert hide(text) == text


def test_values_of_any_depth_are_hidden() -> None:
    told = {"a@b.example": [{"phone": "+49 30 1234567", "card": 4111111111111111, "amount": 1500, "none": None, "yes": True}]}
    assert hidden(told) == {
        "[e-mail address]": [{"phone": "[phone number]", "card": "[card number]", "amount": 1500, "none": None, "yes": True}]
    }
