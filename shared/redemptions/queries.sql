-- name: known_transactions
-- Which of these transactions are in the history already, with the hash of what they said and the offers they are filed under.
SELECT transaction_id, content_hash, offers FROM transactions WHERE transaction_id = ANY (string_to_array(%(transaction_ids)s, ',')) AND kind = 'purchase';

-- name: copy_transactions
-- Adds transactions to the history.
COPY transactions (transaction_id, kind, customer_id, at, amount_minor, currency, merchant_id, location_id, mcc, zone, brand,
                   network_merchant_id, channel, country, region, card_product, tip_minor, tax_minor, cash_back_minor, items, offers, content_hash, recorded_at)
FROM STDIN (FORMAT binary);

-- name: file_under_more
-- Files transactions under more offers; of several with the same id every one counts.
UPDATE transactions AS t SET offers = t.offers || more.offers
FROM (SELECT transaction_id, array_agg(offer_id::uuid) AS offers
      FROM unnest(string_to_array(%(transaction_ids)s, ','), string_to_array(%(offer_ids)s, ',')) AS m (transaction_id, offer_id)
      GROUP BY transaction_id) AS more
WHERE t.transaction_id = more.transaction_id AND t.kind = 'purchase';

-- name: set_aside
-- Keeps transactions that reuse the id of another.
INSERT INTO set_aside (transaction_id, kind, sequence, content_hash, reason, payload, recorded_at)
SELECT transaction_id, 'purchase', 0, content_hash, %(reason)s, payload, %(now)s
FROM unnest(%(transaction_ids)s::text[], %(hashes)s::bytea[], %(payloads)s::text[]) AS t (transaction_id, content_hash, payload)
ON CONFLICT DO NOTHING;

-- name: read_grants
-- The grants of these customers and offers, with what else of the customer decides.
SELECT g.grant_id, g.customer_id, g.offer_id, g.granted_at, g.activated_at, g.revoked_at
FROM unnest(string_to_array(%(customer_ids)s, ','), string_to_array(%(offer_ids)s, ',')::uuid[]) AS pair (customer_id, offer_id)
JOIN grants AS g USING (customer_id, offer_id);

-- name: read_customers
-- Zones of customers, and their consents in order.
SELECT customer_id, c.zone, array_agg(s.at ORDER BY s.at, s.seq) FILTER (WHERE s.at IS NOT NULL) AS changed,
       array_agg(s.given ORDER BY s.at, s.seq) FILTER (WHERE s.at IS NOT NULL) AS given
FROM customers AS c LEFT JOIN consents AS s USING (customer_id)
WHERE customer_id = ANY (string_to_array(%(customer_ids)s, ','))
GROUP BY customer_id, c.zone;

-- name: read_transactions
-- The history of these customers under these offers.
SELECT transaction_id, customer_id, at, amount_minor, currency, merchant_id, location_id, mcc, zone, brand, network_merchant_id, channel,
       country, region, card_product, tip_minor, tax_minor, cash_back_minor, recorded_at, items, offers
FROM transactions
WHERE customer_id = ANY (string_to_array(%(customer_ids)s, ',')) AND offers && %(offer_ids)s::uuid[];

-- name: read_redemptions
-- What is on record of these grants.
SELECT redemption_id, grant_id, ordinal, offer_id, campaign_id, customer_id, state, wanted_minor, reward_minor, paid_minor, currency,
       qualifying_minor, version, transaction_id, earned_at, payable_at, reason, revision
FROM redemptions WHERE grant_id = ANY (string_to_array(%(grant_ids)s, ',')::uuid[]);

-- name: copy_redemptions
-- Adds redemptions.
COPY redemptions (redemption_id, grant_id, ordinal, offer_id, campaign_id, customer_id, state, wanted_minor, reward_minor, paid_minor,
                  currency, qualifying_minor, version, transaction_id, earned_at, payable_at, reason, revision, recorded_at)
FROM STDIN (FORMAT binary);

-- name: update_redemptions
-- Brings redemptions up to date.
UPDATE redemptions AS r
SET state = u.state, wanted_minor = u.wanted_minor, reward_minor = u.reward_minor, qualifying_minor = u.qualifying_minor,
    version = u.version, transaction_id = u.transaction_id, earned_at = u.earned_at, payable_at = u.payable_at, reason = u.reason,
    revision = u.revision, recorded_at = %(now)s
FROM unnest(%(redemption_id)s::uuid[], %(state)s::text[], %(wanted_minor)s::bigint[], %(reward_minor)s::bigint[],
            %(qualifying_minor)s::bigint[], %(version)s::int[], %(transaction_id)s::text[], %(earned_at)s::timestamptz[],
            %(payable_at)s::timestamptz[], %(reason)s::text[], %(revision)s::int[])
    AS u (redemption_id, state, wanted_minor, reward_minor, qualifying_minor, version, transaction_id, earned_at, payable_at, reason, revision)
WHERE r.redemption_id = u.redemption_id;

-- name: open_offer_totals
-- Makes the rows that count redemptions of offers under a limit in total, with what was given before; their pots are held, so none is missed.
INSERT INTO offer_totals (offer_id, redemptions)
SELECT o, (SELECT count(*) FROM redemptions AS r WHERE r.offer_id = o AND r.reward_minor > 0)
FROM unnest(%(offer_ids)s::uuid[]) AS o
WHERE NOT EXISTS (SELECT FROM offer_totals AS t WHERE t.offer_id = o)
ORDER BY o
ON CONFLICT DO NOTHING;

-- name: lock_offer_totals
-- Redemptions given of offers that have a limit in total, held until the transaction ends.
SELECT offer_id, redemptions FROM offer_totals WHERE offer_id = ANY (%(offer_ids)s) ORDER BY offer_id FOR UPDATE;

-- name: add_offer_totals
-- Counts redemptions given.
UPDATE offer_totals AS t SET redemptions = t.redemptions + d.redemptions
FROM unnest(%(offer_ids)s::uuid[], %(redemptions)s::int[]) AS d (offer_id, redemptions)
WHERE t.offer_id = d.offer_id;

-- name: count_refusals
-- Counts purchases that earned nothing, by the reason.
INSERT INTO refusal_counts (offer_id, reason, purchases)
SELECT offer_id, reason, purchases
FROM unnest(%(offer_ids)s::uuid[], %(reasons)s::text[], %(purchases)s::bigint[]) AS r (offer_id, reason, purchases)
ORDER BY offer_id, reason
ON CONFLICT (offer_id, reason) DO UPDATE SET purchases = refusal_counts.purchases + excluded.purchases;

-- name: lock_payable
-- Redemptions of these that are owed something now, held until the transaction ends.
SELECT redemption_id, grant_id, ordinal, offer_id, campaign_id, customer_id, state, wanted_minor, reward_minor, paid_minor, currency,
       qualifying_minor, version, transaction_id, earned_at, payable_at, reason, revision
FROM redemptions
WHERE redemption_id = ANY (%(redemption_ids)s) AND reward_minor > paid_minor AND payable_at <= %(now)s
ORDER BY redemption_id
FOR UPDATE;

-- name: copy_credits
-- Adds statement credits.
COPY statement_credits (credit_id, redemption_id, customer_id, campaign_id, amount_minor, currency, instructed_at) FROM STDIN (FORMAT binary);

-- name: mark_paid
-- All that is owed of these redemptions has been credited.
UPDATE redemptions SET state = 'paid', paid_minor = reward_minor, recorded_at = %(now)s WHERE redemption_id = ANY (%(redemption_ids)s);

-- name: release_due
-- Redemptions whose hold is over become payable, oldest first.
WITH due AS (
    SELECT redemption_id FROM redemptions
    WHERE state = 'held' AND reward_minor <> paid_minor AND payable_at <= %(now)s
    ORDER BY payable_at, redemption_id
    LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
)
UPDATE redemptions AS r SET state = 'payable' FROM due WHERE r.redemption_id = due.redemption_id
RETURNING r.redemption_id, r.customer_id;

-- name: read_eligibility
-- All that a verdict about a customer depends on: revisions of the catalogue, grants, history, refusals, consent, hold-out, pots. A row
-- for each question, in their order; of lists of ids, `;` parts the questions. OFFSET 0 hides from the planner what is asked: it then
-- keeps one plan.
SELECT (SELECT revision FROM revisions WHERE area = 'offers') AS offers_revision,
       (SELECT revision FROM revisions WHERE area = 'campaigns') AS campaigns_revision,
       (SELECT json_agg(g) FROM (
            SELECT grant_id, offer_id, granted_at, activated_at, revoked_at
            FROM grants WHERE customer_id = asked.customer_id AND offer_id = ANY (wanted.offer_ids)) AS g) AS grants,
       (SELECT json_agg(t) FROM (
            SELECT transaction_id, at, amount_minor, currency, merchant_id, location_id, mcc, zone, brand, network_merchant_id, channel,
                   country, region, card_product, tip_minor, tax_minor, cash_back_minor, recorded_at, items, offers
            FROM transactions WHERE customer_id = asked.customer_id AND offers && wanted.offer_ids) AS t) AS transactions,
       (SELECT json_agg(r) FROM (
            SELECT offer_id, grant_id, ordinal, reason FROM redemptions
            WHERE state = 'rejected' AND grant_id = ANY (ARRAY(
                SELECT grant_id FROM grants WHERE customer_id = asked.customer_id AND offer_id = ANY (wanted.offer_ids)))) AS r) AS refusals,
       (SELECT zone FROM customers WHERE customer_id = asked.customer_id) AS zone,
       (SELECT array_agg(at ORDER BY at, seq) FROM consents WHERE customer_id = asked.customer_id) AS changed,
       (SELECT array_agg(given ORDER BY at, seq) FROM consents WHERE customer_id = asked.customer_id) AS given,
       (SELECT json_agg(campaign_id) FROM holdouts
        WHERE customer_id = asked.customer_id AND held_out AND campaign_id = ANY (wanted.campaign_ids)) AS held_out,
       (SELECT json_object_agg(campaign_id, credit_minor - debit_minor) FROM accounts
        WHERE kind = 'available' AND campaign_id = ANY (wanted.campaign_ids)) AS available
FROM (SELECT %(customer_ids)s AS customer_ids, %(offer_ids)s AS offer_ids, %(campaign_ids)s AS campaign_ids OFFSET 0) AS said,
     unnest(string_to_array(said.customer_ids, ','), string_to_array(said.offer_ids, ';'), string_to_array(said.campaign_ids, ';'))
         WITH ORDINALITY AS asked (customer_id, offer_ids, campaign_ids, place),
     LATERAL (SELECT string_to_array(asked.offer_ids, ',')::uuid[] AS offer_ids,
                     string_to_array(asked.campaign_ids, ',')::uuid[] AS campaign_ids) AS wanted
ORDER BY asked.place;
