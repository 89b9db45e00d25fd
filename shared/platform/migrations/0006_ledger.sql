-- before deploy
-- Double entry: each posting moves one amount from the account it debits to the account it credits.

CREATE TABLE accounts (
    account_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('funding', 'available', 'reserved', 'payable', 'paid')),
    campaign_id uuid,
    currency char(3) NOT NULL,
    debit_minor bigint NOT NULL DEFAULT 0 CHECK (debit_minor >= 0),
    credit_minor bigint NOT NULL DEFAULT 0 CHECK (credit_minor >= 0),
    UNIQUE NULLS NOT DISTINCT (kind, campaign_id, currency),
    CHECK ((kind = 'funding') = (campaign_id IS NULL)),
    CONSTRAINT no_overdraft CHECK (kind NOT IN ('available', 'reserved', 'paid') OR credit_minor >= debit_minor)
);
COMMENT ON TABLE accounts IS 'One set per campaign. The totals are derived from the postings in the same transaction; verify proves it.';

CREATE TABLE postings (
    posting_id uuid PRIMARY KEY,
    step text NOT NULL CHECK (step IN ('approve', 'withdraw', 'reserve', 'post', 'void', 'expire', 'pay', 'reverse')),
    debit_account integer NOT NULL REFERENCES accounts,
    credit_account integer NOT NULL REFERENCES accounts CHECK (credit_account <> debit_account),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    campaign_id uuid NOT NULL,
    reference uuid NOT NULL,
    reason text,
    effective_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX postings_campaign ON postings (campaign_id);
COMMENT ON COLUMN postings.reference IS 'What the posting is about: a redemption, a budget request or a statement credit.';
