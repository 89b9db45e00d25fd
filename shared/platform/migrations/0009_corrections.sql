-- before deploy
-- Corrections of what customers are given: asked for by one person, decided by another.

CREATE TABLE corrections (
    correction_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('force', 'adjust')),
    customer_id text NOT NULL,
    offer_id uuid NOT NULL,
    grant_id uuid NOT NULL REFERENCES grants,
    completion text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0 AND (kind = 'adjust' OR amount_minor > 0)),
    currency char(3) NOT NULL,
    at timestamptz NOT NULL,
    transaction_id text NOT NULL,
    merchant_id text,
    purchase_minor bigint CHECK (purchase_minor IS NULL OR kind = 'force' AND purchase_minor > 0),
    state text NOT NULL CHECK (state IN ('requested', 'approved', 'rejected')),
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    reason text NOT NULL,
    decided_by text CHECK (decided_by <> requested_by),
    decided_at timestamptz,
    decision_reason text,
    CHECK ((state = 'requested') = (decided_by IS NULL))
);
CREATE INDEX corrections_customer ON corrections (customer_id, correction_id);
CREATE INDEX corrections_grant ON corrections (grant_id) WHERE state = 'approved';
CREATE INDEX corrections_purchase ON corrections (transaction_id) WHERE kind = 'force' AND state = 'approved';
CREATE UNIQUE INDEX corrections_forced ON corrections (grant_id, completion) WHERE kind = 'force' AND state <> 'rejected';
COMMENT ON TABLE corrections IS 'Once approved they are history, folded like all else: nothing but the fold posts what they change.';
COMMENT ON COLUMN corrections.amount_minor IS
    'Of a forced completion the least that it gives; of an adjustment how much more (or, negative, less) its completion gives.';
COMMENT ON COLUMN corrections.purchase_minor IS 'What a purchase that was not on file came to, as it was told: refunds of all of it take it back.';
COMMENT ON COLUMN corrections.at IS 'The moment of the purchase that it is about.';

CREATE TABLE correction_history (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    correction_id uuid NOT NULL REFERENCES corrections,
    action text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    by text NOT NULL,
    at timestamptz NOT NULL,
    reason text NOT NULL
);
CREATE INDEX correction_history_correction ON correction_history (correction_id, seq);
