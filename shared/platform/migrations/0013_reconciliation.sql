-- before deploy
-- What partners say of redemptions, to be held against ours.

CREATE TABLE partner_lines (
    partner text NOT NULL,
    record text NOT NULL CHECK (record IN ('redemptions', 'settlement')),
    reference text NOT NULL,
    redemption_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    currency char(3) NOT NULL,
    at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('confirmed', 'reversed')),
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (partner, record, reference)
);
CREATE INDEX partner_lines_redemption ON partner_lines (redemption_id, partner);
CREATE INDEX partner_lines_at ON partner_lines (partner, at);
COMMENT ON TABLE partner_lines IS 'What a partner says last of each of its references. All that it ever said lies in the lake. Redemptions need not be known.';
