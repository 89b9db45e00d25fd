-- name: lock_lines
-- What was said under these references of a partner, held until the transaction ends.
SELECT reference, redemption_id, at, state FROM partner_lines
WHERE partner = %(partner)s AND record = %(record)s AND reference = ANY (%(references)s)
ORDER BY reference FOR UPDATE;

-- name: put_lines
-- What a partner says, each reference once: the latest by its moment holds.
INSERT INTO partner_lines (partner, record, reference, redemption_id, amount_minor, currency, at, state, recorded_at)
SELECT %(partner)s, %(record)s, reference, redemption_id, amount_minor, currency, at, state, %(now)s
FROM unnest(%(references)s::text[], %(redemption_ids)s::uuid[], %(amounts)s::bigint[], %(currencies)s::text[], %(moments)s::timestamptz[],
            %(states)s::text[]) AS l (reference, redemption_id, amount_minor, currency, at, state)
ORDER BY reference
ON CONFLICT (partner, record, reference) DO UPDATE
    SET amount_minor = excluded.amount_minor, currency = excluded.currency, at = excluded.at, state = excluded.state,
        recorded_at = excluded.recorded_at
    WHERE (excluded.at, excluded.state) > (partner_lines.at, partner_lines.state);

-- name: sides
-- Redemptions of a period in all records, in their order, those left out in which all agree.
WITH chosen AS (
    SELECT campaign_id FROM campaigns
    WHERE CASE WHEN %(campaign_id)s::uuid IS NULL
               THEN campaign_id IN (SELECT r.campaign_id FROM redemptions r JOIN partner_lines l USING (redemption_id) WHERE l.partner = %(partner)s)
               ELSE campaign_id = %(campaign_id)s END
), ours AS (
    SELECT r.redemption_id, r.earned_minor + r.written_off_minor AS minor, r.currency, r.earned_at, r.payable_at
    FROM redemptions r JOIN chosen USING (campaign_id)
    WHERE r.earned_at >= %(earned_from)s AND r.earned_at < %(earned_to)s AND r.state <> 'rejected'
), told AS (
    SELECT l.redemption_id, l.record, coalesce(sum(l.amount_minor) FILTER (WHERE l.state = 'confirmed'), 0)::bigint AS minor,
           min(l.currency) AS currency, count(*) FILTER (WHERE l.state = 'confirmed') AS times, min(l.at) AS at
    FROM partner_lines l
    WHERE l.partner = %(partner)s
      AND (l.redemption_id IN (SELECT redemption_id FROM ours)
           OR %(campaign_id)s::uuid IS NULL AND l.at >= %(earned_from)s AND l.at < %(earned_to)s
              AND NOT EXISTS (SELECT FROM redemptions r WHERE r.redemption_id = l.redemption_id))
    GROUP BY l.redemption_id, l.record
), results AS (
    SELECT DISTINCT ON (c.credit_id) c.credit_id, c.redemption_id, c.amount_minor, t.at, t.result
    FROM ours o JOIN statement_credits c USING (redemption_id) JOIN credit_results t USING (credit_id)
    ORDER BY c.credit_id, t.at DESC, array_position(ARRAY['failed', 'paid', 'returned'], t.result) DESC
), cards AS (
    SELECT redemption_id, sum(minor)::bigint AS minor, sum(times)::bigint AS times, min(at) AS at
    FROM (SELECT redemption_id, CASE result WHEN 'paid' THEN amount_minor ELSE 0 END AS minor, (result = 'paid')::int AS times, at FROM results
          UNION ALL SELECT o.redemption_id, f.amount_minor, 0, f.settled_at FROM ours o JOIN offsets f USING (redemption_id)
          UNION ALL SELECT o.redemption_id, -f.amount_minor, 0, f.settled_at FROM ours o JOIN offsets f ON f.debt_redemption_id = o.redemption_id
    ) AS credited GROUP BY redemption_id
)
SELECT coalesce(o.redemption_id, p.redemption_id, s.redemption_id) AS redemption_id,
       o.minor AS ours_minor, o.currency, o.earned_at, o.payable_at,
       p.minor AS partner_minor, p.currency AS partner_currency, p.times AS partner_times, p.at AS partner_at,
       s.minor AS settlement_minor, s.currency AS settlement_currency, s.times AS settlement_times, s.at AS settlement_at,
       c.minor AS cards_minor, o.currency AS cards_currency, c.times AS cards_times, c.at AS cards_at
FROM ours o
FULL JOIN (SELECT * FROM told WHERE record = 'redemptions') AS p ON p.redemption_id = o.redemption_id
FULL JOIN (SELECT * FROM told WHERE record = 'settlement') AS s ON s.redemption_id = coalesce(o.redemption_id, p.redemption_id)
LEFT JOIN cards c ON c.redemption_id = o.redemption_id
WHERE (%(after)s::uuid IS NULL OR coalesce(o.redemption_id, p.redemption_id, s.redemption_id) > %(after)s)
  AND ((coalesce(o.minor, 0), coalesce(o.minor, 0), coalesce(o.minor, 0))
           <> (coalesce(p.minor, 0), coalesce(s.minor, 0), coalesce(c.minor, 0))
       OR o.currency <> p.currency AND p.minor > 0 OR o.currency <> s.currency AND s.minor > 0)
ORDER BY 1
LIMIT %(limit)s;

-- name: totals
-- What each record of the period comes to, by currency.
WITH chosen AS (
    SELECT campaign_id FROM campaigns
    WHERE CASE WHEN %(campaign_id)s::uuid IS NULL
               THEN campaign_id IN (SELECT r.campaign_id FROM redemptions r JOIN partner_lines l USING (redemption_id) WHERE l.partner = %(partner)s)
               ELSE campaign_id = %(campaign_id)s END
), ours AS (
    SELECT r.redemption_id, r.earned_minor + r.written_off_minor AS minor, r.currency, r.paid_minor - r.instructed_minor AS confirmed_minor
    FROM redemptions r JOIN chosen USING (campaign_id)
    WHERE r.earned_at >= %(earned_from)s AND r.earned_at < %(earned_to)s AND r.state <> 'rejected'
)
SELECT 'ours' AS record, currency, count(*) FILTER (WHERE minor > 0) AS redemptions, sum(minor)::bigint AS amount_minor
FROM ours GROUP BY currency
UNION ALL
SELECT 'cards', currency, count(*) FILTER (WHERE confirmed_minor > 0), sum(confirmed_minor)::bigint FROM ours GROUP BY currency
UNION ALL
SELECT CASE l.record WHEN 'redemptions' THEN 'partner' ELSE 'settlement' END, l.currency, count(DISTINCT l.redemption_id),
       sum(l.amount_minor)::bigint
FROM partner_lines l
WHERE l.partner = %(partner)s AND l.state = 'confirmed'
  AND (l.redemption_id IN (SELECT redemption_id FROM ours)
       OR %(campaign_id)s::uuid IS NULL AND l.at >= %(earned_from)s AND l.at < %(earned_to)s
          AND NOT EXISTS (SELECT FROM redemptions r WHERE r.redemption_id = l.redemption_id))
GROUP BY l.record, l.currency
ORDER BY 1, 2;
