-- before deploy
-- Double entry: each posting moves one amount from the account it debits to the account it credits.

CREATE TABLE accounts (
    account_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('funding', 'available', 'reserved', 'payable', 'instructed', 'paid')),
    campaign_id uuid,
    currency char(3) NOT NULL,
    debit_minor bigint NOT NULL DEFAULT 0 CHECK (debit_minor >= 0),
    credit_minor bigint NOT NULL DEFAULT 0 CHECK (credit_minor >= 0),
    UNIQUE NULLS NOT DISTINCT (kind, campaign_id, currency),
    CHECK ((kind = 'funding') = (campaign_id IS NULL)),
    CONSTRAINT no_overdraft CHECK (kind NOT IN ('available', 'reserved', 'instructed', 'paid') OR credit_minor >= debit_minor)
);
COMMENT ON TABLE accounts IS 'One set per campaign. The totals are derived from the postings in the same transaction; verify proves it.';

CREATE TABLE postings (
    posting_id uuid PRIMARY KEY,
    step text NOT NULL CHECK (step IN ('approve', 'withdraw', 'reserve', 'post', 'void', 'expire', 'pay', 'reverse', 'recover', 'shrink',
                                     'instruct', 'fail', 'return')),
    debit_account integer NOT NULL REFERENCES accounts,
    credit_account integer NOT NULL REFERENCES accounts CHECK (credit_account <> debit_account),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    campaign_id uuid NOT NULL,
    reference uuid NOT NULL,
    reason text CHECK (reason ~ '^[a-z][a-z0-9_]*$'),
    effective_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    seal integer NOT NULL
);
CREATE INDEX postings_seal ON postings (campaign_id, seal);
COMMENT ON COLUMN postings.reference IS 'What the posting is about: a redemption, a budget request or a statement credit.';
COMMENT ON COLUMN postings.reason IS 'A code; as no column can hold a comma or the end of a line, a line of CSV is what is sealed, and needs no quotes.';
COMMENT ON COLUMN postings.seal IS 'The number of the seal of its campaign that covers it.';

CREATE TABLE seals (
    campaign_id uuid NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    postings integer NOT NULL CHECK (postings > 0),
    hash bytea NOT NULL CHECK (length(hash) = 32),
    recorded_at timestamptz NOT NULL,
    available_minor bigint NOT NULL,
    PRIMARY KEY (campaign_id, number)
);
CREATE INDEX seals_recorded ON seals (campaign_id, recorded_at, number);
COMMENT ON COLUMN seals.available_minor IS 'What of the budget was available after it: derived from the postings, so that any past moment is found at once.';
COMMENT ON TABLE seals IS 'A chain for each campaign: each hash is over the one before and all columns of the postings added together.';

CREATE TABLE reservations (
    campaign_id uuid NOT NULL,
    reference uuid NOT NULL,
    open_minor bigint NOT NULL,
    PRIMARY KEY (campaign_id, reference),
    CONSTRAINT no_more_than_reserved CHECK (open_minor >= 0)
);
COMMENT ON TABLE reservations IS 'What of a reservation is neither posted nor voided nor expired. None is kept of one that is used up as it is made.';
