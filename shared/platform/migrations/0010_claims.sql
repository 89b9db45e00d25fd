-- before deploy
-- Claims for missing cashback: what is claimed, what was found, who did what when and why.

CREATE TABLE claims (
    claim_id uuid PRIMARY KEY,
    customer_id text NOT NULL,
    offer_id uuid REFERENCES offers,
    transaction_id text NOT NULL,
    said text NOT NULL,
    reason text NOT NULL,
    state text NOT NULL CHECK (state IN ('opened', 'in_review', 'accepted', 'rejected', 'withdrawn')),
    opened_by text NOT NULL,
    opened_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    overdue_at timestamptz,
    resolution text,
    reason_code text,
    correction_id uuid REFERENCES corrections,
    CHECK ((state IN ('accepted', 'rejected')) = (resolution IS NOT NULL)),
    CHECK (state <> 'accepted' OR correction_id IS NOT NULL)
);
CREATE INDEX claims_customer ON claims (customer_id, claim_id);
CREATE INDEX claims_due ON claims (due_at) WHERE state IN ('opened', 'in_review') AND overdue_at IS NULL;
CREATE UNIQUE INDEX claims_open ON claims (customer_id, transaction_id, coalesce(offer_id, '00000000-0000-0000-0000-000000000000'))
    WHERE state IN ('opened', 'in_review');
COMMENT ON COLUMN claims.said IS 'The purchase as the customer tells of it (JSON); it is judged so where it is not on file.';
COMMENT ON COLUMN claims.correction_id IS 'The correction that was asked for when the claim was accepted, last.';

CREATE TABLE claim_findings (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    claim_id uuid NOT NULL REFERENCES claims,
    at timestamptz NOT NULL,
    finding text NOT NULL
);
CREATE INDEX claim_findings_claim ON claim_findings (claim_id, seq);
COMMENT ON TABLE claim_findings IS 'What the engine said (JSON: verdict, reasons, what was given) each time a claim was looked into.';

CREATE TABLE claim_history (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    claim_id uuid NOT NULL REFERENCES claims,
    action text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    by text NOT NULL,
    at timestamptz NOT NULL,
    reason text NOT NULL
);
CREATE INDEX claim_history_claim ON claim_history (claim_id, seq);
