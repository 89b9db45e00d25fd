"""Reason codes: the one vocabulary in which every decision about cashback is explained."""

from typing import Final

from shared.kernel.vocabulary import Vocabulary


class Reason(Vocabulary):
    """Why a purchase earned nothing, or otherwise than before."""

    @classmethod
    def of(cls, code: str) -> "Reason":
        """The reason of a code; raises KeyError where there is none."""
        return BY_CODE[code]

    NOT_TARGETED = (
        "not_targeted",
        "The customer holds no grant of this offer that was given by the time of the purchase.",
        "This offer was not made to you.",
    )
    HELD_OUT = (
        "held_out",
        "The customer belongs to the campaign's random hold-out group and gets no grant.",
        "This offer was not made to you.",
    )
    GRANT_EXPIRED = ("grant_expired", "The grant's life had ended when the purchase was made.", "The offer had run out.")
    GRANT_REVOKED = ("grant_revoked", "The grant had been taken back when the purchase was made.", "The offer had ended.")
    CONSENT_WITHDRAWN = (
        "consent_withdrawn",
        "The customer's consent did not stand when the purchase was made.",
        "You had opted out of offers.",
    )
    NOT_ACTIVATED = (
        "not_activated",
        "The offer asks for an activation and the grant was never activated.",
        "You had not activated the offer.",
    )
    ACTIVATED_AFTER_PURCHASE = (
        "activated_after_purchase",
        "The grant was activated only after the purchase was made.",
        "You activated the offer after you had paid.",
    )
    OUTSIDE_WINDOW = (
        "outside_window",
        "The purchase was made before the offer's window opened or after it closed, in the window's own time zone.",
        "The purchase was outside the offer's dates.",
    )
    OUTDONE = (
        "outdone",
        "Another offer of the same stacking group pays for the purchase: one of a higher priority, or one that pays more.",
        "Another offer, which comes first or pays more, paid for this purchase.",
    )
    DATE_EXCLUDED = (
        "date_excluded",
        "The purchase was made on one of the dates that the offer leaves out, in the window's own time zone.",
        "The offer did not hold on that date.",
    )
    DAY_EXCLUDED = (
        "day_excluded",
        "The purchase was made on a day of the week that is not among the offer's, in the window's own time zone.",
        "The offer does not hold on that day of the week.",
    )
    TIME_EXCLUDED = (
        "time_excluded",
        "The purchase was made at a time of day that is not among the offer's, in the window's own time zone.",
        "The offer does not hold at that time of day.",
    )
    LATE_POSTING = (
        "late_posting",
        "The purchase was made in time, but recorded only after the window and the tail that the offer allows for late postings.",
        "The purchase reached us too late to count.",
    )
    WITHDRAWN = ("withdrawn", "The offer had been withdrawn when the purchase was made.", "The offer had ended.")
    PAUSED = ("paused", "The campaign was paused when the purchase was made.", "The offer was paused.")
    CANCELLED = ("cancelled", "The campaign had been cancelled when the purchase was made.", "The offer had ended.")
    CURRENCY_MISMATCH = (
        "currency_mismatch",
        "The purchase was billed in another currency than the offer's.",
        "The purchase was in a currency that the offer does not cover.",
    )
    NOT_NEW = (
        "not_new",
        "The customer had bought what the offer is about in the time before the grant in which new customers have not.",
        "The offer is for new customers.",
    )
    NOT_LAPSED = (
        "not_lapsed",
        "The customer had bought what the offer is about shortly before the grant, or never before it.",
        "The offer is for customers who had not bought for a while.",
    )
    MERCHANT_NOT_IN_SCOPE = (
        "merchant_not_in_scope",
        "The merchant is not among the offer's merchants, or is excluded.",
        "The shop does not take part in the offer.",
    )
    MERCHANT_UNKNOWN = (
        "merchant_unknown",
        "What the purchase says of its merchant is no name of any merchant at its moment.",
        "We could not tell which shop the purchase was made at.",
    )
    MERCHANT_AMBIGUOUS = (
        "merchant_ambiguous",
        "What the purchase says of its merchant is a name of several merchants at its moment.",
        "We could not tell which shop the purchase was made at.",
    )
    BRAND_NOT_IN_SCOPE = (
        "brand_not_in_scope",
        "The merchant's brand is unknown or not among the offer's, or is excluded.",
        "This brand does not take part in the offer.",
    )
    LOCATION_NOT_IN_SCOPE = (
        "location_not_in_scope",
        "The location is not among the offer's locations, or is excluded.",
        "This branch does not take part in the offer.",
    )
    NETWORK_MERCHANT_NOT_IN_SCOPE = (
        "network_merchant_not_in_scope",
        "The card network's merchant id is unknown or not among the offer's, or is excluded.",
        "The shop does not take part in the offer.",
    )
    MCC_NOT_IN_SCOPE = (
        "mcc_not_in_scope",
        "The merchant category code is not among the offer's, or is excluded.",
        "This kind of shop does not take part in the offer.",
    )
    CHANNEL_NOT_IN_SCOPE = (
        "channel_not_in_scope",
        "The channel of the purchase is unknown or not among the offer's, or is excluded.",
        "The offer does not cover purchases made in this way.",
    )
    COUNTRY_NOT_IN_SCOPE = (
        "country_not_in_scope",
        "The country of the purchase is unknown or not among the offer's, or is excluded.",
        "The offer does not hold in the country of the purchase.",
    )
    REGION_NOT_IN_SCOPE = (
        "region_not_in_scope",
        "The region of the purchase is unknown or not among the offer's, or is excluded.",
        "The offer does not hold in the region of the purchase.",
    )
    CARD_PRODUCT_NOT_IN_SCOPE = (
        "card_product_not_in_scope",
        "The card product is unknown or not among the offer's, or is excluded.",
        "The offer does not hold for the card that you paid with.",
    )
    PRODUCT_NOT_IN_SCOPE = (
        "product_not_in_scope",
        "No item of the basket is among the offer's products, or all that are stand excluded.",
        "Nothing you bought is part of the offer.",
    )
    AMOUNT_BELOW_THRESHOLD = (
        "amount_below_threshold",
        "The qualifying amount did not reach the threshold in this one purchase.",
        "The purchase was below the offer's minimum.",
    )
    AMOUNT_ABOVE_MAXIMUM = (
        "amount_above_maximum",
        "The qualifying amount of this one purchase is above the most that the offer takes.",
        "The purchase was above the offer's maximum.",
    )
    PROGRESS_BELOW_THRESHOLD = (
        "progress_below_threshold",
        "The purchase counts; the running sum has not reached the threshold yet, or there have not been enough visits.",
        "The purchase counts towards the offer; you are not there yet.",
    )
    NOTHING_TO_REWARD = ("nothing_to_reward", "The reward rounds to nothing.", "The purchase is too small to earn cashback.")
    DECLINED = (
        "declined",
        "The authorisation of the purchase was declined, and nothing of it has cleared.",
        "The purchase was declined.",
    )
    REVERSED = (
        "reversed",
        "The authorisation of the purchase was taken back, and nothing of it has cleared.",
        "The purchase was cancelled.",
    )
    AUTHORIZATION_EXPIRED = (
        "authorization_expired",
        "The authorisation of the purchase was not cleared in time.",
        "The purchase was never charged.",
    )
    REFUNDED = ("refunded", "So much was refunded that nothing is left to reward.", "The purchase was refunded.")
    ALREADY_COMPLETED = (
        "already_completed",
        "The grant completes once and was completed by an earlier purchase.",
        "You have already used this offer.",
    )
    CUSTOMER_LIMIT_REACHED = (
        "customer_limit_reached",
        "The customer has had as many redemptions, or as much reward, of this offer as its limits allow.",
        "You have already had the most that this offer gives.",
    )
    PERIOD_LIMIT_REACHED = (
        "period_limit_reached",
        "The customer has had as many redemptions of this offer as it allows in the period of the purchase.",
        "You have already had the most that this offer gives for now.",
    )
    OFFER_LIMIT_REACHED = (
        "offer_limit_reached",
        "The offer has had as many redemptions in total as its limits allow.",
        "The offer has been used up.",
    )
    ACCOUNT_LIMIT_REACHED = (
        "account_limit_reached",
        "The card account, of whichever customer, has had as much reward of this offer as its limits allow.",
        "Your account has already had the most that this offer gives.",
    )
    DAY_BUDGET_EXHAUSTED = (
        "day_budget_exhausted",
        "What the offer gives on one day, in its window's time zone, could not cover this reward when it was admitted.",
        "The offer has been used up for the day.",
    )
    MONTH_BUDGET_EXHAUSTED = (
        "month_budget_exhausted",
        "What the offer gives in one month, in its window's time zone, could not cover this reward when it was admitted.",
        "The offer has been used up for the month.",
    )
    MERCHANT_BUDGET_EXHAUSTED = (
        "merchant_budget_exhausted",
        "What the offer gives for purchases at one merchant could not cover this reward when it was admitted.",
        "The offer has been used up at this shop.",
    )
    BUDGET_EXHAUSTED = (
        "budget_exhausted",
        "The campaign's approved budget could not cover this reward when it was admitted.",
        "The offer has been used up.",
    )
    REVISED = ("revised", "Later history changed what the purchase earns; the difference was posted.", "Your cashback was corrected.")
    CORRECTED = (
        "corrected",
        "Two people corrected what the purchase earns; the difference was posted.",
        "Your cashback was corrected.",
    )
    NO_PURCHASE_TO_REFUND = (
        "no_purchase_to_refund",
        "The refund names no purchase, and none of this customer, card, merchant and currency before it is known.",
        "The refund could not be matched with a purchase.",
    )
    REFUND_ABOVE_PURCHASE = (
        "refund_above_purchase",
        "The refund names no purchase, and of none that it could be for is as much left as it gives back.",
        "The refund could not be matched with a purchase.",
    )
    CARD_UNKNOWN = (
        "card_unknown",
        "As far as is known the card was nobody's at the moment of the purchase; it waits until the bank tells whose the card was.",
        "The purchase could not be matched with a customer.",
    )
    REFUND_NOT_OURS = (
        "refund_not_ours",
        "Somebody looked into the refund: it is for no purchase that concerns us.",
        "The refund is for another purchase.",
    )
    TRANSACTION_ID_REUSED = (
        "transaction_id_reused",
        "Another transaction with the same id and other content was taken before; this one was set aside.",
        "The purchase could not be read.",
    )


BY_CODE: Final = {reason.code: reason for reason in Reason}
