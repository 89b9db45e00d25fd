"""Resolution codes: what became of a claim for missing cashback."""

from typing import Final

from shared.kernel.vocabulary import Vocabulary


class Resolution(Vocabulary):
    """How a claim was resolved."""

    ACCEPTED = (
        "accepted",
        "The customer is to have the cashback: a correction was asked for, which a second person decides.",
        "You are right: we are looking after your cashback.",
    )
    PAID_ALREADY = (
        "paid_already",
        "The purchase earned cashback, and all of it was credited.",
        "The cashback for this purchase has been credited to your card.",
    )
    ON_ITS_WAY = (
        "on_its_way",
        "The purchase earned cashback that is not credited yet: it has not cleared, is still held, or is not confirmed.",
        "The cashback for this purchase is on its way.",
    )
    NOT_ELIGIBLE = (
        "not_eligible",
        "The purchase earns nothing under the offer's terms; the reason code says why.",
        "This purchase does not earn cashback.",
    )
    PURCHASE_NOT_RECEIVED = (
        "purchase_not_received",
        "The purchase has not reached us. Should it come, it earns by itself what it is due.",
        "The purchase has not reached us yet; once it has, it earns its cashback by itself.",
    )


RESOLUTIONS: Final = {resolution.code: resolution for resolution in Resolution}
"""By code."""
