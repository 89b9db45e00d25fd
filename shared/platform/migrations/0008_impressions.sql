-- before deploy
-- What customers were shown, each impression once.

CREATE TABLE impressions (
    impression_id text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('served', 'viewed', 'clicked')),
    customer_id text NOT NULL,
    offer_id uuid NOT NULL,
    channel text NOT NULL,
    placement text NOT NULL,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    version integer,
    variant text
);
COMMENT ON COLUMN impressions.version IS 'Of the offer, as it was shown; the variant likewise; NULL where the channel did not say.';
CREATE INDEX impressions_customer ON impressions (customer_id, offer_id, at);

CREATE TABLE impression_counts (
    offer_id uuid NOT NULL,
    channel text NOT NULL,
    placement text NOT NULL,
    kind text NOT NULL,
    hour timestamptz NOT NULL,
    variant text,
    impressions bigint NOT NULL,
    UNIQUE NULLS NOT DISTINCT (offer_id, channel, placement, kind, hour, variant)
);

CREATE TABLE impression_reach (
    offer_id uuid NOT NULL,
    kind text NOT NULL,
    customer_id text NOT NULL,
    channel text NOT NULL,
    variant text,
    UNIQUE NULLS NOT DISTINCT (offer_id, kind, customer_id, channel, variant)
);
COMMENT ON TABLE impression_reach IS
    'Reach is exact: one row for each customer reached, by channel and variant. In key order a customer''s rows lie together, to be counted as one.';
