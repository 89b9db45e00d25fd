-- name: open_accounts
-- The accounts of a campaign and of its currency, where they are not there yet.
INSERT INTO accounts (kind, campaign_id, currency)
SELECT kind, CASE kind WHEN 'funding' THEN NULL ELSE %(campaign_id)s::uuid END, %(currency)s
FROM unnest(ARRAY['funding', 'available', 'reserved', 'payable', 'paid']) AS kind
ON CONFLICT DO NOTHING;

-- name: lock_pots
-- The pots of campaigns, in one order for all: whoever holds a campaign's available account may move its money.
SELECT campaign_id FROM accounts
WHERE kind = 'available' AND campaign_id = ANY (%(campaign_ids)s)
ORDER BY account_no
FOR UPDATE;

-- name: read_accounts
-- The accounts of campaigns, and the funding accounts of their currencies.
SELECT pot.campaign_id, pot.currency, a.kind, a.account_no, a.credit_minor - a.debit_minor AS balance_minor
FROM accounts AS pot JOIN accounts AS a ON a.campaign_id = pot.campaign_id OR (a.kind = 'funding' AND a.currency = pot.currency)
WHERE pot.kind = 'available' AND pot.campaign_id = ANY (%(campaign_ids)s);

-- name: copy_postings
-- Adds postings.
COPY postings (posting_id, step, debit_account, credit_account, amount_minor, campaign_id, reference, reason, effective_at, recorded_at)
FROM STDIN (FORMAT binary);

-- name: add_totals
-- Brings the totals of accounts up to date with the postings just added.
UPDATE accounts AS a
SET debit_minor = a.debit_minor + d.debit_minor, credit_minor = a.credit_minor + d.credit_minor
FROM unnest(%(account_nos)s::int[], %(debits)s::bigint[], %(credits)s::bigint[]) AS d (account_no, debit_minor, credit_minor)
WHERE a.account_no = d.account_no;

-- name: nearly_exhausted
-- Campaigns with less left than a share of what was approved.
SELECT campaign_id FROM accounts
WHERE kind = 'available' AND campaign_id = ANY (%(campaign_ids)s)
  AND (credit_minor - debit_minor) * 10000 < %(basis_points)s * (
      SELECT coalesce(sum(p.amount_minor), 0) FROM postings p
      WHERE p.campaign_id = accounts.campaign_id AND p.step = 'approve');

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

-- name: wrong_routes
-- Postings between accounts that their step does not join, of two currencies, or of another campaign.
SELECT p.posting_id, p.step, d.kind AS debited, c.kind AS credited
FROM postings AS p JOIN accounts AS d ON d.account_no = p.debit_account JOIN accounts AS c ON c.account_no = p.credit_account
WHERE (p.step, d.kind, c.kind) NOT IN (
        SELECT * FROM unnest(%(steps)s::text[], %(debited)s::text[], %(credited)s::text[]))
   OR d.currency <> c.currency
   OR coalesce(d.campaign_id, p.campaign_id) <> p.campaign_id OR coalesce(c.campaign_id, p.campaign_id) <> p.campaign_id;

-- name: wrong_redemptions
-- Redemptions whose reward is not what was posted for them less what was reversed, or whose reservations are not used up.
WITH sums AS (
    SELECT reference, sum(amount_minor) FILTER (WHERE step = 'post') AS posted, sum(amount_minor) FILTER (WHERE step = 'reverse') AS reversed,
           sum(amount_minor) FILTER (WHERE step = 'reserve') AS reserved,
           sum(amount_minor) FILTER (WHERE step IN ('post', 'void', 'expire')) AS used
    FROM postings WHERE step NOT IN ('approve', 'withdraw', 'pay') GROUP BY reference
)
SELECT coalesce(r.redemption_id, s.reference) AS redemption_id, coalesce(r.reward_minor, 0) AS reward_minor,
       coalesce(s.posted, 0) - coalesce(s.reversed, 0) AS posted_minor, coalesce(s.reserved, 0) AS reserved_minor, coalesce(s.used, 0) AS used_minor
FROM redemptions AS r FULL JOIN sums AS s ON s.reference = r.redemption_id
WHERE coalesce(r.reward_minor, 0) <> coalesce(s.posted, 0) - coalesce(s.reversed, 0) OR coalesce(s.reserved, 0) <> coalesce(s.used, 0);

-- name: wrong_payouts
-- Redemptions whose paid amount is not the sum of their statement credits, credits not posted to the cent, payments without a credit.
WITH payments AS (
    SELECT reference, sum(amount_minor) AS posted FROM postings WHERE step = 'pay' GROUP BY reference
), credits AS (
    SELECT coalesce(c.redemption_id, p.reference) AS redemption_id, sum(c.amount_minor) AS credited, sum(p.posted) AS posted,
           bool_and(coalesce(c.amount_minor, 0) = coalesce(p.posted, 0)) AS each_posted
    FROM statement_credits AS c FULL JOIN payments AS p ON p.reference = c.credit_id
    GROUP BY coalesce(c.redemption_id, p.reference)
)
SELECT coalesce(r.redemption_id, c.redemption_id) AS redemption_id, coalesce(r.paid_minor, 0) AS paid_minor,
       coalesce(c.credited, 0) AS credited_minor, coalesce(c.posted, 0) AS posted_minor
FROM redemptions AS r FULL JOIN credits AS c ON c.redemption_id = r.redemption_id
WHERE coalesce(r.paid_minor, 0) <> coalesce(c.credited, 0) OR NOT coalesce(c.each_posted, true);

-- name: wrong_approvals
-- Approved requests for budget that were not posted to the cent, and postings of approvals that no approved request stands behind.
WITH approvals AS (
    SELECT reference, campaign_id, sum(amount_minor) AS posted FROM postings WHERE step = 'approve' GROUP BY reference, campaign_id
), requests AS (
    SELECT request_id, campaign_id, amount_minor FROM budget_requests WHERE state = 'approved'
)
SELECT coalesce(r.request_id, a.reference) AS request_id, coalesce(r.campaign_id, a.campaign_id) AS campaign_id,
       coalesce(r.amount_minor, 0) AS approved_minor, coalesce(a.posted, 0) AS posted_minor
FROM requests AS r FULL JOIN approvals AS a ON a.reference = r.request_id AND a.campaign_id = r.campaign_id
WHERE coalesce(r.amount_minor, 0) <> coalesce(a.posted, 0);

-- name: overspent
-- Campaigns that spent or promised more than was approved.
SELECT campaign_id, sum(amount_minor) FILTER (WHERE step = 'approve') AS approved_minor,
       coalesce(sum(amount_minor) FILTER (WHERE step = 'reserve'), 0)
       - coalesce(sum(amount_minor) FILTER (WHERE step IN ('void', 'expire', 'reverse')), 0) AS promised_minor
FROM postings GROUP BY campaign_id
HAVING coalesce(sum(amount_minor) FILTER (WHERE step = 'reserve'), 0)
       - coalesce(sum(amount_minor) FILTER (WHERE step IN ('void', 'expire', 'reverse')), 0)
       > coalesce(sum(amount_minor) FILTER (WHERE step = 'approve'), 0) - coalesce(sum(amount_minor) FILTER (WHERE step = 'withdraw'), 0);
