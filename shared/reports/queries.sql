-- name: one_snapshot
-- Lets all statements of a report see the same state.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;

-- name: roomy
-- Lets the distinct customers of a large campaign be counted in memory, for this transaction only.
SET LOCAL work_mem = '64MB';

-- name: offer_funnels
-- Each offer of some campaigns, from grants to money paid.
WITH chosen AS (
    SELECT offer_id, campaign_id, name, state FROM offers WHERE campaign_id = ANY (%(campaign_ids)s)
), granted AS (
    SELECT offer_id, count(*) AS granted, count(activated_at) AS activated
    FROM grants JOIN chosen USING (offer_id) GROUP BY offer_id
), shown AS (
    SELECT offer_id, sum(impressions) FILTER (WHERE kind = 'served') AS served, sum(impressions) FILTER (WHERE kind = 'viewed') AS viewed,
           sum(impressions) FILTER (WHERE kind = 'clicked') AS clicked
    FROM impression_counts JOIN chosen USING (offer_id) GROUP BY offer_id
), reached AS (
    SELECT offer_id, count(*) FILTER (WHERE kind = 'served') AS served_to, count(*) FILTER (WHERE kind = 'viewed') AS viewed_by,
           count(*) FILTER (WHERE kind = 'clicked') AS clicked_by
    FROM chosen, LATERAL (SELECT DISTINCT kind, customer_id FROM impression_reach AS i WHERE i.offer_id = chosen.offer_id) AS customer
    GROUP BY offer_id
), redeemed AS (
    SELECT offer_id, count(DISTINCT grant_id) FILTER (WHERE wanted_minor > 0) AS purchased, count(*) FILTER (WHERE reward_minor > 0) AS redeemed,
           count(*) FILTER (WHERE reward_minor > earned_minor) AS pending, count(*) FILTER (WHERE paid_minor > 0) AS paid,
           sum(reward_minor) AS reward_minor, sum(reward_minor - earned_minor) AS pending_minor, sum(earned_minor) AS earned_minor,
           sum(written_off_minor) AS written_off_minor, sum(paid_minor) AS paid_minor,
           sum(reward_minor + written_off_minor) FILTER (WHERE r.campaign_id <> chosen.campaign_id) AS goodwill_minor
    FROM redemptions AS r JOIN chosen USING (offer_id) GROUP BY offer_id
)
SELECT c.campaign_id, c.offer_id, c.name, c.state, coalesce(g.granted, 0) AS granted, coalesce(g.activated, 0) AS activated,
       coalesce(s.served, 0)::bigint AS served, coalesce(s.viewed, 0)::bigint AS viewed, coalesce(s.clicked, 0)::bigint AS clicked,
       coalesce(r.served_to, 0) AS served_to, coalesce(r.viewed_by, 0) AS viewed_by, coalesce(r.clicked_by, 0) AS clicked_by,
       coalesce(d.purchased, 0) AS purchased, coalesce(d.redeemed, 0) AS redeemed, coalesce(d.pending, 0) AS pending,
       coalesce(d.paid, 0) AS paid, coalesce(d.reward_minor, 0)::bigint AS reward_minor, coalesce(d.pending_minor, 0)::bigint AS pending_minor,
       coalesce(d.earned_minor, 0)::bigint AS earned_minor, coalesce(d.written_off_minor, 0)::bigint AS written_off_minor,
       coalesce(d.goodwill_minor, 0)::bigint AS goodwill_minor,
       coalesce(d.paid_minor, 0)::bigint AS paid_minor
FROM chosen AS c
LEFT JOIN granted AS g USING (offer_id)
LEFT JOIN shown AS s USING (offer_id)
LEFT JOIN reached AS r USING (offer_id)
LEFT JOIN redeemed AS d USING (offer_id)
ORDER BY c.campaign_id, c.name, c.offer_id;

-- name: variant_funnels
-- Each variant of offers of which some grants are of one, beside what is of none: from grants to money paid. An impression is of the variant
-- that its channel told.
WITH varied AS (
    SELECT offer_id, campaign_id FROM offers AS o
    WHERE campaign_id = ANY (%(campaign_ids)s) AND EXISTS (SELECT FROM grants WHERE offer_id = o.offer_id AND variant IS NOT NULL)
), redeemed AS (
    SELECT grant_id, count(*) FILTER (WHERE wanted_minor > 0) AS completions, count(*) FILTER (WHERE reward_minor > 0) AS redeemed,
           count(*) FILTER (WHERE paid_minor > 0) AS paid, sum(reward_minor) AS reward_minor, sum(paid_minor) AS paid_minor
    FROM redemptions JOIN varied USING (offer_id) GROUP BY grant_id
), granted AS (
    SELECT offer_id, g.variant, count(*) AS granted, count(g.activated_at) AS activated, count(*) FILTER (WHERE r.completions > 0) AS purchased,
           sum(r.redeemed) AS redeemed, sum(r.paid) AS paid, sum(r.reward_minor) AS reward_minor, sum(r.paid_minor) AS paid_minor
    FROM varied JOIN grants AS g USING (offer_id) LEFT JOIN redeemed AS r USING (grant_id) GROUP BY offer_id, g.variant
), shown AS (
    SELECT offer_id, variant, sum(impressions) FILTER (WHERE kind = 'served') AS served,
           sum(impressions) FILTER (WHERE kind = 'viewed') AS viewed, sum(impressions) FILTER (WHERE kind = 'clicked') AS clicked
    FROM impression_counts JOIN varied USING (offer_id) GROUP BY offer_id, variant
), reached AS (
    SELECT offer_id, variant, count(*) FILTER (WHERE kind = 'served') AS served_to, count(*) FILTER (WHERE kind = 'viewed') AS viewed_by,
           count(*) FILTER (WHERE kind = 'clicked') AS clicked_by
    FROM varied, LATERAL (SELECT DISTINCT kind, customer_id, variant FROM impression_reach AS i WHERE i.offer_id = varied.offer_id) AS customer
    GROUP BY offer_id, variant
)
SELECT v.campaign_id, v.offer_id, told.variant, coalesce(g.granted, 0) AS granted, coalesce(g.activated, 0) AS activated,
       coalesce(s.served, 0)::bigint AS served, coalesce(s.viewed, 0)::bigint AS viewed, coalesce(s.clicked, 0)::bigint AS clicked,
       coalesce(r.served_to, 0) AS served_to, coalesce(r.viewed_by, 0) AS viewed_by, coalesce(r.clicked_by, 0) AS clicked_by,
       coalesce(g.purchased, 0) AS purchased, coalesce(g.redeemed, 0)::bigint AS redeemed, coalesce(g.paid, 0)::bigint AS paid,
       coalesce(g.reward_minor, 0)::bigint AS reward_minor, coalesce(g.paid_minor, 0)::bigint AS paid_minor
FROM (SELECT offer_id, variant FROM granted UNION SELECT offer_id, variant FROM shown) AS told
JOIN varied AS v USING (offer_id)
LEFT JOIN granted AS g ON g.offer_id = told.offer_id AND g.variant IS NOT DISTINCT FROM told.variant
LEFT JOIN shown AS s ON s.offer_id = told.offer_id AND s.variant IS NOT DISTINCT FROM told.variant
LEFT JOIN reached AS r ON r.offer_id = told.offer_id AND r.variant IS NOT DISTINCT FROM told.variant
ORDER BY v.offer_id, told.variant NULLS FIRST;

-- name: channel_funnels
-- Each channel of some campaigns: impressions, and the distinct customers they reached over all offers.
WITH chosen AS (
    SELECT offer_id, campaign_id FROM offers WHERE campaign_id = ANY (%(campaign_ids)s)
), shown AS (
    SELECT campaign_id, channel, sum(impressions) FILTER (WHERE kind = 'served') AS served,
           sum(impressions) FILTER (WHERE kind = 'viewed') AS viewed, sum(impressions) FILTER (WHERE kind = 'clicked') AS clicked
    FROM impression_counts JOIN chosen USING (offer_id) GROUP BY campaign_id, channel
), reached AS (
    SELECT campaign_id, channel, count(*) FILTER (WHERE served) AS served_to, count(*) FILTER (WHERE viewed) AS viewed_by,
           count(*) FILTER (WHERE clicked) AS clicked_by
    FROM (
        SELECT campaign_id, channel, customer_id, bool_or(kind = 'served') AS served, bool_or(kind = 'viewed') AS viewed,
               bool_or(kind = 'clicked') AS clicked
        FROM impression_reach JOIN chosen USING (offer_id) GROUP BY campaign_id, channel, customer_id
    ) AS customer GROUP BY campaign_id, channel
)
SELECT campaign_id, channel, coalesce(served, 0)::bigint AS served, coalesce(viewed, 0)::bigint AS viewed,
       coalesce(clicked, 0)::bigint AS clicked, coalesce(served_to, 0) AS served_to, coalesce(viewed_by, 0) AS viewed_by,
       coalesce(clicked_by, 0) AS clicked_by
FROM shown LEFT JOIN reached USING (campaign_id, channel)
ORDER BY campaign_id, channel;

-- name: holdouts
-- How many customers each campaign's random draw left without a grant.
SELECT campaign_id, count(*) AS held_out FROM holdouts WHERE campaign_id = ANY (%(campaign_ids)s) AND held_out GROUP BY campaign_id;

-- name: budgets
-- Where each campaign's money is, by the balances of its accounts.
SELECT campaign_id, sum(credit_minor - debit_minor)::bigint AS approved_minor,
       coalesce(sum(credit_minor - debit_minor) FILTER (WHERE kind = 'reserved'), 0)::bigint AS reserved_minor,
       coalesce(sum(credit_minor - debit_minor) FILTER (WHERE kind IN ('payable', 'instructed', 'paid')), 0)::bigint AS spent_minor,
       coalesce(sum(credit_minor - debit_minor) FILTER (WHERE kind = 'available'), 0)::bigint AS left_minor,
       coalesce(sum(credit_minor - debit_minor) FILTER (WHERE kind = 'instructed'), 0)::bigint AS instructed_minor,
       coalesce(sum(credit_minor - debit_minor) FILTER (WHERE kind IN ('instructed', 'paid')), 0)::bigint AS paid_minor,
       (SELECT coalesce(sum(r.reward_minor + r.written_off_minor), 0)::bigint FROM redemptions AS r JOIN offers AS o USING (offer_id)
        WHERE r.campaign_id = accounts.campaign_id AND o.campaign_id <> r.campaign_id) AS honoured_minor
FROM accounts WHERE campaign_id = ANY (%(campaign_ids)s) GROUP BY campaign_id;

-- name: refusals
-- Why purchases and completions of some campaigns earned nothing or less: how many, and how much reward a shared pot did not cover.
WITH chosen AS (
    SELECT offer_id, campaign_id FROM offers WHERE campaign_id = ANY (%(campaign_ids)s)
), refused AS (
    SELECT c.campaign_id, r.reason, r.purchases, 0 AS refused_minor, NULL::timestamptz AS at
    FROM refusal_counts AS r JOIN chosen AS c USING (offer_id)
    UNION ALL
    SELECT c.campaign_id, r.reason, 1, r.wanted_minor - r.reward_minor, r.earned_at
    FROM redemptions AS r JOIN chosen AS c USING (offer_id) WHERE r.reward_minor < r.wanted_minor
)
SELECT campaign_id, reason, sum(purchases)::bigint AS count, sum(refused_minor)::bigint AS refused_minor, min(at) AS first_at
FROM refused GROUP BY campaign_id, reason ORDER BY campaign_id, count DESC, reason;

-- name: burn_down
-- What each campaign spent by day of its own zone, by the moment each posting holds from; the running sum as well.
SELECT campaign_id, day, posted_minor::bigint, reversed_minor::bigint,
       (sum(posted_minor - reversed_minor) OVER (PARTITION BY campaign_id ORDER BY day))::bigint AS spent_minor
FROM (
    SELECT p.campaign_id, (p.effective_at AT TIME ZONE c.zone)::date AS day,
           coalesce(sum(p.amount_minor) FILTER (WHERE p.step = 'post'), 0) AS posted_minor,
           coalesce(sum(p.amount_minor) FILTER (WHERE p.step = 'reverse'), 0) AS reversed_minor
    FROM postings AS p JOIN campaigns AS c USING (campaign_id)
    WHERE p.campaign_id = ANY (%(campaign_ids)s) AND p.step IN ('post', 'reverse')
    GROUP BY p.campaign_id, day
) AS daily
ORDER BY campaign_id, day;

-- name: ledger_totals
-- Each step of a campaign's postings, summed up.
SELECT step, count(*) AS postings, sum(amount_minor)::bigint AS amount_minor
FROM postings WHERE campaign_id = %(campaign_id)s
GROUP BY step ORDER BY array_position(ARRAY['approve', 'withdraw', 'reserve', 'post', 'void', 'expire', 'pay', 'reverse'], step);

-- name: posting_of
-- Whether a campaign has this posting.
SELECT true AS found FROM postings WHERE campaign_id = %(campaign_id)s AND posting_id = %(posting_id)s;

-- name: list_postings
-- The postings of a campaign in the order in which they were sealed, after a given one.
SELECT p.seal, p.posting_id, p.step, d.kind AS debit, c.kind AS credit, p.amount_minor, p.reference, p.reason, p.effective_at, p.recorded_at
FROM postings AS p
JOIN accounts AS d ON d.account_no = p.debit_account
JOIN accounts AS c ON c.account_no = p.credit_account
WHERE p.campaign_id = %(campaign_id)s
  AND (%(after)s::uuid IS NULL OR (p.seal, p.posting_id) > (SELECT a.seal, a.posting_id FROM postings AS a WHERE a.posting_id = %(after)s))
ORDER BY p.seal, p.posting_id
LIMIT %(limit)s;

-- name: list_sealed
-- All columns of a campaign's postings with the hashes of their seals, in the order in which they were sealed, after a given one.
SELECT p.seal, p.posting_id, p.step, p.debit_account, p.credit_account, p.amount_minor, p.campaign_id, p.reference, p.reason,
       p.effective_at, p.recorded_at, s.hash
FROM postings AS p LEFT JOIN seals AS s ON s.campaign_id = p.campaign_id AND s.number = p.seal
WHERE p.campaign_id = %(campaign_id)s
  AND (%(after)s::uuid IS NULL OR (p.seal, p.posting_id) > (SELECT a.seal, a.posting_id FROM postings AS a WHERE a.posting_id = %(after)s))
ORDER BY p.seal, p.posting_id
LIMIT %(limit)s;

-- name: list_redemptions
-- Redemptions by id, after a given one, with whatever is asked of them.
SELECT redemption_id, grant_id, completion, offer_id, campaign_id, customer_id, transaction_id, state, wanted_minor, reward_minor,
       earned_minor, corrected_minor, paid_minor, instructed_minor, currency, version, earned_at, payable_at, reason
FROM redemptions
WHERE (%(after)s::uuid IS NULL OR redemption_id > %(after)s)
  AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
  AND (%(offer_id)s::uuid IS NULL OR offer_id = %(offer_id)s)
  AND (%(campaign_id)s::uuid IS NULL OR offer_id IN (SELECT offer_id FROM offers WHERE campaign_id = %(campaign_id)s))
  AND (%(grant_id)s::uuid IS NULL OR grant_id = %(grant_id)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
ORDER BY redemption_id
LIMIT %(limit)s;

-- name: list_unknown_cards
-- Cards that purchases wait for whose they are, by token, after a given one.
SELECT card_token, count(*) AS transactions, min(at) AS first_at, max(at) AS last_at
FROM transactions
WHERE customer_id IS NULL AND NOT withdrawn AND (%(after)s::text IS NULL OR card_token > %(after)s)
GROUP BY card_token ORDER BY card_token LIMIT %(limit)s;

-- name: trial_balance
-- Each kind of account by currency: what the postings say, what the accounts say, and whether the two agree account by account.
WITH sides AS (
    SELECT debit_account AS account_no, sum(amount_minor) AS debit_minor, 0 AS credit_minor FROM postings GROUP BY debit_account
    UNION ALL
    SELECT credit_account, 0, sum(amount_minor) FROM postings GROUP BY credit_account
), posted AS (
    SELECT account_no, sum(debit_minor) AS debit_minor, sum(credit_minor) AS credit_minor FROM sides GROUP BY account_no
)
SELECT a.currency, a.kind, coalesce(sum(p.debit_minor), 0)::bigint AS debit_minor, coalesce(sum(p.credit_minor), 0)::bigint AS credit_minor,
       sum(a.debit_minor)::bigint AS account_debit_minor, sum(a.credit_minor)::bigint AS account_credit_minor,
       bool_and(a.debit_minor = coalesce(p.debit_minor, 0) AND a.credit_minor = coalesce(p.credit_minor, 0)) AS agrees
FROM accounts AS a LEFT JOIN posted AS p USING (account_no)
GROUP BY a.currency, a.kind
ORDER BY a.currency, array_position(ARRAY['funding', 'available', 'reserved', 'payable', 'instructed', 'paid'], a.kind);
