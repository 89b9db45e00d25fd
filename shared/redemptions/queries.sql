-- name: read_lives
-- All that is on file with these transaction ids, all refunds of these purchases, and those of these customers that name no purchase.
SELECT transaction_id, kind, sequence, sequence_count, purchase_id, customer_id, at, amount_minor, currency, merchant_id, matched_by,
       merchant_said, network, network_merchant_id, descriptor, location_id, mcc, zone, brand, channel, country, region, city, card_product,
       tip_minor, tax_minor, cash_back_minor, items, offers, recorded_at, card_token, account_token, posted_at, content_hash, loose,
       unmatched, expires_at, by_card, told_by, withdrawn, product_said
FROM transactions WHERE transaction_id = ANY (string_to_array(%(transaction_ids)s, ','))
   OR kind = 'refund' AND purchase_id = ANY (string_to_array(%(transaction_ids)s, ','))
   OR loose AND customer_id = ANY (string_to_array(%(customer_ids)s, ','));

-- name: spoken_of
-- Those of these purchases of which a message is on file, or that redemptions were forced for.
SELECT transaction_id FROM transactions WHERE transaction_id = ANY (string_to_array(%(purchase_ids)s, ','))
UNION ALL
SELECT transaction_id FROM corrections
WHERE kind = 'force' AND state = 'approved' AND transaction_id = ANY (string_to_array(%(purchase_ids)s, ','));

-- name: read_all
-- All that is on file of these customers.
SELECT transaction_id, kind, sequence, sequence_count, purchase_id, customer_id, at, amount_minor, currency, merchant_id, matched_by,
       merchant_said, network, network_merchant_id, descriptor, location_id, mcc, zone, brand, channel, country, region, city, card_product,
       tip_minor, tax_minor, cash_back_minor, items, offers, recorded_at, card_token, account_token, posted_at, content_hash, loose,
       unmatched, expires_at, by_card, told_by, withdrawn, product_said
FROM transactions WHERE customer_id = ANY (string_to_array(%(customer_ids)s, ',')) AND NOT withdrawn;

-- name: read_cards
-- All that is on file with these cards, and with the purchases that refunds to them are for.
SELECT transaction_id, kind, sequence, sequence_count, purchase_id, customer_id, at, amount_minor, currency, merchant_id, matched_by,
       merchant_said, network, network_merchant_id, descriptor, location_id, mcc, zone, brand, channel, country, region, city, card_product,
       tip_minor, tax_minor, cash_back_minor, items, offers, recorded_at, card_token, account_token, posted_at, content_hash, loose,
       unmatched, expires_at, by_card, told_by, withdrawn, product_said
FROM transactions
WHERE NOT withdrawn AND (card_token = ANY (string_to_array(%(card_tokens)s, ','))
   OR transaction_id = ANY (ARRAY(
        SELECT r.purchase_id FROM transactions AS r
        WHERE r.card_token = ANY (string_to_array(%(card_tokens)s, ',')) AND r.kind = 'refund' AND r.by_card AND NOT r.withdrawn)));

-- name: read_places
-- All that is on file of purchases at these places, of so many transactions at most, in order from after one.
SELECT transaction_id, kind, sequence, sequence_count, purchase_id, customer_id, at, amount_minor, currency, merchant_id, matched_by,
       merchant_said, network, network_merchant_id, descriptor, location_id, mcc, zone, brand, channel, country, region, city, card_product,
       tip_minor, tax_minor, cash_back_minor, items, offers, recorded_at, card_token, account_token, posted_at, content_hash, loose,
       unmatched, expires_at, by_card, told_by, withdrawn, product_said
FROM transactions
WHERE location_id = ANY (%(location_ids)s) AND NOT withdrawn AND transaction_id IN (
    SELECT DISTINCT transaction_id FROM transactions
    WHERE location_id = ANY (%(location_ids)s) AND NOT withdrawn AND (%(after)s::text IS NULL OR transaction_id > %(after)s)
    ORDER BY transaction_id LIMIT %(most)s)
ORDER BY transaction_id, kind, sequence;

-- name: refunded
-- Those of these cards to which refunds are on file that name no customer.
SELECT DISTINCT card_token FROM transactions
WHERE card_token = ANY (string_to_array(%(card_tokens)s, ',')) AND kind = 'refund' AND by_card AND NOT withdrawn;

-- name: loose_apart
-- Those of these cards with a refund that names neither customer nor purchase, and with purchases of another than it is with.
SELECT DISTINCT r.card_token FROM transactions AS r
WHERE r.card_token = ANY (string_to_array(%(card_tokens)s, ',')) AND r.kind = 'refund' AND r.by_card AND r.loose AND NOT r.withdrawn
  AND EXISTS (
    SELECT FROM transactions AS p WHERE p.card_token = r.card_token AND p.kind <> 'refund' AND NOT p.withdrawn
        AND p.customer_id IS DISTINCT FROM r.customer_id);

-- name: note_refunds
-- Notes refunds by card that are to be looked at once more.
INSERT INTO fresh_refunds (transaction_id) SELECT unnest(%(transaction_ids)s::text[]) ON CONFLICT DO NOTHING;

-- name: take_refunds
-- Takes refunds by card that were to be looked at once more, so many at most.
DELETE FROM fresh_refunds WHERE transaction_id = ANY (ARRAY(
    SELECT transaction_id FROM fresh_refunds ORDER BY transaction_id LIMIT %(most)s FOR UPDATE SKIP LOCKED))
RETURNING transaction_id;

-- name: apart
-- Cards of those of these refunds that name no customer, and are with another than a purchase that they name, or one with the card.
SELECT DISTINCT r.card_token FROM transactions AS r
WHERE r.transaction_id = ANY (%(transaction_ids)s::text[]) AND r.kind = 'refund' AND r.by_card AND NOT r.withdrawn AND (
    NOT r.loose AND EXISTS (
        SELECT FROM transactions AS p WHERE p.transaction_id = r.purchase_id AND p.kind <> 'refund' AND NOT p.withdrawn
            AND p.customer_id <> coalesce(r.customer_id, ''))
    OR r.loose AND EXISTS (
        SELECT FROM transactions AS p WHERE p.card_token = r.card_token AND p.kind <> 'refund' AND NOT p.withdrawn
            AND p.customer_id <> coalesce(r.customer_id, '')));

-- name: told_early
-- Whose purchases were told before their moment, under which offers, where a version, a withdrawal, a pause or its end came before that
-- moment and lately. What was told ten minutes after it is known to have been judged by it.
SELECT DISTINCT t.customer_id, decided.offer_id
FROM (SELECT offer_id, decided_at FROM offer_versions WHERE state = 'approved' AND decided_at >= %(since)s
      UNION ALL SELECT offer_id, withdrawn_at FROM offers WHERE withdrawn_at >= %(since)s
      UNION ALL SELECT o.offer_id, h.at FROM campaign_history AS h JOIN offers AS o USING (campaign_id)
                WHERE h.recorded_at >= %(since)s AND h.from_state <> h.to_state) AS decided (offer_id, at)
JOIN transactions AS t ON t.at > t.recorded_at AND t.at >= decided.at AND t.recorded_at < decided.at + interval '10 minutes'
    AND decided.offer_id = ANY (t.offers)
WHERE t.customer_id IS NOT NULL AND NOT t.withdrawn
ORDER BY t.customer_id, decided.offer_id
LIMIT %(most)s;

-- name: read_messages
-- The history of these customers under these offers.
SELECT transaction_id, kind, sequence, sequence_count, purchase_id, customer_id, at, amount_minor, currency, merchant_id, matched_by,
       network_merchant_id, descriptor, location_id, mcc, zone, brand, channel, country, region, card_product, tip_minor, tax_minor,
       cash_back_minor, items, offers, recorded_at, card_token, account_token, posted_at
FROM transactions
WHERE customer_id = ANY (string_to_array(%(customer_ids)s, ',')) AND offers && %(offer_ids)s::uuid[];

-- name: copy_messages
-- Adds messages to the history.
COPY transactions (transaction_id, kind, sequence, sequence_count, purchase_id, customer_id, at, amount_minor, currency, merchant_id,
                   matched_by, merchant_said, network, network_merchant_id, descriptor, location_id, mcc, zone, brand, channel, country,
                   region, city, card_product, tip_minor, tax_minor, cash_back_minor, items, offers, content_hash, recorded_at, card_token,
                   account_token, posted_at, expires_at, loose, unmatched, by_card, told_by, product_said)
FROM STDIN (FORMAT binary);

-- name: file_under_more
-- Files messages under more offers.
UPDATE transactions AS t SET offers = t.offers || m.offers, filed_at = %(now)s
FROM (
    SELECT transaction_id, kind, sequence, array_agg(offer_id) AS offers
    FROM unnest(%(transaction_ids)s::text[], %(kinds)s::text[], %(sequences)s::int[], string_to_array(%(offer_ids)s, ',')::uuid[])
        AS m (transaction_id, kind, sequence, offer_id)
    GROUP BY transaction_id, kind, sequence) AS m
WHERE (t.transaction_id, t.kind, t.sequence) = (m.transaction_id, m.kind, m.sequence);

-- name: move
-- Brings it up to date whose messages are, of which account, and with which kind of card.
UPDATE transactions AS t
SET customer_id = m.customer_id, account_token = m.account_token, card_product = m.card_product, filed_at = %(now)s
FROM unnest(%(transaction_ids)s::text[], %(kinds)s::text[], %(sequences)s::int[], %(customer_ids)s::text[], %(account_tokens)s::text[],
            %(card_products)s::text[]) AS m (transaction_id, kind, sequence, customer_id, account_token, card_product)
WHERE (t.transaction_id, t.kind, t.sequence) = (m.transaction_id, m.kind, m.sequence);

-- name: rematch
-- Brings it up to date which purchases refunds are for, by whose word, and under which offers they are.
UPDATE transactions AS t
SET purchase_id = m.purchase_id, unmatched = m.unmatched, offers = string_to_array(m.offers, ',')::uuid[], loose = m.loose,
    filed_at = %(now)s
FROM unnest(%(transaction_ids)s::text[], %(kinds)s::text[], %(sequences)s::int[], %(purchase_ids)s::text[], %(unmatched)s::text[],
            %(offers)s::text[], %(loose)s::bool[]) AS m (transaction_id, kind, sequence, purchase_id, unmatched, offers, loose)
WHERE (t.transaction_id, t.kind, t.sequence) = (m.transaction_id, m.kind, m.sequence);

-- name: match_anew
-- Brings it up to date which merchants messages are matched to, and what these and their places tell.
UPDATE transactions AS t
SET merchant_id = m.merchant_id, matched_by = m.matched_by, brand = m.brand, mcc = m.mcc, zone = m.zone, country = m.country,
    region = m.region, filed_at = %(now)s
FROM unnest(%(transaction_ids)s::text[], %(kinds)s::text[], %(sequences)s::int[], %(merchant_ids)s::text[], %(matched_by)s::text[],
            %(brands)s::text[], %(mccs)s::text[], %(zones)s::text[], %(countries)s::text[], %(regions)s::text[])
    AS m (transaction_id, kind, sequence, merchant_id, matched_by, brand, mcc, zone, country, region)
WHERE (t.transaction_id, t.kind, t.sequence) = (m.transaction_id, m.kind, m.sequence);

-- name: restate
-- Brings it up to date what messages say that were told otherwise, or not at all any more. Since when they were known stays.
UPDATE transactions AS t
SET (sequence_count, purchase_id, customer_id, at, amount_minor, currency, merchant_id, matched_by, merchant_said, network,
     network_merchant_id, descriptor, location_id, mcc, zone, brand, channel, country, region, city, card_product, tip_minor, tax_minor,
     cash_back_minor, items, offers, content_hash, card_token, account_token, posted_at, expires_at, loose, unmatched, by_card, told_by,
     product_said, withdrawn)
  = (m.sequence_count, m.purchase_id, m.customer_id, m.at, m.amount_minor, m.currency, m.merchant_id, m.matched_by, m.merchant_said,
     m.network, m.network_merchant_id, m.descriptor, m.location_id, m.mcc, m.zone, m.brand, m.channel, m.country, m.region, m.city,
     m.card_product, m.tip_minor, m.tax_minor, m.cash_back_minor, m.items, m.offers, m.content_hash, m.card_token, m.account_token,
     m.posted_at, m.expires_at, m.loose, m.unmatched, m.by_card, m.told_by, m.product_said, m.withdrawn),
    filed_at = %(now)s
FROM json_populate_recordset(NULL::transactions, %(messages)s) AS m
WHERE (t.transaction_id, t.kind, t.sequence) = (m.transaction_id, m.kind, m.sequence);

-- name: retell
-- Brings it up to date who tells messages in the words that stand.
UPDATE transactions AS t SET told_by = m.told_by
FROM unnest(%(transaction_ids)s::text[], %(kinds)s::text[], %(sequences)s::int[], %(told_by)s::text[])
    AS m (transaction_id, kind, sequence, told_by)
WHERE (t.transaction_id, t.kind, t.sequence) = (m.transaction_id, m.kind, m.sequence);

-- name: read_whose
-- Whose, or of which cards, those of these messages are that may be told otherwise.
SELECT DISTINCT coalesce(customer_id, card_token) AS whose FROM transactions
WHERE transaction_id = ANY (string_to_array(%(transaction_ids)s, ',')) AND (told_by IS NOT NULL OR withdrawn);

-- name: read_file_revision
-- The newest revision of a file of which anything came; nothing of a file that was not revised.
SELECT revision FROM file_revisions WHERE file_id = %(file_id)s;

-- name: put_file_revision
-- Notes that something of a revision came.
INSERT INTO file_revisions AS f (file_id, revision) VALUES (%(file_id)s, %(revision)s)
ON CONFLICT (file_id) DO UPDATE SET revision = greatest(f.revision, excluded.revision);

-- name: set_aside
-- Keeps messages that reuse the id of another.
INSERT INTO set_aside AS a (transaction_id, kind, sequence, content_hash, reason, payload, recorded_at, file_id, revision)
SELECT DISTINCT ON (transaction_id, kind, sequence, content_hash)
       transaction_id, kind, sequence, content_hash, %(reason)s, payload, %(now)s, %(file_id)s, %(revision)s
FROM unnest(%(transaction_ids)s::text[], %(kinds)s::text[], %(sequences)s::int[], %(hashes)s::bytea[], %(payloads)s::text[])
    AS t (transaction_id, kind, sequence, content_hash, payload)
ORDER BY transaction_id, kind, sequence, content_hash
ON CONFLICT (transaction_id, kind, sequence, content_hash, file_id) DO UPDATE SET revision = greatest(a.revision, excluded.revision);

-- name: read_set_aside
-- What was set aside because of these messages, oldest first.
SELECT a.payload, a.file_id, a.revision
FROM set_aside AS a
JOIN unnest(%(transaction_ids)s::text[], %(kinds)s::text[], %(sequences)s::int[]) AS m (transaction_id, kind, sequence)
    USING (transaction_id, kind, sequence)
ORDER BY a.recorded_at, a.file_id, a.content_hash;

-- name: open_again
-- Lets it be seen anew whether authorisations are closed, of purchases of which something is another's now or told otherwise. Whoever
-- closes one meanwhile is waited for.
UPDATE transactions SET expires_at = coalesce(expires_at, %(now)s)
WHERE transaction_id = ANY (%(transaction_ids)s::text[]) AND kind = 'authorization' AND NOT withdrawn;

-- name: hold_due
-- Authorisations that waited too long for their clearing, oldest first, held until the transaction ends.
SELECT transaction_id, kind, sequence FROM transactions
WHERE expires_at <= %(now)s
ORDER BY expires_at, transaction_id
LIMIT %(most)s
FOR UPDATE SKIP LOCKED;

-- name: close_due
-- Closes those of these authorisations that something on file has closed, or that may still be cleared with one that follows. Tells what
-- is to be said of the others: one expiry for each customer's part of a purchase, by a number that is free. Whether it came is looked at
-- later. What was committed before they were held is seen, as it would not be by the statement that holds them.
WITH due AS (
    SELECT t.transaction_id, t.kind, t.sequence, t.customer_id, t.by_card, t.card_token, t.at, t.currency, t.merchant_said AS merchant_id,
           t.network, t.network_merchant_id, t.descriptor,
           EXISTS (SELECT FROM transactions AS other
                   WHERE other.transaction_id = t.transaction_id AND NOT other.withdrawn
                     AND other.customer_id IS NOT DISTINCT FROM t.customer_id
                     AND (other.expires_at > %(now)s OR other.kind IN ('purchase', 'decline', 'expiry')
                          OR other.kind = 'clearing' AND other.sequence_count IS NULL)) AS settled
    FROM transactions AS t
    JOIN unnest(%(transaction_ids)s::text[], %(kinds)s::text[], %(sequences)s::int[]) AS held (transaction_id, kind, sequence)
        USING (transaction_id, kind, sequence)
), closed AS (
    UPDATE transactions AS t SET expires_at = CASE WHEN NOT due.settled THEN %(again_at)s::timestamptz END FROM due
    WHERE (t.transaction_id, t.kind, t.sequence) = (due.transaction_id, due.kind, due.sequence)
), told AS (
    SELECT DISTINCT ON (transaction_id, customer_id) * FROM due WHERE NOT settled ORDER BY transaction_id, customer_id, sequence
)
SELECT transaction_id, customer_id, by_card, card_token, at, currency, merchant_id, network, network_merchant_id, descriptor,
       least(%(last)s, row_number() OVER (PARTITION BY transaction_id ORDER BY customer_id) - 1 + (
            SELECT coalesce(max(e.sequence) + 1, 0) FROM transactions AS e
            WHERE e.transaction_id = told.transaction_id AND e.kind = 'expiry' AND e.sequence < %(last)s)) AS sequence
FROM told
ORDER BY transaction_id, customer_id;

-- name: read_grants
-- The grants of these customers and offers, with what else of the customer decides.
SELECT g.grant_id, g.customer_id, g.offer_id, g.granted_at, g.activated_at, g.revoked_at, g.variant
FROM unnest(string_to_array(%(customer_ids)s, ','), string_to_array(%(offer_ids)s, ',')::uuid[]) AS pair (customer_id, offer_id)
JOIN grants AS g USING (customer_id, offer_id);

-- name: read_held
-- Of which offers these customers were ever given a grant.
SELECT customer_id, array_agg(offer_id) AS offers FROM grants
WHERE customer_id = ANY (string_to_array(%(customer_ids)s, ',')) GROUP BY customer_id;

-- name: read_customers
-- Zones of customers, and their consents in order.
SELECT customer_id, c.zone, array_agg(s.at ORDER BY s.at, s.seq) FILTER (WHERE s.at IS NOT NULL) AS changed,
       array_agg(s.given ORDER BY s.at, s.seq) FILTER (WHERE s.at IS NOT NULL) AS given
FROM customers AS c LEFT JOIN consents AS s USING (customer_id)
WHERE customer_id = ANY (string_to_array(%(customer_ids)s, ','))
GROUP BY customer_id, c.zone;

-- name: read_redemptions
-- What is on record of these grants.
SELECT redemption_id, grant_id, completion, offer_id, campaign_id, customer_id, state, wanted_minor, reward_minor, earned_minor,
       written_off_minor, paid_minor, instructed_minor, currency, qualifying_minor, corrected_minor, version, transaction_id, merchant_id,
       account_token, earned_at, payable_at, reason, revision
FROM redemptions WHERE grant_id = ANY (string_to_array(%(grant_ids)s, ',')::uuid[]);

-- name: read_redemption
-- What is on record of one redemption.
SELECT redemption_id, grant_id, completion, offer_id, campaign_id, customer_id, state, wanted_minor, reward_minor, earned_minor,
       written_off_minor, paid_minor, instructed_minor, currency, qualifying_minor, corrected_minor, version, transaction_id, merchant_id,
       account_token, earned_at, payable_at, reason, revision
FROM redemptions WHERE redemption_id = %(redemption_id)s;

-- name: read_corrections
-- What was decided of completions of these grants.
SELECT correction_id, customer_id, offer_id, grant_id, completion, kind, amount_minor, at, transaction_id, merchant_id, purchase_minor
FROM corrections WHERE state = 'approved' AND grant_id = ANY (string_to_array(%(grant_ids)s, ',')::uuid[]);

-- name: forced_purchases
-- Under which offers redemptions were forced for these purchases.
SELECT customer_id, transaction_id, offer_id FROM corrections
WHERE kind = 'force' AND state = 'approved' AND transaction_id = ANY (string_to_array(%(transaction_ids)s, ','));

-- name: copy_redemptions
-- Adds redemptions.
COPY redemptions (redemption_id, grant_id, completion, offer_id, campaign_id, customer_id, state, wanted_minor, reward_minor,
                  earned_minor, written_off_minor, paid_minor, currency, qualifying_minor, corrected_minor, version, transaction_id,
                  merchant_id, account_token, earned_at, payable_at, reason, revision, recorded_at)
FROM STDIN (FORMAT binary);

-- name: update_redemptions
-- Brings redemptions up to date; as they were they are kept.
WITH was AS (
    INSERT INTO redemption_revisions SELECT r.* FROM redemptions AS r WHERE r.redemption_id = ANY (%(redemption_id)s::uuid[])
)
UPDATE redemptions AS r
SET state = u.state, wanted_minor = u.wanted_minor, reward_minor = u.reward_minor, earned_minor = u.earned_minor,
    written_off_minor = u.written_off_minor, qualifying_minor = u.qualifying_minor, corrected_minor = u.corrected_minor, version = u.version,
    transaction_id = u.transaction_id, merchant_id = u.merchant_id, account_token = u.account_token, earned_at = u.earned_at,
    payable_at = u.payable_at, reason = u.reason, revision = u.revision, recorded_at = %(now)s
FROM unnest(%(redemption_id)s::uuid[], %(state)s::text[], %(wanted_minor)s::bigint[], %(reward_minor)s::bigint[],
            %(earned_minor)s::bigint[], %(written_off_minor)s::bigint[], %(qualifying_minor)s::bigint[], %(corrected_minor)s::bigint[],
            %(version)s::int[], %(transaction_id)s::text[], %(merchant_id)s::text[], %(account_token)s::text[], %(earned_at)s::timestamptz[],
            %(payable_at)s::timestamptz[], %(reason)s::text[], %(revision)s::int[])
    AS u (redemption_id, state, wanted_minor, reward_minor, earned_minor, written_off_minor, qualifying_minor, corrected_minor, version,
          transaction_id, merchant_id, account_token, earned_at, payable_at, reason, revision)
WHERE r.redemption_id = u.redemption_id;

-- name: open_offer_pots
-- Makes the rows that count what offers' limited pots gave, with what was given before; their campaigns' pots are held, so none is missed.
-- Nothing was, and nothing need be looked for, where the offer has had the limit from the start.
INSERT INTO offer_pots (offer_id, kind, of, start, stop, redemptions, cost_minor)
SELECT p.offer_id, p.kind, p.of, p.start, p.stop, given.redemptions, given.cost_minor
FROM unnest(%(offer_ids)s::uuid[], %(kinds)s::text[], %(ofs)s::text[], %(starts)s::timestamptz[], %(stops)s::timestamptz[],
            %(from_start)s::bool[]) AS p (offer_id, kind, of, start, stop, from_start),
    LATERAL (SELECT count(*) FILTER (WHERE reward_minor > 0) AS redemptions, coalesce(sum(reward_minor + written_off_minor), 0) AS cost_minor
             FROM redemptions AS r
             WHERE NOT p.from_start AND r.offer_id = p.offer_id AND (p.start IS NULL OR r.earned_at >= p.start AND r.earned_at < p.stop)
               AND (p.kind <> 'merchant' OR coalesce(r.merchant_id, '') = p.of) AND (p.kind <> 'account' OR r.account_token = p.of)) AS given
WHERE NOT EXISTS (SELECT FROM offer_pots AS o WHERE o.offer_id = p.offer_id AND o.kind = p.kind AND o.of = p.of)
ORDER BY p.offer_id, p.kind, p.of
ON CONFLICT DO NOTHING;

-- name: lock_offer_pots
-- What offers' limited pots gave, held until the transaction ends.
SELECT o.offer_id, o.kind, o.of, o.redemptions, o.cost_minor
FROM offer_pots AS o
JOIN unnest(%(offer_ids)s::uuid[], %(kinds)s::text[], %(ofs)s::text[]) AS p (offer_id, kind, of) USING (offer_id, kind, of)
ORDER BY o.offer_id, o.kind, o.of
FOR UPDATE OF o;

-- name: read_given
-- What offers' limited pots gave, without holding them.
SELECT offer_id, kind, of, redemptions, cost_minor FROM given_by_pots(%(pots)s::json);

-- name: add_to_offer_pots
-- Counts what offers' limited pots gave.
UPDATE offer_pots AS o SET redemptions = o.redemptions + d.redemptions, cost_minor = o.cost_minor + d.cost_minor
FROM unnest(%(offer_ids)s::uuid[], %(kinds)s::text[], %(ofs)s::text[], %(redemptions)s::int[], %(costs)s::bigint[])
    AS d (offer_id, kind, of, redemptions, cost_minor)
WHERE o.offer_id = d.offer_id AND o.kind = d.kind AND o.of = d.of;

-- name: count_refusals
-- Counts purchases that earned nothing, by the reason.
INSERT INTO refusal_counts (offer_id, reason, purchases)
SELECT offer_id, reason, purchases
FROM unnest(%(offer_ids)s::uuid[], %(reasons)s::text[], %(purchases)s::bigint[]) AS r (offer_id, reason, purchases)
ORDER BY offer_id, reason
ON CONFLICT (offer_id, reason) DO UPDATE SET purchases = refusal_counts.purchases + excluded.purchases;

-- name: lock_payable
-- Redemptions of these that are owed something now, held until the transaction ends.
SELECT redemption_id, grant_id, completion, offer_id, campaign_id, customer_id, state, wanted_minor, reward_minor, earned_minor,
       written_off_minor, paid_minor, instructed_minor, currency, qualifying_minor, corrected_minor, version, transaction_id, merchant_id,
       account_token, earned_at, payable_at, reason, revision
FROM redemptions
WHERE redemption_id = ANY (%(redemption_ids)s) AND earned_minor > paid_minor AND payable_at <= %(now)s
  AND NOT EXISTS (SELECT FROM payout_waits w WHERE w.redemption_id = redemptions.redemption_id)
ORDER BY redemption_id
FOR UPDATE;

-- name: copy_credits
-- Adds statement credits.
COPY statement_credits (credit_id, redemption_id, customer_id, campaign_id, amount_minor, currency, instructed_at) FROM STDIN (FORMAT binary);

-- name: lock_debts
-- Redemptions of these customers of which more was paid than stands, held until the transaction ends; oldest first.
SELECT redemption_id, grant_id, completion, offer_id, campaign_id, customer_id, state, wanted_minor, reward_minor, earned_minor,
       written_off_minor, paid_minor, instructed_minor, currency, qualifying_minor, corrected_minor, version, transaction_id, merchant_id,
       account_token, earned_at, payable_at, reason, revision
FROM redemptions
WHERE customer_id = ANY (string_to_array(%(customer_ids)s, ',')) AND paid_minor > earned_minor + written_off_minor
  AND paid_minor - instructed_minor > earned_minor + written_off_minor
ORDER BY earned_at, redemption_id
FOR UPDATE;

-- name: copy_offsets
-- Adds what was owed and set against what had been paid too much.
COPY offsets (offset_id, redemption_id, debt_redemption_id, customer_id, amount_minor, currency, settled_at) FROM STDIN (FORMAT binary);

-- name: move_paid
-- Brings up to date what was paid of redemptions and what is on its way, and the state that follows from it.
UPDATE redemptions AS r
SET paid_minor = r.paid_minor + d.paid_minor, instructed_minor = r.instructed_minor + d.instructed_minor,
    state = CASE WHEN r.reward_minor = 0 THEN r.state
                 WHEN r.earned_minor > r.paid_minor + d.paid_minor THEN CASE WHEN r.payable_at > %(now)s THEN 'held' ELSE 'payable' END
                 WHEN r.earned_minor < r.reward_minor THEN 'pending'
                 WHEN r.instructed_minor + d.instructed_minor > 0 THEN 'payable' ELSE 'paid' END
FROM unnest(%(redemption_ids)s::uuid[], %(paid)s::bigint[], %(instructed)s::bigint[]) AS d (redemption_id, paid_minor, instructed_minor)
WHERE r.redemption_id = d.redemption_id;

-- name: release_due
-- Redemptions whose hold is over become payable, oldest first.
WITH due AS (
    SELECT redemption_id FROM redemptions
    WHERE state = 'held' AND earned_minor > paid_minor AND payable_at <= %(now)s
    ORDER BY payable_at, redemption_id
    LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
)
UPDATE redemptions AS r SET state = 'payable' FROM due WHERE r.redemption_id = due.redemption_id
RETURNING r.redemption_id, r.customer_id;

-- name: release_waits
-- Redemptions that are to be paid again, the time for it having come, or of these whatever the time.
WITH due AS (
    SELECT redemption_id FROM payout_waits
    WHERE CASE WHEN %(redemption_id)s::uuid IS NULL THEN due_at <= %(now)s ELSE redemption_id = %(redemption_id)s END
    ORDER BY due_at, redemption_id
    LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM payout_waits AS w USING due WHERE w.redemption_id = due.redemption_id RETURNING w.redemption_id
)
SELECT r.redemption_id, r.customer_id FROM redemptions AS r JOIN gone USING (redemption_id);

-- name: read_credits
-- Statement credits, each with how often credits of its redemption failed or came back, and whether the redemption waits.
SELECT c.credit_id, c.redemption_id, c.customer_id, c.campaign_id, c.amount_minor, c.currency, c.instructed_at
FROM statement_credits AS c WHERE c.credit_id = ANY (%(credit_ids)s);

-- name: read_results
-- What was told of statement credits, of these and of the others of their redemptions.
SELECT c.redemption_id, c.credit_id, t.at, t.result, t.code
FROM statement_credits AS c JOIN credit_results AS t USING (credit_id) WHERE c.redemption_id = ANY (%(redemption_ids)s);

-- name: lock_redemptions
-- Some redemptions, held until the transaction ends.
SELECT redemption_id, grant_id, completion, offer_id, campaign_id, customer_id, state, wanted_minor, reward_minor, earned_minor,
       written_off_minor, paid_minor, instructed_minor, currency, qualifying_minor, corrected_minor, version, transaction_id, merchant_id,
       account_token, earned_at, payable_at, reason, revision
FROM redemptions
WHERE redemption_id = ANY (%(redemption_ids)s)
ORDER BY redemption_id
FOR UPDATE;

-- name: add_results
-- What the card system told of statement credits, each thing once.
INSERT INTO credit_results (credit_id, at, result, code, told_by, recorded_at)
SELECT credit_id, at, result, code, %(told_by)s, %(now)s
FROM unnest(%(credit_ids)s::uuid[], %(moments)s::timestamptz[], %(results)s::text[], %(codes)s::text[]) AS said (credit_id, at, result, code);

-- name: put_waits
-- Redemptions that are not instructed before a moment, or before a person says so.
INSERT INTO payout_waits (redemption_id, due_at, code, failures, since)
SELECT redemption_id, due_at, code, failures, %(now)s
FROM unnest(%(redemption_ids)s::uuid[], %(due)s::timestamptz[], %(codes)s::text[], %(failures)s::integer[])
    AS w (redemption_id, due_at, code, failures)
ON CONFLICT (redemption_id) DO UPDATE SET due_at = excluded.due_at, code = excluded.code, failures = excluded.failures, since = excluded.since;

-- name: end_waits
-- Redemptions that wait no more: they are paid.
DELETE FROM payout_waits WHERE redemption_id = ANY (%(redemption_ids)s);

-- name: count_credits
-- How often these redemptions were instructed.
SELECT redemption_id, count(*) AS credits FROM statement_credits WHERE redemption_id = ANY (%(redemption_ids)s) GROUP BY redemption_id;

-- name: note_retry
-- Who said that a payout is to be tried again, and why.
INSERT INTO payout_retries (redemption_id, reason, decided_by, decided_at) VALUES (%(redemption_id)s, %(reason)s, %(by)s, %(now)s);

-- name: list_waits
-- Redemptions that are owed and not instructed, longest first.
SELECT w.redemption_id, r.customer_id, r.offer_id, r.campaign_id, r.earned_minor - r.paid_minor AS owed_minor, r.currency, w.code, w.failures,
       w.since, w.due_at
FROM payout_waits AS w JOIN redemptions AS r USING (redemption_id)
WHERE (%(after)s::uuid IS NULL OR (w.since, w.redemption_id) > (SELECT since, redemption_id FROM payout_waits WHERE redemption_id = %(after)s))
  AND (NOT %(for_a_person)s OR w.due_at IS NULL) AND r.earned_minor > r.paid_minor
ORDER BY w.since, w.redemption_id
LIMIT %(limit)s;

-- name: read_eligibility
-- All that a verdict about a customer depends on: revisions of offers and merchants, grants, history, refusals, corrections, consent,
-- hold-out, pots, and whether the purchase is on file. A row for each question, in their order; of lists of ids, `;` parts the questions.
-- OFFSET 0 hides from the planner what is asked: it then keeps one plan.
SELECT (SELECT revision FROM revisions WHERE area = 'offers') AS offers_revision,
       (SELECT revision FROM revisions WHERE area = 'campaigns') AS campaigns_revision,
       (SELECT revision FROM revisions WHERE area = 'merchants') AS merchants_revision,
       (SELECT json_agg(g) FROM (
            SELECT grant_id, offer_id, granted_at, activated_at, revoked_at, variant
            FROM grants WHERE customer_id = asked.customer_id AND offer_id = ANY (wanted.offer_ids)) AS g) AS grants,
       (SELECT json_agg(t) FROM (
            SELECT transaction_id, kind, sequence, sequence_count, purchase_id, at, amount_minor, currency, merchant_id, matched_by,
                   network_merchant_id, descriptor, location_id, mcc, zone, brand, channel, country, region, card_product, tip_minor,
                   tax_minor, cash_back_minor, recorded_at, items, offers, card_token, account_token, posted_at
            FROM transactions WHERE customer_id = asked.customer_id AND offers && wanted.offer_ids) AS t) AS transactions,
       (SELECT json_agg(r) FROM (
            SELECT offer_id, grant_id, completion, reason FROM redemptions
            WHERE state = 'rejected' AND grant_id = ANY (ARRAY(
                SELECT grant_id FROM grants WHERE customer_id = asked.customer_id AND offer_id = ANY (wanted.offer_ids)))) AS r) AS refusals,
       (SELECT json_agg(c) FROM (
            SELECT correction_id, offer_id, grant_id, completion, kind, amount_minor, at, transaction_id, merchant_id, purchase_minor
            FROM corrections WHERE state = 'approved' AND customer_id = asked.customer_id AND offer_id = ANY (wanted.offer_ids)) AS c)
           AS corrections,
       (SELECT zone FROM customers WHERE customer_id = asked.customer_id) AS zone,
       (SELECT array_agg(at ORDER BY at, seq) FROM consents WHERE customer_id = asked.customer_id) AS changed,
       (SELECT array_agg(given ORDER BY at, seq) FROM consents WHERE customer_id = asked.customer_id) AS given,
       (SELECT json_agg(campaign_id) FROM holdouts
        WHERE customer_id = asked.customer_id AND held_out AND campaign_id = ANY (wanted.campaign_ids)) AS held_out,
       (SELECT json_object_agg(campaign_id, credit_minor - debit_minor) FROM accounts
        WHERE kind = 'available' AND campaign_id = ANY (wanted.campaign_ids)) AS available,
       (SELECT json_agg(p) FROM given_by_pots(asked.pots::json) AS p) AS pots,
       EXISTS (SELECT FROM transactions
               WHERE transaction_id = asked.transaction_id AND customer_id = asked.customer_id AND NOT withdrawn) AS on_record
FROM (SELECT %(customer_ids)s AS customer_ids, %(transaction_ids)s AS transaction_ids, %(offer_ids)s AS offer_ids,
             %(campaign_ids)s AS campaign_ids, %(pots)s AS pots OFFSET 0) AS said,
     unnest(string_to_array(said.customer_ids, ','), string_to_array(said.transaction_ids, ','), string_to_array(said.offer_ids, ';'),
            string_to_array(said.campaign_ids, ';'), string_to_array(said.pots, ';'))
         WITH ORDINALITY AS asked (customer_id, transaction_id, offer_ids, campaign_ids, pots, place),
     LATERAL (SELECT string_to_array(asked.offer_ids, ',')::uuid[] AS offer_ids,
                     string_to_array(asked.campaign_ids, ',')::uuid[] AS campaign_ids) AS wanted
ORDER BY asked.place;

-- name: read_eligibility_as_of
-- What read_eligibility tells of one question, as it was known at moments: only what was recorded by then, as it was filed then. What pots
-- had refused and what offers' limited pots had given follows from the revisions of redemptions, what budgets had left from the seals of
-- their postings. A row for each moment.
SELECT (SELECT json_agg(g) FROM (
            SELECT grant_id, offer_id, granted_at, CASE WHEN revoked_at <= asked.as_of THEN revoked_at END AS revoked_at, variant,
                   (SELECT min(at) FROM activations WHERE grant_id = grants.grant_id AND recorded_at <= asked.as_of) AS activated_at
            FROM grants WHERE customer_id = asked.customer_id AND offer_id = ANY (asked.offer_ids) AND recorded_at <= asked.as_of
        ) AS g) AS grants,
       (SELECT json_agg(t) FROM (
            SELECT filed.transaction_id, filed.kind, filed.sequence, filed.sequence_count, filed.purchase_id, filed.at, filed.amount_minor,
                   filed.currency, filed.merchant_id, filed.matched_by, filed.network_merchant_id, filed.descriptor, filed.location_id,
                   filed.mcc, filed.zone, filed.brand, filed.channel, filed.country, filed.region, filed.card_product, filed.tip_minor,
                   filed.tax_minor, filed.cash_back_minor, filed.recorded_at, filed.items, filed.offers, filed.card_token,
                   filed.account_token, filed.posted_at
            FROM transactions AS m, filed_as_of(m, asked.as_of) AS filed
            WHERE (m.customer_id = asked.customer_id AND m.offers && asked.offer_ids OR m.transaction_id = ANY (ARRAY(
                    SELECT transaction_id FROM filings WHERE customer_id = asked.customer_id)))
              AND filed.customer_id = asked.customer_id AND m.recorded_at <= asked.as_of AND filed.offers && asked.offer_ids
        ) AS t) AS transactions,
       (SELECT json_agg(r) FROM (
            SELECT DISTINCT ON (redemption_id) offer_id, grant_id, completion, reason, state
            FROM (SELECT * FROM redemptions UNION ALL SELECT * FROM redemption_revisions) AS decided
            WHERE customer_id = asked.customer_id AND offer_id = ANY (asked.offer_ids) AND recorded_at <= asked.as_of
            ORDER BY redemption_id, revision DESC) AS r
        WHERE state = 'rejected') AS refusals,
       (SELECT json_agg(c) FROM (
            SELECT correction_id, offer_id, grant_id, completion, kind, amount_minor, at, transaction_id, merchant_id, purchase_minor
            FROM corrections
            WHERE state = 'approved' AND customer_id = asked.customer_id AND offer_id = ANY (asked.offer_ids)
              AND decided_at <= asked.as_of) AS c) AS corrections,
       (SELECT zone FROM (
            SELECT zone, until, seq FROM customer_zones WHERE customer_id = asked.customer_id AND until > asked.as_of
            UNION ALL SELECT zone, 'infinity', 0 FROM customers WHERE customer_id = asked.customer_id) AS was
        ORDER BY until, seq LIMIT 1) AS zone,
       (SELECT array_agg(at ORDER BY at, seq) FROM consents
        WHERE customer_id = asked.customer_id AND recorded_at <= asked.as_of) AS changed,
       (SELECT array_agg(given ORDER BY at, seq) FROM consents
        WHERE customer_id = asked.customer_id AND recorded_at <= asked.as_of) AS given,
       (SELECT json_agg(campaign_id) FROM holdouts
        WHERE customer_id = asked.customer_id AND held_out AND campaign_id = ANY (asked.campaign_ids) AND drawn_at <= asked.as_of) AS held_out,
       (SELECT json_object_agg(campaign_id, available_minor) FROM unnest(asked.campaign_ids) AS c (campaign_id), LATERAL (
            SELECT available_minor FROM seals WHERE campaign_id = c.campaign_id AND recorded_at <= asked.as_of
            ORDER BY recorded_at DESC, number DESC LIMIT 1) AS last) AS available,
       (SELECT json_agg(json_build_object('offer_id', p.offer_id, 'kind', p.kind, 'of', p.of, 'redemptions', given.redemptions,
                                          'cost_minor', given.cost_minor))
        FROM json_to_recordset(asked.pots::json) AS p (offer_id uuid, kind text, of text, start timestamptz, stop timestamptz),
            LATERAL (
                SELECT count(*) FILTER (WHERE reward_minor > 0) AS redemptions, coalesce(sum(reward_minor + written_off_minor), 0) AS cost_minor
                FROM (SELECT offer_id, reward_minor, written_off_minor, earned_at, merchant_id, account_token FROM redemptions
                      WHERE recorded_at <= asked.as_of
                      UNION ALL SELECT r.offer_id, was.* FROM redemptions AS r, LATERAL (
                          SELECT reward_minor, written_off_minor, earned_at, merchant_id, account_token FROM redemption_revisions
                          WHERE redemption_id = r.redemption_id AND recorded_at <= asked.as_of ORDER BY revision DESC LIMIT 1) AS was
                      WHERE r.recorded_at > asked.as_of AND r.revision > 1) AS r
                WHERE r.offer_id = p.offer_id AND (p.start IS NULL OR r.earned_at >= p.start AND r.earned_at < p.stop)
                  AND (p.kind <> 'merchant' OR coalesce(r.merchant_id, '') = p.of) AND (p.kind <> 'account' OR r.account_token = p.of)
                ) AS given) AS pots,
       EXISTS (SELECT FROM transactions WHERE transaction_id = asked.transaction_id AND customer_id = asked.customer_id
               AND recorded_at <= asked.as_of) AS on_record
FROM (SELECT said.*, moment.as_of, moment.place
      FROM (SELECT %(customer_id)s AS customer_id, %(transaction_id)s AS transaction_id,
                   string_to_array(%(offer_ids)s, ',')::uuid[] AS offer_ids, string_to_array(%(campaign_ids)s, ',')::uuid[] AS campaign_ids,
                   %(pots)s AS pots, %(moments)s::timestamptz[] AS moments OFFSET 0) AS said,
           unnest(said.moments) WITH ORDINALITY AS moment (as_of, place)) AS asked
ORDER BY asked.place;

-- name: read_messages_as_of
-- All that was on file by a moment with this transaction id, or of the purchase of this id, as it was filed then; and since when it was
-- known to be of the customer whose it was then.
SELECT filed.transaction_id, filed.kind, filed.sequence, filed.sequence_count, filed.purchase_id, filed.customer_id, filed.at,
       filed.amount_minor, filed.currency, filed.merchant_id, filed.matched_by, filed.network_merchant_id, filed.descriptor,
       filed.location_id, filed.mcc, filed.zone, filed.brand, filed.channel, filed.country, filed.region, filed.card_product,
       filed.tip_minor, filed.tax_minor, filed.cash_back_minor, filed.items, filed.offers, filed.recorded_at, filed.card_token,
       filed.account_token, filed.posted_at, filed.filed_at,
       greatest(filed.recorded_at, (
            SELECT max(until) FROM filings AS f
            WHERE (transaction_id, kind, sequence) = (m.transaction_id, m.kind, m.sequence) AND until <= %(as_of)s
              AND (f.customer_id IS DISTINCT FROM filed.customer_id OR f.withdrawn))) AS since
FROM transactions AS m, filed_as_of(m, %(as_of)s) AS filed
WHERE (m.transaction_id = %(transaction_id)s OR m.kind = 'refund' AND m.purchase_id = %(transaction_id)s
       OR m.transaction_id = ANY (ARRAY(SELECT transaction_id FROM filings WHERE purchase_id = %(transaction_id)s)))
  AND m.recorded_at <= %(as_of)s AND NOT filed.withdrawn AND %(transaction_id)s IN (m.transaction_id, filed.purchase_id)
  AND filed.customer_id = coalesce(%(customer_id)s, filed.customer_id);

-- name: read_withdrawn
-- Since when a purchase stands no more that was withdrawn by a moment.
SELECT filed.filed_at AS at FROM transactions AS m, filed_as_of(m, %(as_of)s) AS filed
WHERE m.transaction_id = %(transaction_id)s AND m.kind <> 'refund' AND m.recorded_at <= %(as_of)s AND filed.withdrawn
ORDER BY filed.filed_at DESC LIMIT 1;

-- name: read_record
-- All that was decided by a moment about redemptions that a purchase completed at any time, oldest first.
SELECT redemption_id, grant_id, completion, offer_id, campaign_id, customer_id, state, wanted_minor, reward_minor, earned_minor,
       written_off_minor, paid_minor, instructed_minor, currency, qualifying_minor, corrected_minor, version, transaction_id, merchant_id, account_token,
       earned_at, payable_at, reason, revision, recorded_at
FROM (SELECT r.*, bool_or(r.transaction_id = asked.transaction_id) OVER (PARTITION BY r.redemption_id) AS of_the_purchase
      FROM (SELECT %(customer_id)s AS customer_id, %(transaction_id)s AS transaction_id,
                   string_to_array(%(offer_ids)s, ',')::uuid[] AS offer_ids, %(as_of)s::timestamptz AS as_of OFFSET 0) AS asked,
           LATERAL (SELECT * FROM redemptions UNION ALL SELECT * FROM redemption_revisions) AS r
      WHERE r.customer_id = asked.customer_id AND r.offer_id = ANY (asked.offer_ids) AND r.recorded_at <= asked.as_of) AS decided
WHERE of_the_purchase
ORDER BY recorded_at, redemption_id, revision;

-- name: read_payments
-- What was instructed to be credited of redemptions by a moment, confirmed, failed or returned, set against debts, or recovered.
SELECT redemption_id, at, what, amount_minor
FROM (SELECT redemption_id, instructed_at, 'instructed', amount_minor FROM statement_credits
      UNION ALL SELECT c.redemption_id, t.recorded_at, t.result, c.amount_minor FROM statement_credits AS c JOIN credit_results AS t USING (credit_id)
      UNION ALL SELECT redemption_id, settled_at, 'set_off', amount_minor FROM offsets
      UNION ALL SELECT debt_redemption_id, settled_at, 'recovered', amount_minor FROM offsets) AS p (redemption_id, at, what, amount_minor)
WHERE redemption_id = ANY (string_to_array(%(redemption_ids)s, ',')::uuid[]) AND at <= %(as_of)s
ORDER BY at, redemption_id, what;

-- name: read_known_since
-- What was recorded after one moment and by another, beside messages, of all that a decision on a purchase depends on.
SELECT known.what, known.offer_id, known.at, known.recorded_at, known.detail, known.amount_minor
FROM (SELECT %(customer_id)s AS customer_id, %(transaction_id)s AS transaction_id, string_to_array(%(offer_ids)s, ',')::uuid[] AS offer_ids,
             string_to_array(%(campaign_ids)s, ',')::uuid[] AS campaign_ids, %(at)s::timestamptz AS at, %(since)s::timestamptz AS since,
             %(as_of)s::timestamptz AS as_of OFFSET 0) AS asked,
     LATERAL (
      SELECT 'grant', offer_id, granted_at, recorded_at, NULL, NULL::bigint FROM grants
      WHERE customer_id = asked.customer_id AND offer_id = ANY (asked.offer_ids)
      UNION ALL SELECT 'activation', offer_id, a.at, a.recorded_at, NULL, NULL FROM grants JOIN activations AS a USING (grant_id)
      WHERE customer_id = asked.customer_id AND offer_id = ANY (asked.offer_ids)
      UNION ALL SELECT CASE WHEN given THEN 'consent' ELSE 'opt_out' END, NULL, at, recorded_at, NULL, NULL FROM consents
      WHERE customer_id = asked.customer_id AND at <= asked.at
      UNION ALL SELECT 'zone', NULL, until, until, coalesce(zone, 'none'), NULL FROM customer_zones WHERE customer_id = asked.customer_id
      UNION ALL SELECT 'version', offer_id, decided_at, decided_at, version::text, NULL FROM offer_versions AS v
      WHERE state = 'approved' AND offer_id = ANY (asked.offer_ids) AND (decided_at <= asked.at OR version = (
            SELECT min(version) FROM offer_versions AS first WHERE first.offer_id = v.offer_id AND first.state = 'approved'))
      UNION ALL SELECT 'withdrawal', offer_id, withdrawn_at, withdrawn_at, NULL, NULL FROM offers
      WHERE offer_id = ANY (asked.offer_ids) AND withdrawn_at <= asked.at
      UNION ALL SELECT 'campaign', NULL, at, recorded_at, to_state, NULL FROM campaign_history
      WHERE campaign_id = ANY (asked.campaign_ids) AND from_state <> to_state AND at <= asked.at
      UNION ALL SELECT 'correction', offer_id, decided_at, decided_at, kind, NULL FROM corrections
      WHERE customer_id = asked.customer_id AND offer_id = ANY (asked.offer_ids) AND transaction_id = asked.transaction_id
        AND state = 'approved'
      UNION ALL SELECT DISTINCT 'place', NULL::uuid, was.until, was.until,
             concat_ws(', ', 'time zone ' || nullif(filed.zone, was.zone), 'category ' || nullif(filed.mcc, was.mcc),
                       'country ' || nullif(filed.country, was.country), 'region ' || nullif(filed.region, was.region)), NULL::bigint
      FROM transactions AS m JOIN filings AS was USING (transaction_id, kind, sequence), filed_as_of(m, was.until) AS filed
      WHERE m.transaction_id = asked.transaction_id AND was.content_hash = filed.content_hash
        AND (was.merchant_id, was.matched_by) IS NOT DISTINCT FROM (filed.merchant_id, filed.matched_by)
        AND (was.zone, was.mcc, was.country, was.region) IS DISTINCT FROM (filed.zone, filed.mcc, filed.country, filed.region)
      UNION ALL SELECT DISTINCT 'match', NULL::uuid, was.until, was.until, coalesce(was.merchant_id, 'unknown'), NULL::bigint
      FROM transactions AS m JOIN filings AS was USING (transaction_id, kind, sequence), filed_as_of(m, was.until) AS filed
      WHERE m.transaction_id = asked.transaction_id AND NOT was.withdrawn AND NOT filed.withdrawn
        AND (was.merchant_id, was.matched_by) IS DISTINCT FROM (filed.merchant_id, filed.matched_by)
      UNION ALL SELECT CASE WHEN filed.withdrawn THEN 'withdrawn' WHEN was.withdrawn THEN 'told_again' ELSE 'restated' END, NULL::uuid, was.at,
                       was.until, was.currency::text, was.amount_minor
      FROM transactions AS m JOIN filings AS was USING (transaction_id, kind, sequence), filed_as_of(m, was.until) AS filed
      WHERE asked.transaction_id IN (m.transaction_id, was.purchase_id)
        AND (was.content_hash, was.withdrawn) IS DISTINCT FROM (filed.content_hash, filed.withdrawn)
     ) AS known (what, offer_id, at, recorded_at, detail, amount_minor)
WHERE known.recorded_at > asked.since AND known.recorded_at <= asked.as_of
ORDER BY known.recorded_at, known.what, known.at, known.offer_id, known.detail, known.amount_minor;

-- name: list_unmatched
-- Refunds that are matched with no purchase: those that wait for one, or those of one reason, with what was decided of them.
SELECT t.transaction_id, t.customer_id, t.merchant_id, t.card_token, t.at, t.recorded_at, t.amount_minor, t.currency,
       t.purchase_id, t.unmatched, d.decisions
FROM transactions AS t, LATERAL (
    SELECT coalesce(json_agg(json_build_object('decision', decision, 'purchase_id', purchase_id, 'reason', reason,
                                               'decided_by', decided_by, 'decided_at', decided_at) ORDER BY seq), '[]')::text AS decisions
    FROM refund_decisions AS d WHERE d.transaction_id = t.transaction_id) AS d
WHERE t.unmatched IS NOT NULL AND NOT t.withdrawn AND CASE WHEN %(reason)s::text IS NULL THEN t.loose ELSE t.unmatched = %(reason)s END
  AND t.recorded_at <= %(before)s AND (%(after)s::text IS NULL OR t.transaction_id > %(after)s)
ORDER BY t.transaction_id
LIMIT %(limit)s;

-- name: read_refund
-- One refund with what was decided of it.
SELECT t.transaction_id, t.customer_id, t.merchant_id, t.card_token, t.at, t.recorded_at, t.amount_minor, t.currency,
       t.purchase_id, t.unmatched, d.decisions
FROM transactions AS t, LATERAL (
    SELECT coalesce(json_agg(json_build_object('decision', decision, 'purchase_id', purchase_id, 'reason', reason,
                                               'decided_by', decided_by, 'decided_at', decided_at) ORDER BY seq), '[]')::text AS decisions
    FROM refund_decisions AS d WHERE d.transaction_id = t.transaction_id) AS d
WHERE t.transaction_id = %(transaction_id)s AND t.kind = 'refund' AND NOT t.withdrawn;

-- name: count_waiting
-- How many refunds wait for a purchase, by reason and currency, and since when.
SELECT unmatched AS reason, currency, count(*) AS refunds, sum(amount_minor)::bigint AS amount_minor, min(recorded_at) AS oldest_at
FROM transactions WHERE unmatched IS NOT NULL AND loose GROUP BY unmatched, currency ORDER BY unmatched, currency;

-- name: read_let_go
-- How many refunds waited too long for a purchase.
SELECT reason, currency, refunds, amount_minor FROM refunds_let_go ORDER BY reason, currency;

-- name: decide_refund
-- Keeps what a person decided of a refund.
INSERT INTO refund_decisions (transaction_id, decision, purchase_id, reason, decided_by, decided_at)
VALUES (%(transaction_id)s, %(decision)s, %(purchase_id)s, %(reason)s, %(by)s, %(now)s);

-- name: overdue_refunds
-- Refunds under no offer that have waited since before a moment and of which nobody decided, oldest first, each with its customer or card.
-- One that was under an offer before stays: what was known at past moments holds it.
SELECT t.transaction_id, coalesce(t.customer_id, t.card_token) AS whose
FROM transactions AS t
WHERE t.kind = 'refund' AND t.offers = '{}' AND NOT t.withdrawn AND t.recorded_at <= %(before)s
  AND NOT EXISTS (SELECT FROM refund_decisions AS d WHERE d.transaction_id = t.transaction_id)
  AND NOT EXISTS (SELECT FROM filings AS f WHERE f.transaction_id = t.transaction_id AND f.kind = 'refund' AND f.offers <> '{}')
ORDER BY t.recorded_at, t.transaction_id
LIMIT %(most)s;

-- name: let_refunds_go
-- Takes these refunds out of the history, where they are under no offer still, and counts them.
WITH gone AS (
    DELETE FROM transactions AS t
    WHERE t.transaction_id = ANY (string_to_array(%(transaction_ids)s, ',')) AND t.kind = 'refund' AND t.offers = '{}' AND NOT t.withdrawn
    RETURNING coalesce(t.unmatched, %(unnamed)s) AS reason, t.currency, t.amount_minor
), counted AS (
    INSERT INTO refunds_let_go AS l (reason, currency, refunds, amount_minor)
    SELECT reason, currency, count(*), sum(amount_minor) FROM gone GROUP BY reason, currency ORDER BY reason, currency
    ON CONFLICT (reason, currency) DO UPDATE
    SET refunds = l.refunds + excluded.refunds, amount_minor = l.amount_minor + excluded.amount_minor
)
SELECT count(*) AS refunds FROM gone;
