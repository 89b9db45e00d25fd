import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.merchants.descriptors import FACILITATORS, normalised, plain

words = st.text(st.sampled_from("AbÉß7 0#*'.-_No"), min_size=1, max_size=25) | st.text(min_size=1, max_size=25)


@pytest.mark.parametrize(
    ("descriptor", "spelling"),
    [
        ("BLUE CUP", "BLUE CUP"),
        ("Blue  Cup ", "BLUE CUP"),
        ("BLUE-CUP, INC.", "BLUE CUP INC"),
        ("Café Bleu", "CAFE BLEU"),
        ("CAFE\u0301 BLEU", "CAFE BLEU"),
        ("STRASSENCAFÉ", "STRASSENCAFE"),
        ("Straßencafé", "STRASSENCAFE"),
        ("McDonald's", "MCDONALDS"),
        ("MCDONALD\u2019S", "MCDONALDS"),
        ("珈琲店", "珈琲店"),
        ("BLUE CUP 0042", "BLUE CUP"),
        ("BLUE CUP #7", "BLUE CUP"),
        ("BLUE CUP # 7 SEATTLE", "BLUE CUP SEATTLE"),
        ("BLUE CUP NO. 12", "BLUE CUP"),
        ("BLUE CUP F1234", "BLUE CUP"),
        ("BLUE CUP 800-555-0123", "BLUE CUP"),
        ("BLUE CUP STORE 123", "BLUE CUP STORE"),
        ("STUDIO 54", "STUDIO 54"),
        ("FOREVER 21 #0021", "FOREVER 21"),
        ("7-ELEVEN 34567", "7 ELEVEN"),
        ("1800 FLOWERS", "1800 FLOWERS"),
        ("SQ *BLUE CUP", "BLUE CUP"),
        ("sq *Blue Cup", "BLUE CUP"),
        ("SQ*BLUE CUP", "BLUE CUP"),
        ("TST* BLUE CUP - 0042", "BLUE CUP"),
        ("PAYPAL *BLUECUP", "BLUECUP"),
        ("ZETTLE_*BLUE CUP", "BLUE CUP"),
        ("PAYPAL *SQ *BLUE CUP", "BLUE CUP"),
        ("PAYPAL *", "PAYPAL"),
        ("SP BLUE CUP", "SP BLUE CUP"),
        ("SQUARE ONE DINER", "SQUARE ONE DINER"),
        ("AMZN Mktp US*2K4AB1", "AMZN MKTP US 2K4AB1"),
        ("#1 PIZZA", "NO 1 PIZZA"),
        ("***", "***"),
    ],
)
def test_spelling_by_which_a_descriptor_is_matched(descriptor: str, spelling: str) -> None:
    assert normalised(descriptor) == spelling


@pytest.mark.parametrize("facilitator", FACILITATORS)
def test_the_facilitator_that_took_the_payment_does_not_matter(facilitator: str) -> None:
    assert normalised(f"{facilitator} *BLUE CUP") == normalised(f"{facilitator.lower()}*Blue Cup") == "BLUE CUP"


@given(words)
def test_what_is_normalised_stays_as_it_is(descriptor: str) -> None:
    assert normalised(normalised(descriptor)) == normalised(descriptor)
    assert plain(plain(descriptor)) == plain(descriptor)


@given(words)
def test_something_is_always_left_of_it(descriptor: str) -> None:
    assert bool(normalised(descriptor)) == bool(descriptor.strip())


def test_a_town_is_compared_in_capitals_without_accents_and_with_its_numbers() -> None:
    assert plain(" São  Paulo") == plain("SAO-PAULO") == "SAO PAULO"
    assert plain("District 1000") == "DISTRICT 1000"
