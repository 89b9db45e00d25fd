-- name: insert_claim
-- A new claim; nothing where one of the same purchase and offer is open.
INSERT INTO claims (claim_id, customer_id, offer_id, transaction_id, said, reason, state, opened_by, opened_at, due_at)
VALUES (%(claim_id)s, %(customer_id)s, %(offer_id)s, %(transaction_id)s, %(said)s, %(reason)s, %(state)s, %(opened_by)s, %(opened_at)s,
        %(due_at)s)
ON CONFLICT DO NOTHING
RETURNING claim_id;

-- name: read_claim
-- One claim.
SELECT claim_id, customer_id, offer_id, transaction_id, said, reason, state, opened_by, opened_at, due_at, overdue_at, resolution, reason_code,
       correction_id
FROM claims WHERE claim_id = %(claim_id)s;

-- name: lock_claim
-- One claim, held until the transaction ends.
SELECT claim_id, customer_id, offer_id, transaction_id, said, reason, state, opened_by, opened_at, due_at, overdue_at, resolution, reason_code,
       correction_id
FROM claims WHERE claim_id = %(claim_id)s FOR UPDATE;

-- name: list_claims
-- Claims by id, with whatever is asked of them.
SELECT claim_id, customer_id, offer_id, transaction_id, said, reason, state, opened_by, opened_at, due_at, overdue_at, resolution, reason_code,
       correction_id
FROM claims
WHERE (%(after)s::uuid IS NULL OR claim_id > %(after)s)
  AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(overdue)s::boolean IS NULL OR (state IN ('opened', 'in_review') AND due_at <= %(now)s) = %(overdue)s)
ORDER BY claim_id
LIMIT %(limit)s;

-- name: update_claim
-- Brings a claim up to date.
UPDATE claims
SET state = %(state)s, resolution = %(resolution)s, reason_code = %(reason_code)s, correction_id = %(correction_id)s
WHERE claim_id = %(claim_id)s;

-- name: add_claim_history
-- One more line of the audit trail.
INSERT INTO claim_history (claim_id, action, from_state, to_state, by, at, reason)
VALUES (%(claim_id)s, %(action)s, %(from_state)s, %(to_state)s, %(by)s, %(at)s, %(reason)s);

-- name: read_claim_history
-- The audit trail of a claim, oldest first.
SELECT action, from_state, to_state, by, at, reason FROM claim_history WHERE claim_id = %(claim_id)s ORDER BY seq;

-- name: add_finding
-- Keeps what was known of a claim.
INSERT INTO claim_findings (claim_id, at, finding) VALUES (%(claim_id)s, %(at)s, %(finding)s);

-- name: read_findings
-- What was known of a claim, oldest first.
SELECT finding FROM claim_findings WHERE claim_id = %(claim_id)s ORDER BY seq;

-- name: read_given
-- What is on record for a purchase, under one offer or all.
SELECT redemption_id, grant_id, offer_id, state, reward_minor, currency, reason
FROM redemptions
WHERE customer_id = %(customer_id)s AND transaction_id = %(transaction_id)s AND (%(offer_id)s::uuid IS NULL OR offer_id = %(offer_id)s)
ORDER BY redemption_id;

-- name: mark_overdue
-- Marks open claims that are past their due date, oldest first, with a line of history for each.
WITH due AS (
    SELECT claim_id FROM claims
    WHERE state IN ('opened', 'in_review') AND overdue_at IS NULL AND due_at <= %(now)s
    ORDER BY due_at, claim_id
    LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
), marked AS (
    UPDATE claims AS c SET overdue_at = %(now)s FROM due WHERE c.claim_id = due.claim_id RETURNING c.claim_id, c.state, c.due_at
), told AS (
    INSERT INTO claim_history (claim_id, action, from_state, to_state, by, at, reason)
    SELECT claim_id, 'overdue', state, state, 'schedule', %(now)s, 'The due date had passed.' FROM marked ORDER BY due_at, claim_id
    RETURNING claim_id
)
SELECT count(*) AS marked FROM told;
