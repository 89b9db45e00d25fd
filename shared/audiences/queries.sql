-- name: read_standings
-- What is on record about customers who are sent again: the latest consent, and the one in force at the moment that is sent.
SELECT c.customer_id, c.zone, latest.at AS latest_at, latest.given AS latest_given, before.at AS before_at, before.given AS before_given
FROM unnest(%(customer_ids)s::text[], %(moments)s::timestamptz[]) AS sent (customer_id, at)
JOIN customers c USING (customer_id)
JOIN LATERAL (
    SELECT s.at, s.given FROM consents s WHERE s.customer_id = c.customer_id ORDER BY s.at DESC, s.seq DESC LIMIT 1) AS latest ON true
LEFT JOIN LATERAL (
    SELECT s.at, s.given FROM consents s WHERE s.customer_id = c.customer_id AND s.at <= sent.at ORDER BY s.at DESC, s.seq DESC LIMIT 1
) AS before ON true;

-- name: upsert_customers
-- Customers, new or brought up to date; a zone that changes is kept as it was.
WITH sent AS (
    SELECT * FROM unnest(%(customer_ids)s::text[], %(shards)s::smallint[], %(zones)s::text[], %(attributes)s::jsonb[], %(consents)s::boolean[])
        AS sent (customer_id, shard, zone, attributes, consent)
), was AS (
    INSERT INTO customer_zones (customer_id, until, zone)
    SELECT c.customer_id, %(now)s, c.zone FROM customers AS c JOIN sent USING (customer_id) WHERE c.zone IS DISTINCT FROM sent.zone
)
INSERT INTO customers (customer_id, shard, zone, attributes, consent, created_at, updated_at)
SELECT customer_id, shard, zone, attributes, consent, %(now)s, %(now)s FROM sent
ORDER BY customer_id
ON CONFLICT (customer_id) DO UPDATE
    SET zone = excluded.zone, attributes = excluded.attributes, consent = excluded.consent, updated_at = excluded.updated_at
    WHERE (customers.zone, customers.attributes, customers.consent) IS DISTINCT FROM (excluded.zone, excluded.attributes, excluded.consent);

-- name: add_consents
-- What customers said about consent, and from when it holds.
INSERT INTO consents (customer_id, at, given, recorded_at)
SELECT customer_id, at, given, %(now)s
FROM unnest(%(customer_ids)s::text[], %(moments)s::timestamptz[], %(givens)s::boolean[]) AS said (customer_id, at, given);

-- name: add_cards
-- Adds what is said of cards and was not said before, and tells of which cards that is. One without a beginning held from the first.
INSERT INTO cards (card_token, valid_from, valid_to, customer_id, account_token, card_product, recorded_at)
SELECT sent.card_token, beginning.valid_from, sent.valid_to, sent.customer_id, sent.account_token, sent.card_product, %(now)s
FROM unnest(%(card_token)s::text[], %(customer_id)s::text[], %(account_token)s::text[], %(card_product)s::text[],
            %(valid_from)s::timestamptz[], %(valid_to)s::timestamptz[])
    AS sent (card_token, customer_id, account_token, card_product, valid_from, valid_to)
CROSS JOIN LATERAL (SELECT coalesce(sent.valid_from, '-infinity') AS valid_from) AS beginning
LEFT JOIN LATERAL (
    SELECT c.valid_to, c.customer_id, c.account_token, c.card_product FROM cards c
    WHERE c.card_token = sent.card_token AND c.valid_from = beginning.valid_from ORDER BY c.seq DESC LIMIT 1) AS known ON true
WHERE (sent.valid_to, sent.customer_id, sent.account_token, sent.card_product)
    IS DISTINCT FROM (known.valid_to, known.customer_id, known.account_token, known.card_product)
RETURNING card_token;

-- name: read_customer
-- One customer.
SELECT customer_id, zone, attributes, consent, created_at, updated_at, erased_at FROM customers WHERE customer_id = %(customer_id)s;

-- name: erased
-- Those of these customers who were erased.
SELECT customer_id FROM customers WHERE customer_id = ANY (%(customer_ids)s) AND erased_at IS NOT NULL;

-- name: erase
-- Takes away what tells of a person, revokes what was given, and closes the id.
WITH listed AS (
    DELETE FROM segment_members WHERE customer_id = %(customer_id)s
), staged AS (
    DELETE FROM segment_uploads WHERE customer_id = %(customer_id)s
), given AS (
    UPDATE grants SET revoked_at = %(now)s WHERE customer_id = %(customer_id)s AND revoked_at IS NULL
)
UPDATE customers SET attributes = '{}', consent = false, updated_at = %(now)s, erased_at = %(now)s WHERE customer_id = %(customer_id)s;

-- name: read_consents
-- The history of a customer's consent, oldest first.
SELECT at, given, recorded_at FROM consents WHERE customer_id = %(customer_id)s ORDER BY at, seq;

-- name: read_cards
-- The cards of a customer.
SELECT card_token, customer_id, account_token, card_product, nullif(valid_from, '-infinity') AS valid_from, valid_to
FROM holdings
WHERE card_token = ANY (ARRAY(SELECT c.card_token FROM cards c WHERE c.customer_id = %(customer_id)s)) AND customer_id = %(customer_id)s
ORDER BY card_token, holdings.valid_from;

-- name: read_card
-- Whose a card was, oldest first.
SELECT card_token, customer_id, account_token, card_product, nullif(valid_from, '-infinity') AS valid_from, valid_to
FROM holdings WHERE card_token = %(card_token)s ORDER BY holdings.valid_from;

-- name: holders
-- Whose these cards were at these moments, by all that is known or by what was known at one.
SELECT asked.card_token, asked.at, held.customer_id, held.account_token, held.card_product,
       EXISTS (SELECT FROM cards o WHERE o.card_token = asked.card_token AND o.customer_id <> held.customer_id) AS passed_on
FROM unnest(%(card_tokens)s::text[], %(moments)s::timestamptz[]) AS asked (card_token, at)
JOIN LATERAL (
    SELECT c.customer_id, c.account_token, c.card_product, c.valid_to FROM cards c
    WHERE c.card_token = asked.card_token AND c.valid_from <= asked.at AND c.recorded_at <= coalesce(%(as_of)s, timestamptz 'infinity')
    ORDER BY c.valid_from DESC, c.seq DESC LIMIT 1
) AS held ON held.valid_to IS NULL OR held.valid_to > asked.at;

-- name: changed_pairs
-- Of customers whose facts changed from a moment on: the offers they hold grants of and have purchases for that may be judged otherwise.
SELECT DISTINCT g.customer_id, g.offer_id
FROM unnest(%(customer_ids)s::text[], %(moments)s::timestamptz[]) AS changed (customer_id, since)
JOIN grants g USING (customer_id)
WHERE (%(offer_id)s::uuid IS NULL OR g.offer_id = %(offer_id)s)
  AND EXISTS (
    SELECT FROM transactions t
    WHERE t.customer_id = g.customer_id AND t.at >= greatest(g.granted_at, changed.since) AND g.offer_id = ANY (t.offers));

-- name: known_segments
-- Which of these segments exist.
SELECT segment_id FROM segments WHERE segment_id = ANY (%(segment_ids)s);

-- name: insert_segment
-- A new segment; nothing when the id is taken.
INSERT INTO segments (segment_id, name, kind, rule, created_by, created_at)
VALUES (%(segment_id)s, %(name)s, %(kind)s, %(rule)s, %(created_by)s, %(created_at)s)
ON CONFLICT DO NOTHING
RETURNING segment_id;

-- name: add_members
-- The customers of a list, each once.
INSERT INTO segment_members (segment_id, customer_id)
SELECT DISTINCT %(segment_id)s::uuid, customer_id FROM unnest(%(customer_ids)s::text[]) AS listed (customer_id);

-- name: lock_segments
-- Some segments, held until the transaction ends.
SELECT segment_id, name, kind, rule, created_by, created_at FROM segments WHERE segment_id = ANY (%(segment_ids)s)
ORDER BY segment_id FOR NO KEY UPDATE;

-- name: put_members
-- Customers who are in lists from now on.
INSERT INTO segment_members (segment_id, customer_id)
SELECT segment_id, customer_id FROM unnest(%(segment_ids)s::uuid[], %(customer_ids)s::text[]) AS said (segment_id, customer_id)
ON CONFLICT DO NOTHING;

-- name: drop_members
-- Customers who are in lists no more.
DELETE FROM segment_members AS m
USING unnest(%(segment_ids)s::uuid[], %(customer_ids)s::text[]) AS said (segment_id, customer_id)
WHERE (m.segment_id, m.customer_id) = (said.segment_id, said.customer_id);

-- name: stage_members
-- Customers who are to be in lists once all of an upload is there.
INSERT INTO segment_uploads (upload_id, segment_id, customer_id)
SELECT %(upload_id)s, segment_id, customer_id
FROM unnest(%(segment_ids)s::uuid[], %(customer_ids)s::text[]) AS said (segment_id, customer_id)
ON CONFLICT DO NOTHING;

-- name: staged_segments
-- The lists that an upload is of, held until the transaction ends.
SELECT segment_id FROM segments WHERE segment_id IN (SELECT u.segment_id FROM segment_uploads u WHERE u.upload_id = %(upload_id)s)
ORDER BY segment_id FOR NO KEY UPDATE;

-- name: replace_lists
-- The lists of an upload become what it says.
WITH staged AS (
    DELETE FROM segment_uploads WHERE upload_id = %(upload_id)s RETURNING segment_id, customer_id
), gone AS (
    DELETE FROM segment_members AS m
    WHERE m.segment_id = ANY (%(segment_ids)s)
      AND NOT EXISTS (SELECT FROM staged s WHERE (s.segment_id, s.customer_id) = (m.segment_id, m.customer_id))
)
INSERT INTO segment_members (segment_id, customer_id)
SELECT s.segment_id, s.customer_id FROM staged s
ON CONFLICT DO NOTHING;

-- name: list_segments
-- Segments, newest first.
SELECT segment_id, name, kind, rule, created_by, created_at
FROM segments ORDER BY created_at DESC, segment_id DESC LIMIT %(limit)s OFFSET %(offset)s;

-- name: read_segments
-- Some segments.
SELECT segment_id, name, kind, rule, created_by, created_at FROM segments WHERE segment_id = ANY (%(segment_ids)s);

-- name: list_size
-- How many ids of a list are known customers, and how many are not.
SELECT count(c.customer_id) AS customers, count(*) - count(c.customer_id) AS unknown
FROM segment_members m LEFT JOIN customers c USING (customer_id) WHERE m.segment_id = %(segment_id)s;

-- name: rule_size
-- How many customers a rule takes in now.
SELECT count(*) AS customers, 0 AS unknown FROM customers WHERE attributes @@ %(rule)s::jsonpath AND erased_at IS NULL;

-- name: audience_size
-- How large an audience is, and how its hold-out stands in a campaign.
SELECT count(*) AS customers,
       count(*) FILTER (WHERE NOT a.consent) AS without_consent,
       count(*) FILTER (WHERE a.consent AND h.held_out) AS held_out,
       count(*) FILTER (WHERE a.consent AND h.customer_id IS NULL
           AND NOT EXISTS (SELECT FROM grants g WHERE g.customer_id = a.customer_id AND g.campaign_id = %(campaign_id)s)) AS undrawn
FROM audience(%(lists_in)s, %(rule_in)s::jsonpath, %(lists_out)s, %(rule_out)s::jsonpath) AS a
LEFT JOIN holdouts h ON h.campaign_id = %(campaign_id)s AND h.customer_id = a.customer_id;

-- name: draw_holdout
-- Draws the hold-out of a campaign among those of an audience who were neither drawn nor given anything in it; a draw is kept for good.
WITH undrawn AS MATERIALIZED (
    SELECT a.customer_id
    FROM audience(%(lists_in)s, %(rule_in)s::jsonpath, %(lists_out)s, %(rule_out)s::jsonpath) AS a
    WHERE a.consent
      AND NOT EXISTS (SELECT FROM holdouts h WHERE h.campaign_id = %(campaign_id)s AND h.customer_id = a.customer_id)
)
INSERT INTO holdouts (campaign_id, customer_id, held_out, drawn_at)
SELECT %(campaign_id)s, u.customer_id, random() * 10000 < %(holdout)s, %(now)s
FROM undrawn u
WHERE NOT EXISTS (SELECT FROM grants g WHERE g.customer_id = u.customer_id AND g.campaign_id = %(campaign_id)s);

-- name: grant_audience
-- Gives an offer to an audience, each customer with consent and not held out once per seed. Answers how many grants were made, how many
-- the offer has, and which of the customers have purchases that may count for them. An id begins as the offer's: grants that are made
-- together lie together in the index, which halves what is written.
WITH given AS (
    INSERT INTO grants (grant_id, offer_id, campaign_id, customer_id, granted_at, recorded_at, variant)
    SELECT encode(
               substr(uuid_send(%(offer_id)s), 1, 8) || substr(sha256(convert_to(%(seed)s || a.customer_id, 'UTF8')), 1, 8), 'hex')::uuid,
           %(offer_id)s, %(campaign_id)s, a.customer_id, %(granted_at)s, %(now)s, v.variant
    FROM audience(%(lists_in)s, %(rule_in)s::jsonpath, %(lists_out)s, %(rule_out)s::jsonpath) AS a
    LEFT JOIN variants(%(variants)s::jsonb) AS v USING (customer_id)
    WHERE a.consent
      AND NOT EXISTS (
        SELECT FROM holdouts h WHERE h.campaign_id = %(campaign_id)s AND h.customer_id = a.customer_id AND h.held_out)
    ON CONFLICT DO NOTHING
    RETURNING customer_id
)
SELECT (SELECT count(*) FROM grants WHERE offer_id = %(offer_id)s) + count(*) AS standing, count(*) AS made,
       array_agg(g.customer_id) FILTER (
           WHERE EXISTS (
               SELECT FROM transactions t
               WHERE t.customer_id = g.customer_id AND t.at >= %(granted_at)s AND %(offer_id)s = ANY (t.offers))) AS changed
FROM given g;

-- name: read_candidates
-- What decides whether customers may get a grant in a campaign.
SELECT c.customer_id, c.consent, coalesce(h.held_out, false) AS held_out
FROM customers c LEFT JOIN holdouts h ON h.campaign_id = %(campaign_id)s AND h.customer_id = c.customer_id
WHERE c.customer_id = ANY (%(customer_ids)s) AND c.erased_at IS NULL;

-- name: insert_grants
-- Gives an offer to customers by name, each grant once by its id.
INSERT INTO grants (grant_id, offer_id, campaign_id, customer_id, granted_at, recorded_at, variant)
SELECT given.grant_id, %(offer_id)s, %(campaign_id)s, given.customer_id, given.granted_at, %(now)s, v.variant
FROM unnest(%(grant_ids)s::uuid[], %(customer_ids)s::text[], %(moments)s::timestamptz[]) AS given (grant_id, customer_id, granted_at)
LEFT JOIN LATERAL (SELECT d.variant FROM variants(%(variants)s::jsonb) AS d WHERE d.customer_id = given.customer_id) AS v ON true
ON CONFLICT DO NOTHING;

-- name: grants_of_customer
-- The grants of a customer, of one offer or of all, in order of their ids.
SELECT grant_id, offer_id, campaign_id, customer_id, granted_at, activated_at, revoked_at, variant
FROM grants
WHERE customer_id = %(customer_id)s AND (%(offer_id)s::uuid IS NULL OR offer_id = %(offer_id)s)
  AND (%(after)s::uuid IS NULL OR grant_id > %(after)s)
ORDER BY grant_id LIMIT %(limit)s;

-- name: grants_of_offer
-- The grants of an offer in order of their ids.
SELECT grant_id, offer_id, campaign_id, customer_id, granted_at, activated_at, revoked_at, variant
FROM grants
WHERE offer_id = %(offer_id)s AND (%(after)s::uuid IS NULL OR grant_id > %(after)s)
ORDER BY grant_id LIMIT %(limit)s;

-- name: read_grant
-- One grant.
SELECT grant_id, offer_id, campaign_id, customer_id, granted_at, activated_at, revoked_at, variant FROM grants WHERE grant_id = %(grant_id)s;

-- name: read_grants_by_id
-- Some grants.
SELECT grant_id, offer_id, campaign_id, customer_id, granted_at, activated_at, revoked_at, variant FROM grants
WHERE grant_id = ANY (%(grant_ids)s);

-- name: revoke
-- Takes grants back from now on, those that were not before.
UPDATE grants SET revoked_at = %(now)s WHERE grant_id = ANY (%(grant_ids)s) AND revoked_at IS NULL;

-- name: activate
-- Sets when a grant was activated, or moves it to an earlier moment; nothing where it was activated earlier.
WITH activated AS (
    UPDATE grants SET activated_at = %(at)s
    WHERE grant_id = %(grant_id)s AND (activated_at IS NULL OR activated_at > %(at)s)
    RETURNING grant_id, activated_at
)
INSERT INTO activations (grant_id, at, recorded_at) SELECT grant_id, activated_at, %(now)s FROM activated
RETURNING grant_id;

-- name: wallet
-- A customer's grants in campaigns that are live now, whether the customer ever had anything of each offer, and what the campaign has left.
SELECT g.grant_id, g.offer_id, g.campaign_id, g.customer_id, g.granted_at, g.activated_at, g.revoked_at, g.variant, c.zone, c.consent,
       coalesce(r.completions, 0) AS completions,
       bool_or(r.grant_id IS NOT NULL) OVER of_offer AS redeemed,
       pot.credit_minor - pot.debit_minor AS left_minor
FROM customers c
JOIN grants g USING (customer_id)
JOIN campaigns p ON p.campaign_id = g.campaign_id AND p.state = 'live' AND p.ends_at > %(now)s
JOIN accounts pot ON pot.campaign_id = p.campaign_id AND pot.currency = p.currency AND pot.kind = 'available'
LEFT JOIN (
    SELECT grant_id, count(*) FILTER (WHERE state <> 'reversed') AS completions
    FROM redemptions WHERE customer_id = %(customer_id)s GROUP BY grant_id
) AS r USING (grant_id)
WHERE c.customer_id = %(customer_id)s
WINDOW of_offer AS (PARTITION BY g.offer_id)
ORDER BY g.granted_at DESC, g.grant_id;

-- name: bought_before
-- When the customers of grants had last bought something in the offer's scope before the grant; those who had not are left out. An
-- authorisation that was declined, reversed or has expired is no purchase.
SELECT g.grant_id, max(t.at) AS at
FROM grants g JOIN transactions t ON t.customer_id = g.customer_id AND t.at < g.granted_at AND g.offer_id = ANY (t.offers)
WHERE g.grant_id = ANY (%(grant_ids)s)
  AND (t.kind = 'clearing' OR t.kind IN ('purchase', 'authorization') AND NOT EXISTS (
        SELECT FROM transactions other
        WHERE other.transaction_id = t.transaction_id AND NOT other.withdrawn AND other.kind IN ('decline', 'reversal', 'expiry')))
GROUP BY g.grant_id;

-- name: shown_often
-- Of offers with a frequency cap: those that the customer was served as often as their cap allows.
SELECT cap.offer_id
FROM unnest(%(offer_ids)s::uuid[], %(sinces)s::timestamptz[], %(mosts)s::integer[]) AS cap (offer_id, since, most)
WHERE (SELECT count(*) FROM impressions i
       WHERE i.customer_id = %(customer_id)s AND i.offer_id = cap.offer_id AND i.kind = 'served' AND i.at > cap.since) >= cap.most;
