-- before deploy
-- The in-scope history, and what it came to.

CREATE TABLE transactions (
    transaction_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('purchase')),
    sequence integer NOT NULL DEFAULT 0,
    customer_id text NOT NULL,
    at timestamptz NOT NULL,
    amount_minor bigint NOT NULL,
    currency char(3) NOT NULL,
    merchant_id text NOT NULL,
    location_id text,
    mcc char(4),
    zone text,
    brand text,
    network_merchant_id text,
    channel text,
    country char(2),
    region text,
    card_product text,
    tip_minor bigint NOT NULL DEFAULT 0,
    tax_minor bigint NOT NULL DEFAULT 0,
    cash_back_minor bigint NOT NULL DEFAULT 0,
    items text,
    offers uuid[] NOT NULL,
    content_hash bytea NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (transaction_id, kind, sequence)
);
CREATE INDEX transactions_customer ON transactions (customer_id, at);
COMMENT ON TABLE transactions IS 'Only those that fall into the scope of an offer; all others pass by.';
COMMENT ON COLUMN transactions.offers IS 'The offers in whose scope it fell when it came: under these it is history.';
COMMENT ON COLUMN transactions.brand IS 'As the merchants told when it came, as the zone is, and what of MCC, country and region it did not say.';
COMMENT ON COLUMN transactions.items IS 'JSON: [[product code, amount in minor units], ...].';

CREATE TABLE set_aside (
    transaction_id text NOT NULL,
    kind text NOT NULL,
    sequence integer NOT NULL,
    content_hash bytea NOT NULL,
    reason text NOT NULL,
    payload text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (transaction_id, kind, sequence, content_hash)
);
COMMENT ON TABLE set_aside IS 'Transactions that could not be taken, with the reason: nothing is lost.';

CREATE TABLE redemptions (
    redemption_id uuid PRIMARY KEY,
    grant_id uuid NOT NULL,
    ordinal integer NOT NULL CHECK (ordinal >= 1),
    offer_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    customer_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('earned', 'held', 'payable', 'paid', 'reversed', 'rejected')),
    wanted_minor bigint NOT NULL CHECK (wanted_minor >= 0),
    reward_minor bigint NOT NULL CHECK (reward_minor BETWEEN 0 AND wanted_minor),
    paid_minor bigint NOT NULL DEFAULT 0,
    currency char(3) NOT NULL,
    qualifying_minor bigint NOT NULL,
    version integer NOT NULL,
    transaction_id text NOT NULL,
    earned_at timestamptz NOT NULL,
    payable_at timestamptz NOT NULL,
    reason text,
    revision integer NOT NULL,
    recorded_at timestamptz NOT NULL,
    UNIQUE (grant_id, ordinal),
    CHECK (state NOT IN ('rejected', 'reversed') OR reward_minor = 0)
);
CREATE INDEX redemptions_customer ON redemptions (customer_id);
CREATE INDEX redemptions_offer ON redemptions (offer_id);
CREATE INDEX redemptions_due ON redemptions (payable_at) WHERE reward_minor <> paid_minor;
COMMENT ON COLUMN redemptions.wanted_minor IS 'What the history earns; reward_minor is what the budget admitted of it.';
COMMENT ON COLUMN redemptions.earned_at IS 'The moment of the purchase that completed the grant.';

CREATE TABLE offer_totals (
    offer_id uuid PRIMARY KEY,
    redemptions integer NOT NULL CHECK (redemptions >= 0)
);
COMMENT ON TABLE offer_totals IS 'Admitted redemptions of offers that have a limit in total: the row is the lock.';

CREATE TABLE refusal_counts (
    offer_id uuid NOT NULL,
    reason text NOT NULL,
    purchases bigint NOT NULL,
    PRIMARY KEY (offer_id, reason)
);

CREATE TABLE statement_credits (
    credit_id uuid PRIMARY KEY,
    redemption_id uuid NOT NULL REFERENCES redemptions,
    customer_id text NOT NULL,
    campaign_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    instructed_at timestamptz NOT NULL
);
CREATE INDEX statement_credits_redemption ON statement_credits (redemption_id);
