-- name: open_accounts
-- The accounts of a campaign and of its currency, where they are not there yet.
INSERT INTO accounts (kind, campaign_id, currency)
SELECT kind, CASE kind WHEN 'funding' THEN NULL ELSE %(campaign_id)s::uuid END, %(currency)s
FROM unnest(ARRAY['funding', 'available', 'reserved', 'payable', 'instructed', 'paid']) AS kind
ON CONFLICT DO NOTHING;

-- name: lock_pots
-- The pots of campaigns, in one order for all: whoever holds a campaign's available account may move its money.
SELECT campaign_id FROM accounts
WHERE kind = 'available' AND campaign_id = ANY (%(campaign_ids)s)
ORDER BY account_no
FOR UPDATE;

-- name: read_accounts
-- The accounts of campaigns, the funding accounts of their currencies, and the last seal of each.
SELECT pot.campaign_id, pot.currency, a.kind, a.account_no, a.credit_minor - a.debit_minor AS balance_minor, a.credit_minor,
       last.number AS sealed, last.hash AS seal_hash
FROM accounts AS pot
JOIN accounts AS a ON a.campaign_id = pot.campaign_id OR (a.kind = 'funding' AND a.currency = pot.currency)
LEFT JOIN LATERAL (
    SELECT number, hash FROM seals WHERE campaign_id = pot.campaign_id ORDER BY number DESC LIMIT 1) AS last ON true
WHERE pot.kind = 'available' AND pot.campaign_id = ANY (%(campaign_ids)s);

-- name: copy_postings
-- Adds postings.
COPY postings (seal, posting_id, step, debit_account, credit_account, amount_minor, campaign_id, reference, reason, effective_at, recorded_at)
FROM STDIN (FORMAT binary);

-- name: insert_seals
-- Seals the postings just added, campaign by campaign.
INSERT INTO seals (campaign_id, number, postings, hash, recorded_at, available_minor)
SELECT campaign_id, number, postings, hash, %(now)s, available_minor
FROM unnest(%(campaign_ids)s::uuid[], %(numbers)s::int[], %(postings)s::int[], %(hashes)s::bytea[], %(available)s::bigint[])
    AS s (campaign_id, number, postings, hash, available_minor);

-- name: change_reservations
-- Opens reservations and uses them up. What was never reserved becomes a row below nothing, which no_more_than_reserved refuses as well.
WITH change AS (
    SELECT * FROM unnest(%(campaign_ids)s::uuid[], %(references)s::uuid[], %(changes)s::bigint[]) AS c (campaign_id, reference, change_minor)
), used AS (
    UPDATE reservations AS r SET open_minor = r.open_minor + c.change_minor
    FROM change AS c WHERE r.campaign_id = c.campaign_id AND r.reference = c.reference
    RETURNING r.campaign_id, r.reference
)
INSERT INTO reservations (campaign_id, reference, open_minor)
SELECT campaign_id, reference, change_minor FROM change
WHERE NOT EXISTS (SELECT FROM used WHERE used.campaign_id = change.campaign_id AND used.reference = change.reference);

-- name: add_totals
-- Brings the totals of accounts up to date with the postings just added.
UPDATE accounts AS a
SET debit_minor = a.debit_minor + d.debit_minor, credit_minor = a.credit_minor + d.credit_minor
FROM unnest(%(account_nos)s::int[], %(debits)s::bigint[], %(credits)s::bigint[]) AS d (account_no, debit_minor, credit_minor)
WHERE a.account_no = d.account_no;

-- name: nearly_exhausted
-- Campaigns with less left than a share of what is approved.
SELECT campaign_id FROM accounts WHERE campaign_id = ANY (%(campaign_ids)s)
GROUP BY campaign_id
HAVING sum(credit_minor - debit_minor) FILTER (WHERE kind = 'available') * 10000 < %(basis_points)s * sum(credit_minor - debit_minor);

-- name: balances
-- What is left in the pots of campaigns.
SELECT campaign_id, credit_minor - debit_minor AS available_minor FROM accounts
WHERE kind = 'available' AND campaign_id = ANY (%(campaign_ids)s);

-- name: wrong_totals
-- Accounts whose totals are not the sums of their postings.
WITH sums AS (
    SELECT account_no, sum(debit) AS debit_minor, sum(credit) AS credit_minor
    FROM (SELECT debit_account AS account_no, amount_minor AS debit, 0 AS credit FROM postings
          UNION ALL SELECT credit_account, 0, amount_minor FROM postings) AS sides
    GROUP BY account_no
)
SELECT a.account_no, a.kind, a.debit_minor, a.credit_minor, coalesce(s.debit_minor, 0) AS debits, coalesce(s.credit_minor, 0) AS credits
FROM accounts AS a LEFT JOIN sums AS s USING (account_no)
WHERE a.debit_minor <> coalesce(s.debit_minor, 0) OR a.credit_minor <> coalesce(s.credit_minor, 0);

-- name: wrong_balances
-- Seals whose balance is not that of the seal before and their postings.
WITH moved AS (
    SELECT p.campaign_id, p.seal, sum(CASE a.account_no WHEN p.credit_account THEN p.amount_minor ELSE -p.amount_minor END) AS minor
    FROM accounts AS a JOIN postings AS p ON a.campaign_id = p.campaign_id AND a.account_no IN (p.debit_account, p.credit_account)
    WHERE a.kind = 'available' GROUP BY p.campaign_id, p.seal
), balances AS (
    SELECT s.campaign_id, s.number, s.available_minor,
           coalesce(lag(s.available_minor) OVER (PARTITION BY s.campaign_id ORDER BY s.number), 0) + coalesce(m.minor, 0) AS minor
    FROM seals AS s LEFT JOIN moved AS m ON m.campaign_id = s.campaign_id AND m.seal = s.number
)
SELECT campaign_id, number, available_minor, minor FROM balances WHERE available_minor <> minor;

-- name: wrong_routes
-- Postings between accounts that their step does not join, of two currencies, or of another campaign.
SELECT p.posting_id, p.step, d.kind AS debited, c.kind AS credited
FROM postings AS p JOIN accounts AS d ON d.account_no = p.debit_account JOIN accounts AS c ON c.account_no = p.credit_account
WHERE (p.step, d.kind, c.kind) NOT IN (
        SELECT * FROM unnest(%(steps)s::text[], %(debited)s::text[], %(credited)s::text[]))
   OR d.currency <> c.currency
   OR coalesce(d.campaign_id, p.campaign_id) <> p.campaign_id OR coalesce(c.campaign_id, p.campaign_id) <> p.campaign_id;

-- name: wrong_redemptions
-- Redemptions whose reward is not what was posted for them less what was reversed and what is reserved, or whose reservations are neither
-- used up nor open; of a reward that was written off it is what the customer keeps.
WITH sums AS (
    SELECT reference, sum(amount_minor) FILTER (WHERE step = 'post') AS posted, sum(amount_minor) FILTER (WHERE step = 'reverse') AS reversed,
           sum(amount_minor) FILTER (WHERE step = 'reserve') AS reserved,
           sum(amount_minor) FILTER (WHERE step IN ('post', 'void', 'expire')) AS used
    FROM postings WHERE step IN ('post', 'reverse', 'reserve', 'void', 'expire', 'shrink') GROUP BY reference
), opened AS (
    SELECT reference, sum(open_minor) AS open FROM reservations GROUP BY reference
)
SELECT coalesce(r.redemption_id, s.reference, o.reference) AS redemption_id,
       coalesce(r.earned_minor + r.written_off_minor, 0) AS earned_minor, coalesce(r.reward_minor - r.earned_minor, 0) AS pending_minor,
       coalesce(s.posted, 0) - coalesce(s.reversed, 0) AS posted_minor, coalesce(s.reserved, 0) AS reserved_minor,
       coalesce(s.used, 0) AS used_minor, coalesce(o.open, 0) AS open_minor
FROM redemptions AS r FULL JOIN sums AS s ON s.reference = r.redemption_id
FULL JOIN opened AS o ON o.reference = coalesce(r.redemption_id, s.reference)
WHERE coalesce(r.earned_minor + r.written_off_minor, 0) <> coalesce(s.posted, 0) - coalesce(s.reversed, 0)
   OR coalesce(r.reward_minor - r.earned_minor, 0) <> coalesce(o.open, 0)
   OR coalesce(s.reserved, 0) <> coalesce(s.used, 0) + coalesce(o.open, 0);

-- name: wrong_payouts
-- Redemptions of which what was paid and what is on its way is not what statement credits and offsets, by what was told of them, come to;
-- credits and offsets that were not posted to the cent as they stand; and such postings that nothing stands behind.
WITH told AS (
    SELECT DISTINCT ON (credit_id) credit_id, result FROM credit_results
    ORDER BY credit_id, at DESC, array_position(ARRAY['failed', 'paid', 'returned'], result) DESC
), things AS (
    SELECT c.credit_id AS reference, 'credit' AS side, c.redemption_id,
           CASE WHEN t.result IN ('failed', 'returned') THEN 0 ELSE c.amount_minor END AS gone,
           CASE WHEN t.result = 'paid' THEN c.amount_minor ELSE 0 END AS confirmed
    FROM statement_credits AS c LEFT JOIN told AS t USING (credit_id)
    UNION ALL SELECT offset_id, 'credit', redemption_id, amount_minor, amount_minor FROM offsets
    UNION ALL SELECT offset_id, 'debt', debt_redemption_id, -amount_minor, -amount_minor FROM offsets
), moved AS (
    SELECT reference, CASE step WHEN 'recover' THEN 'debt' ELSE 'credit' END AS side,
           sum(CASE WHEN step = 'instruct' THEN amount_minor WHEN step IN ('fail', 'return', 'recover') THEN -amount_minor ELSE 0 END) AS gone,
           sum(CASE WHEN step = 'pay' THEN amount_minor WHEN step IN ('return', 'recover') THEN -amount_minor ELSE 0 END) AS confirmed
    FROM postings WHERE step IN ('instruct', 'pay', 'fail', 'return', 'recover')
    GROUP BY reference, CASE step WHEN 'recover' THEN 'debt' ELSE 'credit' END
), both_ways AS (
    SELECT coalesce(t.redemption_id, m.reference) AS redemption_id, sum(t.gone) AS credited, sum(t.gone - t.confirmed) AS instructed,
           sum(m.gone) AS posted,
           bool_and((coalesce(t.gone, 0), coalesce(t.confirmed, 0)) = (coalesce(m.gone, 0), coalesce(m.confirmed, 0))
                    AND t.reference IS NOT NULL AND m.reference IS NOT NULL) AS each_posted
    FROM things AS t FULL JOIN moved AS m USING (reference, side)
    GROUP BY coalesce(t.redemption_id, m.reference)
)
SELECT coalesce(r.redemption_id, c.redemption_id) AS redemption_id, coalesce(r.paid_minor, 0) AS paid_minor,
       coalesce(c.credited, 0) AS credited_minor, coalesce(c.posted, 0) AS posted_minor
FROM redemptions AS r FULL JOIN both_ways AS c ON c.redemption_id = r.redemption_id
WHERE coalesce(r.paid_minor, 0) <> coalesce(c.credited, 0) OR coalesce(r.instructed_minor, 0) <> coalesce(c.instructed, 0)
   OR NOT coalesce(c.each_posted, true);

-- name: wrong_budgets
-- Approved requests that were not posted to the cent, raised or lowered, and such postings that no approved request stands behind.
WITH moved AS (
    SELECT reference, campaign_id, sum(CASE step WHEN 'approve' THEN amount_minor ELSE -amount_minor END) AS posted
    FROM postings WHERE step IN ('approve', 'withdraw') GROUP BY reference, campaign_id
), decided AS (
    SELECT request_id, campaign_id, CASE change WHEN 'raise' THEN amount_minor ELSE -amount_minor END AS minor
    FROM budget_requests WHERE state = 'approved'
)
SELECT coalesce(d.request_id, m.reference) AS request_id, coalesce(d.campaign_id, m.campaign_id) AS campaign_id,
       coalesce(d.minor, 0) AS decided_minor, coalesce(m.posted, 0) AS posted_minor
FROM decided AS d FULL JOIN moved AS m ON m.reference = d.request_id AND m.campaign_id = d.campaign_id
WHERE coalesce(d.minor, 0) <> coalesce(m.posted, 0);

-- name: overspent
-- Campaigns that spent or promised more than is approved.
SELECT campaign_id, approved_minor, promised_minor
FROM (
    SELECT campaign_id,
           coalesce(sum(amount_minor) FILTER (WHERE step = 'approve'), 0)
           - coalesce(sum(amount_minor) FILTER (WHERE step IN ('withdraw', 'shrink')), 0) AS approved_minor,
           coalesce(sum(amount_minor) FILTER (WHERE step = 'reserve'), 0)
           - coalesce(sum(amount_minor) FILTER (WHERE step IN ('void', 'expire', 'reverse')), 0) AS promised_minor
    FROM postings GROUP BY campaign_id
) AS sums
WHERE promised_minor > approved_minor;

-- name: overpaid
-- Campaigns that paid or instructed, less what failed, came back or was recovered, more than was ever posted as payable.
SELECT campaign_id, posted_minor, paid_minor
FROM (
    SELECT campaign_id, coalesce(sum(amount_minor) FILTER (WHERE step = 'post'), 0) AS posted_minor,
           coalesce(sum(amount_minor) FILTER (WHERE step = 'instruct'), 0)
           - coalesce(sum(amount_minor) FILTER (WHERE step IN ('fail', 'return', 'recover')), 0) AS paid_minor
    FROM postings GROUP BY campaign_id
) AS sums
WHERE paid_minor > posted_minor;

-- name: wrong_offer_pots
-- Limited pots of offers whose counts are not those of the redemptions in them.
SELECT p.offer_id, p.kind, p.of, p.redemptions AS counted, p.cost_minor AS counted_minor, given.redemptions AS given, given.cost_minor AS given_minor
FROM offer_pots AS p,
    LATERAL (SELECT count(*) FILTER (WHERE reward_minor > 0) AS redemptions, coalesce(sum(reward_minor + written_off_minor), 0) AS cost_minor
             FROM redemptions AS r
             WHERE r.offer_id = p.offer_id AND (p.start IS NULL OR r.earned_at >= p.start AND r.earned_at < p.stop)
               AND (p.kind <> 'merchant' OR coalesce(r.merchant_id, '') = p.of) AND (p.kind <> 'account' OR r.account_token = p.of)) AS given
WHERE (p.redemptions, p.cost_minor) <> (given.redemptions, given.cost_minor);

-- name: wrong_corrections
-- Completions that were corrected and whose redemption is missing or does not promise what was decided: at least what is forced (nothing
-- where its purchase is gone), then all adjustments together, never less than nothing; and corrected redemptions that nobody corrected.
WITH decided AS (
    SELECT grant_id, completion, coalesce(max(amount_minor) FILTER (WHERE kind = 'force'), 0) AS forced,
           coalesce(sum(amount_minor) FILTER (WHERE kind = 'adjust'), 0) AS adjusted
    FROM corrections WHERE state = 'approved' GROUP BY grant_id, completion
), promised AS (
    SELECT grant_id, completion, wanted_minor, corrected_minor, wanted_minor - corrected_minor AS by_terms,
           state = 'reversed' AND corrected_minor = 0 AS gone
    FROM redemptions
    WHERE corrected_minor <> 0 OR (grant_id, completion) IN (SELECT grant_id, completion FROM decided)
)
SELECT grant_id, completion, coalesce(d.forced, 0)::bigint AS forced_minor, coalesce(d.adjusted, 0)::bigint AS adjusted_minor,
       p.wanted_minor, p.corrected_minor
FROM decided AS d FULL JOIN promised AS p USING (grant_id, completion)
WHERE d.forced IS NULL OR p.gone IS NULL
   OR NOT p.gone AND p.wanted_minor NOT IN (greatest(greatest(p.by_terms, d.forced) + d.adjusted, 0), greatest(p.by_terms + d.adjusted, 0));

-- name: stream_seals
-- All seals in the order of their chains.
SELECT campaign_id, number, postings, hash FROM seals ORDER BY campaign_id, number;

-- name: stream_postings
-- All postings in the order in which they were sealed.
SELECT seal, posting_id, step, debit_account, credit_account, amount_minor, campaign_id, reference, reason, effective_at, recorded_at
FROM postings ORDER BY campaign_id, seal, posting_id;

-- name: read_seals
-- Some seals by campaign and number.
SELECT s.campaign_id, s.number, s.hash
FROM unnest(%(campaign_ids)s::uuid[], %(numbers)s::int[]) AS noted (campaign_id, number) JOIN seals AS s USING (campaign_id, number);

-- name: heads
-- The last seals of campaigns, of all where none are named.
SELECT DISTINCT ON (campaign_id) campaign_id, number, hash FROM seals
WHERE %(campaign_ids)s::uuid[] IS NULL OR campaign_id = ANY (%(campaign_ids)s::uuid[])
ORDER BY campaign_id, number DESC;
