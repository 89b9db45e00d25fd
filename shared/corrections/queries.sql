-- name: insert_correction
-- A new correction; nothing where the same completion was forced or is to be.
INSERT INTO corrections (correction_id, kind, customer_id, offer_id, grant_id, completion, amount_minor, currency, at, transaction_id,
                         merchant_id, purchase_minor, state, requested_by, requested_at, reason)
VALUES (%(correction_id)s, %(kind)s, %(customer_id)s, %(offer_id)s, %(grant_id)s, %(completion)s, %(amount_minor)s, %(currency)s, %(at)s,
        %(transaction_id)s, %(merchant_id)s, %(purchase_minor)s, %(state)s, %(requested_by)s, %(requested_at)s, %(reason)s)
ON CONFLICT DO NOTHING
RETURNING correction_id;

-- name: read_correction
-- One correction.
SELECT correction_id, kind, customer_id, offer_id, grant_id, completion, amount_minor, currency, at, transaction_id, merchant_id, purchase_minor,
       state, requested_by, requested_at, reason, decided_by, decided_at, decision_reason
FROM corrections WHERE correction_id = %(correction_id)s;

-- name: lock_correction
-- One correction, held until the transaction ends.
SELECT correction_id, kind, customer_id, offer_id, grant_id, completion, amount_minor, currency, at, transaction_id, merchant_id, purchase_minor,
       state, requested_by, requested_at, reason, decided_by, decided_at, decision_reason
FROM corrections WHERE correction_id = %(correction_id)s FOR UPDATE;

-- name: list_corrections
-- Corrections by id, with whatever is asked of them.
SELECT correction_id, kind, customer_id, offer_id, grant_id, completion, amount_minor, currency, at, transaction_id, merchant_id, purchase_minor,
       state, requested_by, requested_at, reason, decided_by, decided_at, decision_reason
FROM corrections
WHERE (%(after)s::uuid IS NULL OR correction_id > %(after)s)
  AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
ORDER BY correction_id
LIMIT %(limit)s;

-- name: decide_correction
-- The decision on a correction.
UPDATE corrections
SET state = %(state)s, decided_by = %(decided_by)s, decided_at = %(decided_at)s, decision_reason = %(decision_reason)s
WHERE correction_id = %(correction_id)s;

-- name: add_correction_history
-- One more line of the audit trail.
INSERT INTO correction_history (correction_id, action, from_state, to_state, by, at, reason)
VALUES (%(correction_id)s, %(action)s, %(from_state)s, %(to_state)s, %(by)s, %(at)s, %(reason)s);

-- name: read_correction_history
-- The audit trail of a correction, oldest first.
SELECT action, from_state, to_state, by, at, reason FROM correction_history WHERE correction_id = %(correction_id)s ORDER BY seq;

-- name: read_grant
-- Whose a grant is, and of which offer.
SELECT customer_id, offer_id FROM grants WHERE grant_id = %(grant_id)s;
