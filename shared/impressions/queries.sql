-- name: add_impressions
-- Stores the impressions that are new and counts them, and only them; rows go in in key order, so that two batches wait and never deadlock.
WITH incoming AS (
    SELECT * FROM unnest(%(ids)s::text[], %(kinds)s::text[], %(customers)s::text[], %(offers)s::uuid[], %(channels)s::text[],
                         %(placements)s::text[], %(moments)s::timestamptz[], %(versions)s::int[], %(variants)s::text[])
        WITH ORDINALITY AS i (impression_id, kind, customer_id, offer_id, channel, placement, at, version, variant, place)
), added AS (
    INSERT INTO impressions (impression_id, kind, customer_id, offer_id, channel, placement, at, recorded_at, version, variant)
    SELECT impression_id, kind, customer_id, offer_id, channel, placement, at, %(now)s, version, variant
    FROM incoming ORDER BY impression_id, place
    ON CONFLICT (impression_id) DO NOTHING
    RETURNING offer_id, channel, placement, kind, customer_id, at, variant
), counted AS (
    INSERT INTO impression_counts AS c (offer_id, channel, placement, kind, hour, variant, impressions)
    SELECT offer_id, channel, placement, kind, date_trunc('hour', at, 'UTC') AS hour, variant, count(*)
    FROM added GROUP BY offer_id, channel, placement, kind, hour, variant ORDER BY offer_id, channel, placement, kind, hour, variant
    ON CONFLICT (offer_id, channel, placement, kind, hour, variant) DO UPDATE SET impressions = c.impressions + excluded.impressions
), reached AS (
    INSERT INTO impression_reach (offer_id, kind, customer_id, channel, variant)
    SELECT DISTINCT offer_id, kind, customer_id, channel, variant FROM added ORDER BY offer_id, kind, customer_id, channel, variant
    ON CONFLICT DO NOTHING
)
SELECT count(*) AS new FROM added;

-- name: known_offers
-- Which of these offers there are.
SELECT offer_id FROM offers WHERE offer_id = ANY (%(offer_ids)s);
