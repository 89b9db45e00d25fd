-- before deploy
-- Customers as the bank's own ids, what is known and allowed of them, their cards, segments, hold-outs and grants.

CREATE TABLE customers (
    customer_id text PRIMARY KEY,
    shard smallint NOT NULL,
    zone text,
    attributes jsonb NOT NULL DEFAULT '{}',
    consent boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    erased_at timestamptz,
    CHECK (erased_at IS NULL OR attributes = '{}' AND NOT consent)
);
COMMENT ON COLUMN customers.erased_at IS 'When all that told of the person went. What money rests on stays under the id.';

CREATE TABLE customer_zones (
    customer_id text NOT NULL REFERENCES customers,
    until timestamptz NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    zone text,
    PRIMARY KEY (customer_id, until, seq)
);
COMMENT ON TABLE customer_zones IS 'The time zones that were known of customers before, each with until when.';

CREATE TABLE consents (
    customer_id text NOT NULL REFERENCES customers,
    at timestamptz NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    given boolean NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, at, seq)
);
COMMENT ON COLUMN consents.seq IS 'Of several at the same moment the last recorded holds.';

CREATE TABLE cards (
    card_token text NOT NULL,
    valid_from timestamptz NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    valid_to timestamptz,
    customer_id text NOT NULL,
    account_token text,
    card_product text,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (card_token, valid_from, seq),
    CHECK (valid_to > valid_from)
);
CREATE INDEX cards_customer ON cards (customer_id);
COMMENT ON TABLE cards IS 'What was said of whose a card is, of which account, and from when. A customer who is not known yet may hold one.';
COMMENT ON COLUMN cards.seq IS 'Of several with the same beginning the last recorded holds.';

CREATE VIEW holdings AS
SELECT DISTINCT ON (card_token, valid_from) card_token, customer_id, account_token, card_product, valid_from,
       least(valid_to, lead(valid_from) OVER (PARTITION BY card_token ORDER BY valid_from, seq)) AS valid_to
FROM cards
ORDER BY card_token, valid_from, seq DESC;
COMMENT ON VIEW holdings IS 'Whose a card was and when: until its holding ended or another began, so that no two of one card overlap.';

CREATE TABLE segments (
    segment_id uuid PRIMARY KEY,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('list', 'rule')),
    rule text,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    CHECK ((kind = 'rule') = (rule IS NOT NULL))
);

CREATE TABLE segment_members (
    segment_id uuid NOT NULL REFERENCES segments,
    customer_id text NOT NULL,
    PRIMARY KEY (segment_id, customer_id)
);
CREATE INDEX segment_members_customer ON segment_members (customer_id);

CREATE TABLE segment_uploads (
    upload_id uuid NOT NULL,
    segment_id uuid NOT NULL REFERENCES segments,
    customer_id text NOT NULL,
    PRIMARY KEY (upload_id, segment_id, customer_id)
);
COMMENT ON TABLE segment_uploads IS 'Lists that are on their way in parts. Nobody is chosen by them before they are whole and take the place of the old ones.';

CREATE TABLE holdouts (
    campaign_id uuid NOT NULL,
    customer_id text NOT NULL,
    held_out boolean NOT NULL,
    drawn_at timestamptz NOT NULL,
    PRIMARY KEY (campaign_id, customer_id)
);
COMMENT ON TABLE holdouts IS 'The random draw of each campaign, kept for good: who is held out, and who could have been.';

CREATE TABLE grants (
    grant_id uuid PRIMARY KEY,
    offer_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    customer_id text NOT NULL,
    granted_at timestamptz NOT NULL,
    activated_at timestamptz,
    revoked_at timestamptz,
    recorded_at timestamptz NOT NULL,
    variant text
);
COMMENT ON COLUMN grants.variant IS 'Of which of the offer''s variants it was drawn when it was given; never changed.';
CREATE INDEX grants_customer ON grants (customer_id, offer_id);
CREATE INDEX grants_offer ON grants (offer_id, grant_id);
CREATE INDEX grants_variant ON grants (offer_id) WHERE variant IS NOT NULL;

CREATE TABLE activations (
    grant_id uuid NOT NULL REFERENCES grants,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (grant_id, at)
);
COMMENT ON TABLE activations IS 'What was told of activations and when. The earliest holds: it is the one that the grant names.';

CREATE FUNCTION audience(lists_in uuid[], rule_in jsonpath, lists_out uuid[], rule_out jsonpath)
RETURNS TABLE (customer_id text, shard smallint, consent boolean) LANGUAGE sql STABLE AS $$
    SELECT c.customer_id, c.shard, c.consent
    FROM (
        SELECT m.customer_id FROM segment_members m WHERE m.segment_id = ANY (lists_in)
        UNION
        SELECT r.customer_id FROM customers r WHERE rule_in IS NOT NULL AND r.attributes @@ rule_in
    ) AS named
    JOIN customers c USING (customer_id)
    WHERE c.erased_at IS NULL AND NOT EXISTS (SELECT FROM segment_members o WHERE o.segment_id = ANY (lists_out) AND o.customer_id = c.customer_id)
      AND (rule_out IS NULL OR NOT c.attributes @@ rule_out)
$$;
COMMENT ON FUNCTION audience IS
    'Known customers of any list or rule in and of no list or rule out, with or without consent. Several rules come as one, joined by or.';

CREATE FUNCTION variants(asked jsonb) RETURNS TABLE (customer_id text, variant text) LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (member.customer_id) member.customer_id, member.variant
    FROM (
        SELECT m.customer_id, v.variant, v.place
        FROM jsonb_to_recordset(asked) AS v (variant text, place integer, lists uuid[])
        JOIN segment_members m ON m.segment_id = ANY (v.lists)
        UNION ALL
        SELECT c.customer_id, v.variant, v.place
        FROM jsonb_to_recordset(asked) AS v (variant text, place integer, rule jsonpath)
        JOIN customers c ON c.attributes @@ v.rule
    ) AS member
    ORDER BY member.customer_id, member.place
$$;
COMMENT ON FUNCTION variants IS 'Of which variant customers are: the first in its place that has a list or a rule to which they belong. Others are left out.';
