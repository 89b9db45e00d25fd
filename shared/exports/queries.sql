-- name: add_export
-- Plans an export; nothing where one of its partner and kind is on its way, or was planned for the same moment of the schedule.
INSERT INTO exports (export_id, partner, kind, scope, format, layout, gzip, pgp, token_key, day, sequence, asked_by, due_at, state, planned_at,
                     ack_hours)
SELECT %(export_id)s, %(partner)s, %(kind)s, %(scope)s, %(format)s, %(layout)s, %(gzip)s, %(pgp)s, %(token_key)s, %(day)s,
       coalesce((SELECT max(sequence) FROM exports WHERE partner = %(partner)s AND kind = %(kind)s AND day = %(day)s), 0) + 1,
       %(asked_by)s, %(due_at)s, 'planned', %(planned_at)s, %(ack_hours)s
ON CONFLICT DO NOTHING
RETURNING sequence;

-- name: read_export
-- One export.
SELECT * FROM exports WHERE export_id = %(export_id)s;

-- name: lock_export
-- One export, held until the transaction ends.
SELECT * FROM exports WHERE export_id = %(export_id)s FOR UPDATE;

-- name: find_export
-- The export of a partner by what its file's name says.
SELECT * FROM exports WHERE partner = %(partner)s AND kind = %(kind)s AND day = %(day)s AND sequence = %(sequence)s;

-- name: is_planned
-- Whether an export was planned for a moment of the schedule.
SELECT EXISTS (SELECT FROM exports WHERE partner = %(partner)s AND kind = %(kind)s AND due_at >= %(due_at)s) AS planned;

-- name: list_exports
-- Exports, newest first, with whatever is asked of them.
SELECT * FROM exports
WHERE (%(before)s::uuid IS NULL OR (planned_at, export_id) < (SELECT planned_at, export_id FROM exports WHERE export_id = %(before)s))
  AND (%(partner)s::text IS NULL OR partner = %(partner)s)
  AND (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
ORDER BY planned_at DESC, export_id DESC
LIMIT %(limit)s;

-- name: update_export
-- Brings an export up to date.
UPDATE exports
SET state = %(state)s, allowed = %(allowed)s, records = %(records)s, size = %(size)s, sha256 = %(sha256)s, withheld = %(withheld)s,
    problems = %(problems)s, written_at = %(written_at)s, overdue_at = %(overdue_at)s, closed_at = %(closed_at)s
WHERE export_id = %(export_id)s;

-- name: settled
-- Those of some exports whose parts nobody needs any more: they are written, or over.
SELECT * FROM exports WHERE export_id = ANY (%(export_ids)s) AND state NOT IN ('planned', 'writing');

-- name: lock_overdue
-- Written exports whose answer did not come in time and was not told to be overdue.
SELECT * FROM exports
WHERE state = 'written' AND overdue_at IS NULL AND written_at + ack_hours * interval '1 hour' <= %(now)s
ORDER BY written_at LIMIT %(most)s FOR UPDATE;

-- name: add_parts
-- The parts of an export.
INSERT INTO export_parts (export_id, number, sources, against, may_repeat)
SELECT %(export_id)s, number, string_to_array(sources, ','), string_to_array(against, ','), may_repeat
FROM unnest(%(numbers)s::integer[], %(sources)s::text[], %(against)s::text[], %(may_repeat)s::boolean[])
    AS p (number, sources, against, may_repeat);

-- name: read_parts
-- The parts of an export, in order.
SELECT number, sources, against, may_repeat, object, generation, size, totals, withheld FROM export_parts WHERE export_id = %(export_id)s ORDER BY number;

-- name: read_part
-- One part of an export.
SELECT number, sources, against, may_repeat, object, generation, size, totals, withheld FROM export_parts
WHERE export_id = %(export_id)s AND number = %(number)s;

-- name: part_written
-- A part was written; nothing where it was before.
UPDATE export_parts
SET object = %(object)s, generation = %(generation)s, size = %(size)s, totals = %(totals)s, withheld = %(withheld)s, written_at = %(now)s
WHERE export_id = %(export_id)s AND number = %(number)s AND object IS NULL
RETURNING number;

-- name: count_open_parts
-- How many parts of an export are not written yet.
SELECT count(*) AS parts FROM export_parts WHERE export_id = %(export_id)s AND object IS NULL;

-- name: progress
-- How far the parts of exports are.
SELECT export_id, count(*) AS parts, count(object) AS parts_written FROM export_parts
WHERE export_id = ANY (%(export_ids)s) GROUP BY export_id;

-- name: add_lake_items
-- The parts of the lake that go into an export: all there are, or those that the partner has not acknowledged.
INSERT INTO export_items (export_id, key, version)
SELECT %(export_id)s, l.name, '' FROM lake_parts l
WHERE l.kind = %(kind)s
  AND (%(scope)s = 'full' OR NOT EXISTS (
    SELECT FROM export_known k WHERE k.partner = %(partner)s AND k.kind = %(kind)s AND k.key = l.name));

-- name: read_lake_items
-- The parts of the lake that go into an export, as they lie there; those of files first.
SELECT l.name, l.day, l.from_file, l.object, l.first_row, l.records FROM export_items i JOIN lake_parts l ON l.name = i.key
WHERE i.export_id = %(export_id)s ORDER BY l.from_file DESC, l.object, l.first_row;

-- name: known_lake_parts
-- What a partner has acknowledged of some days of the lake: what events told, of some of the days all.
SELECT l.name, l.day, l.from_file, l.object, l.first_row, l.records
FROM lake_parts l JOIN export_known k ON k.partner = %(partner)s AND k.kind = l.kind AND k.key = l.name
WHERE l.kind = %(kind)s AND l.day = ANY (%(days)s) AND (NOT l.from_file OR l.day = ANY (%(whole_days)s))
ORDER BY l.object, l.first_row;

-- name: sources_in_use
-- What parts of exports are made from that are not written yet.
SELECT DISTINCT unnest(p.sources || p.against) AS source FROM exports e JOIN export_parts p USING (export_id)
WHERE e.state = 'writing' AND p.object IS NULL;

-- name: copy_items
-- The records that go into an export.
COPY export_items (export_id, key, version) FROM STDIN (FORMAT binary);

-- name: known
-- As which version a partner knows some records.
SELECT key, version FROM export_known WHERE partner = %(partner)s AND kind = %(kind)s AND key = ANY (%(keys)s);

-- name: acknowledge
-- What an export holds is known to its partner.
INSERT INTO export_known (partner, kind, key, version)
SELECT %(partner)s, %(kind)s, key, version FROM export_items WHERE export_id = %(export_id)s
ON CONFLICT (partner, kind, key) DO UPDATE SET version = excluded.version;

-- name: forget_items
-- What an export holds, once that no longer matters.
DELETE FROM export_items WHERE export_id = %(export_id)s;

-- name: allowed
-- Customers who may be told of, a line each, shard by shard: known, not erased, with consent, and not marked as never to be targeted.
SELECT string_agg(customer_id, E'\n') AS ids FROM customers
WHERE consent AND erased_at IS NULL AND NOT attributes @> '{"do_not_target": true}'
GROUP BY shard ORDER BY shard;

-- name: merchants
-- Merchants with their places, of a delta those that are not as the partner knows them.
SELECT key, version, merchant_id, name, brand, mcc, location_id, zone, country, region, city
FROM (
    SELECT m.merchant_id AS key, m.merchant_id, m.name, m.brand, m.mcc, l.location_id, l.zone, l.country, l.region, l.city,
           md5(string_agg((m.merchant_id, m.name, m.brand, m.mcc, l.location_id, l.zone, l.country, l.region, l.city)::text, E'\n')
               OVER (PARTITION BY m.merchant_id ORDER BY l.location_id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) AS version
    FROM merchants m LEFT JOIN locations l USING (merchant_id)
) AS told
WHERE %(scope)s = 'full' OR NOT EXISTS (
    SELECT FROM export_known k
    WHERE k.partner = %(partner)s AND k.kind = 'merchants' AND k.key = told.key AND k.version = told.version)
ORDER BY merchant_id, location_id;

-- name: redemptions
-- Redemptions as they stand, of a delta those that are not as the partner knows them.
SELECT key, version, redemption_id, grant_id, offer_id, campaign_id, customer_id, account_token, transaction_id, merchant_id, state,
       currency, reason, reward, earned, instructed, paid, revision, earned_at, payable_at
FROM (
    SELECT redemption_id::text AS key, concat_ws('/', revision, state, paid_minor, instructed_minor) AS version,
           'rdm_' || replace(redemption_id::text, '-', '') AS redemption_id, 'grn_' || replace(grant_id::text, '-', '') AS grant_id,
           'off_' || replace(offer_id::text, '-', '') AS offer_id, 'cmp_' || replace(campaign_id::text, '-', '') AS campaign_id,
           customer_id, account_token, transaction_id, merchant_id, state, currency::text AS currency, reason,
           reward_minor AS reward, earned_minor AS earned, instructed_minor AS instructed, paid_minor - instructed_minor AS paid,
           revision::bigint AS revision, earned_at, payable_at
    FROM redemptions
) AS told
WHERE %(scope)s = 'full' OR NOT EXISTS (
    SELECT FROM export_known k
    WHERE k.partner = %(partner)s AND k.kind = 'redemptions' AND k.key = told.key AND k.version = told.version)
ORDER BY key;

-- name: credits
-- Statement credits that were instructed, of a delta those that the partner has not acknowledged.
SELECT c.credit_id::text AS key, '' AS version, 'crd_' || replace(c.credit_id::text, '-', '') AS credit_id,
       'rdm_' || replace(c.redemption_id::text, '-', '') AS redemption_id, c.customer_id, r.account_token,
       'cmp_' || replace(c.campaign_id::text, '-', '') AS campaign_id, c.currency::text AS currency, c.amount_minor AS amount,
       c.instructed_at
FROM statement_credits c JOIN redemptions r USING (redemption_id)
WHERE %(scope)s = 'full' OR NOT EXISTS (
    SELECT FROM export_known k WHERE k.partner = %(partner)s AND k.kind = 'credits' AND k.key = c.credit_id::text)
ORDER BY c.credit_id;
