-- before deploy
-- The in-scope history, and what it came to.

CREATE TABLE transactions (
    transaction_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('purchase', 'authorization', 'clearing', 'reversal', 'decline', 'expiry', 'refund')),
    sequence integer NOT NULL DEFAULT 0,
    sequence_count integer,
    purchase_id text,
    customer_id text,
    by_card boolean NOT NULL DEFAULT false,
    at timestamptz NOT NULL,
    amount_minor bigint NOT NULL,
    currency char(3) NOT NULL,
    merchant_id text,
    matched_by text NOT NULL,
    merchant_said text,
    network text,
    network_merchant_id text,
    descriptor text,
    location_id text,
    mcc char(4),
    zone text,
    brand text,
    channel text,
    country char(2),
    region text,
    city text,
    card_product text,
    product_said text,
    tip_minor bigint NOT NULL DEFAULT 0,
    tax_minor bigint NOT NULL DEFAULT 0,
    cash_back_minor bigint NOT NULL DEFAULT 0,
    items text,
    offers uuid[] NOT NULL,
    content_hash bytea NOT NULL,
    recorded_at timestamptz NOT NULL,
    filed_at timestamptz,
    card_token text,
    account_token text,
    posted_at timestamptz,
    expires_at timestamptz,
    loose boolean NOT NULL DEFAULT false,
    unmatched text,
    told_by text,
    withdrawn boolean NOT NULL DEFAULT false,
    PRIMARY KEY (transaction_id, kind, sequence),
    CHECK (kind = 'refund' OR purchase_id = transaction_id),
    CHECK (customer_id IS NOT NULL OR by_card),
    CHECK (card_token IS NOT NULL OR NOT by_card),
    CHECK ((unmatched IS NOT NULL) = (purchase_id IS NULL)),
    CHECK (NOT withdrawn OR offers = '{}' AND NOT loose AND expires_at IS NULL)
);
CREATE INDEX transactions_customer ON transactions (customer_id, at);
CREATE INDEX transactions_card ON transactions (card_token) WHERE card_token IS NOT NULL;
CREATE INDEX transactions_nobodys ON transactions (card_token) WHERE customer_id IS NULL;
CREATE INDEX transactions_card_refunds ON transactions (card_token) WHERE kind = 'refund' AND by_card;
CREATE INDEX transactions_early ON transactions (at) WHERE at > recorded_at;
CREATE INDEX transactions_refunds ON transactions (purchase_id) WHERE kind = 'refund';
CREATE INDEX transactions_loose ON transactions (customer_id) WHERE loose;
CREATE INDEX transactions_place ON transactions (location_id) WHERE location_id IS NOT NULL;
CREATE INDEX transactions_open ON transactions (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON TABLE transactions IS
    'What was said of purchases that fall into the scope of an offer, and of refunds; all other purchases pass by.';
COMMENT ON COLUMN transactions.purchase_id IS 'The purchase that it is about; of a refund NULL while none is known.';
COMMENT ON COLUMN transactions.customer_id IS 'NULL while its card is nobody''s as far as is known.';
COMMENT ON COLUMN transactions.by_card IS 'Whose it is follows from its card, as the account does of all: cards that are corrected move it.';
COMMENT ON COLUMN transactions.loose IS
    'A refund that names no purchase: which one it is for follows from all that is known of its customer, until a person decides.';
COMMENT ON COLUMN transactions.unmatched IS 'The reason why a refund is matched with no purchase.';
COMMENT ON COLUMN transactions.expires_at IS
    'Of an authorisation that nothing on file is known to have closed: when it expires, or when it is looked whether something has.';
COMMENT ON COLUMN transactions.offers IS 'The offers in whose scope it fell when it came: under these it is history.';
COMMENT ON COLUMN transactions.merchant_id IS 'The merchant that it was matched to, NULL where none is known.';
COMMENT ON COLUMN transactions.matched_by IS 'What told the merchant: a rung of the match ladder, or the reason why none did.';
COMMENT ON COLUMN transactions.product_said IS 'The card''s product that it said; where it said none, card_product is what the card tells.';
COMMENT ON COLUMN transactions.merchant_said IS 'The merchant id that it said: the merchant''s own, or its acquirer''s.';
COMMENT ON COLUMN transactions.brand IS
    'As the merchants told when it came or was matched anew, as the zone is, and what of MCC, country and region it did not say.';
COMMENT ON COLUMN transactions.filed_at IS
    'When it was filed anew last: another customer, purchase or merchant, other words, withdrawn, or more offers; NULL before.';
COMMENT ON COLUMN transactions.told_by IS
    'JSON: the files that tell it in these words, each with its last revision that did; NULL where also one does whose word stays for good.';
COMMENT ON COLUMN transactions.withdrawn IS 'No file tells it any more: kept for what was known before, and under no offer.';
COMMENT ON COLUMN transactions.told_by IS
    'JSON: the files that tell it in these words, each with its last revision that did; NULL where also one does whose word stays for good.';
COMMENT ON COLUMN transactions.withdrawn IS 'No file tells it any more: kept for what was known before, and under no offer.';
COMMENT ON COLUMN transactions.items IS 'JSON: [[product code, amount in minor units], ...].';

CREATE INDEX transactions_unmatched ON transactions (transaction_id) WHERE unmatched IS NOT NULL;
CREATE INDEX transactions_waiting ON transactions (recorded_at, transaction_id) WHERE kind = 'refund' AND offers = '{}';

CREATE FUNCTION keep_history() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE 'what is under an offer is history' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER keep_history BEFORE DELETE ON transactions
    FOR EACH ROW WHEN (OLD.kind <> 'refund' OR OLD.offers <> '{}') EXECUTE FUNCTION keep_history();
COMMENT ON TRIGGER keep_history ON transactions IS 'Only refunds that are under no offer may be let go.';

CREATE TABLE fresh_refunds (transaction_id text PRIMARY KEY);
COMMENT ON TABLE fresh_refunds IS
    'Refunds by card that were not looked at yet together with all that was taken while they were, and could not be seen then.';

CREATE TABLE refund_decisions (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id text NOT NULL,
    decision text NOT NULL CHECK (decision IN ('match', 'close')),
    purchase_id text,
    reason text NOT NULL,
    decided_by text NOT NULL,
    decided_at timestamptz NOT NULL,
    CHECK ((decision = 'match') = (purchase_id IS NOT NULL))
);
CREATE INDEX refund_decisions_refund ON refund_decisions (transaction_id);
COMMENT ON TABLE refund_decisions IS 'What people decided of refunds that named no purchase: who, when and why.';

CREATE TABLE refunds_let_go (
    reason text NOT NULL,
    currency char(3) NOT NULL,
    refunds bigint NOT NULL,
    amount_minor bigint NOT NULL,
    PRIMARY KEY (reason, currency)
);
COMMENT ON TABLE refunds_let_go IS 'How many refunds waited too long for a purchase and were taken out of the history.';

CREATE TABLE filings (until timestamptz NOT NULL, LIKE transactions, PRIMARY KEY (transaction_id, kind, sequence, until));
CREATE INDEX filings_customer ON filings (customer_id);
CREATE INDEX filings_purchase ON filings (purchase_id);
COMMENT ON TABLE filings IS
    'Messages as they were filed before they were filed anew: until when, then the columns of transactions, in order.';

CREATE FUNCTION keep_filing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO filings SELECT NEW.filed_at, OLD.*;
    RETURN NULL;
END $$;
CREATE TRIGGER filings_are_kept AFTER UPDATE ON transactions
    FOR EACH ROW WHEN (OLD.filed_at IS DISTINCT FROM NEW.filed_at) EXECUTE FUNCTION keep_filing();

CREATE FUNCTION filed_as_of(message transactions, moment timestamptz) RETURNS SETOF filings LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT * FROM (
        SELECT * FROM filings AS f
        WHERE (f.transaction_id, f.kind, f.sequence) = (message.transaction_id, message.kind, message.sequence) AND f.until > moment
        UNION ALL SELECT 'infinity', message.*) AS was
    ORDER BY until LIMIT 1
$$;
COMMENT ON FUNCTION filed_as_of IS 'A message as it was filed at a moment. Whether it was recorded by then is for the reader to ask.';

CREATE TABLE set_aside (
    transaction_id text NOT NULL,
    kind text NOT NULL,
    sequence integer NOT NULL,
    content_hash bytea NOT NULL,
    reason text NOT NULL,
    payload text NOT NULL,
    recorded_at timestamptz NOT NULL,
    file_id text NOT NULL DEFAULT '',
    revision integer NOT NULL DEFAULT 0,
    PRIMARY KEY (transaction_id, kind, sequence, content_hash, file_id)
);
COMMENT ON TABLE set_aside IS
    'Transactions that could not be taken, with the reason: nothing is lost. Where the word that stands against one goes, it is told again.';
COMMENT ON COLUMN set_aside.file_id IS 'The file that told it, and in revision its last revision that did; empty where no file did.';

CREATE TABLE file_revisions (
    file_id text PRIMARY KEY,
    revision integer NOT NULL
);
COMMENT ON TABLE file_revisions IS
    'Of files that were revised the newest revision of which anything came: what an earlier one tells is not taken any more.';

CREATE TABLE redemptions (
    redemption_id uuid PRIMARY KEY,
    grant_id uuid NOT NULL,
    completion text NOT NULL,
    offer_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    customer_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'held', 'payable', 'paid', 'reversed', 'rejected')),
    wanted_minor bigint NOT NULL CHECK (wanted_minor >= 0),
    reward_minor bigint NOT NULL CHECK (reward_minor BETWEEN 0 AND wanted_minor),
    earned_minor bigint NOT NULL CHECK (earned_minor BETWEEN 0 AND reward_minor),
    written_off_minor bigint NOT NULL DEFAULT 0 CHECK (written_off_minor >= 0),
    paid_minor bigint NOT NULL DEFAULT 0 CHECK (paid_minor >= 0),
    instructed_minor bigint NOT NULL DEFAULT 0 CHECK (instructed_minor BETWEEN 0 AND paid_minor),
    currency char(3) NOT NULL,
    qualifying_minor bigint NOT NULL,
    corrected_minor bigint NOT NULL DEFAULT 0,
    version integer NOT NULL,
    transaction_id text NOT NULL,
    merchant_id text,
    account_token text,
    earned_at timestamptz NOT NULL,
    payable_at timestamptz NOT NULL,
    reason text,
    revision integer NOT NULL,
    recorded_at timestamptz NOT NULL,
    UNIQUE (grant_id, completion),
    CHECK (state NOT IN ('rejected', 'reversed') OR reward_minor = 0)
);
CREATE INDEX redemptions_customer ON redemptions (customer_id);
CREATE INDEX redemptions_offer ON redemptions (offer_id);
CREATE INDEX redemptions_due ON redemptions (payable_at) WHERE earned_minor > paid_minor;
CREATE INDEX redemptions_debts ON redemptions (customer_id) WHERE paid_minor > earned_minor + written_off_minor;
COMMENT ON COLUMN redemptions.completion IS
    'Which completion of the grant: the purchase where each stands alone, else the number of those that purchases reach together.';
COMMENT ON COLUMN redemptions.wanted_minor IS
    'What the history promises; reward_minor is what the shared pots admitted of it, earned_minor what of that has cleared.';
COMMENT ON COLUMN redemptions.written_off_minor IS 'What was paid, is earned no more, and is left to the customer.';
COMMENT ON COLUMN redemptions.paid_minor IS 'What was credited or is on its way, with what was set against a debt, less what failed or came back.';
COMMENT ON COLUMN redemptions.instructed_minor IS 'What of that is on its way: the card system has not confirmed it.';
COMMENT ON COLUMN redemptions.corrected_minor IS
    'How much of what is promised is more (or, negative, less) than the terms give, by corrections.';
COMMENT ON COLUMN redemptions.earned_at IS 'The moment of the purchase that completed the grant.';

CREATE TABLE redemption_revisions (LIKE redemptions, PRIMARY KEY (redemption_id, revision));
CREATE INDEX redemption_revisions_customer ON redemption_revisions (customer_id);
COMMENT ON TABLE redemption_revisions IS
    'Redemptions as they were before each later revision: what was decided, and in recorded_at when. Has the columns of redemptions, in order.';
COMMENT ON COLUMN redemptions.recorded_at IS 'When this revision was decided; payments have moments of their own.';

CREATE TABLE offer_pots (
    offer_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('total', 'account', 'day', 'month', 'merchant')),
    of text NOT NULL,
    start timestamptz,
    stop timestamptz,
    redemptions integer NOT NULL CHECK (redemptions >= 0),
    cost_minor bigint NOT NULL CHECK (cost_minor >= 0),
    PRIMARY KEY (offer_id, kind, of)
);
COMMENT ON TABLE offer_pots IS 'What was given of an offer''s limited pots: the row is the lock. The limits are in the offer''s terms.';
COMMENT ON COLUMN offer_pots.start IS 'Of a day or a month: its first moment, and in stop the first after it.';

CREATE FUNCTION given_by_pots(pots json)
    RETURNS TABLE (offer_id uuid, kind text, of text, redemptions bigint, cost_minor bigint) LANGUAGE sql STABLE AS $$
    SELECT p.offer_id, p.kind, p.of, coalesce(open.redemptions, given.redemptions), coalesce(open.cost_minor, given.cost_minor)
    FROM json_to_recordset(pots)
        AS p (offer_id uuid, kind text, of text, start timestamptz, stop timestamptz, from_start boolean)
    LEFT JOIN LATERAL (
        SELECT redemptions, cost_minor FROM offer_pots AS o
        WHERE o.offer_id = p.offer_id AND o.kind = p.kind AND o.of = p.of OFFSET 0) AS open ON true,
    LATERAL (
        SELECT count(*) FILTER (WHERE reward_minor > 0) AS redemptions, coalesce(sum(reward_minor + written_off_minor), 0)::bigint AS cost_minor
        FROM redemptions AS r
        WHERE open.redemptions IS NULL AND NOT p.from_start AND r.offer_id = p.offer_id
          AND (p.start IS NULL OR r.earned_at >= p.start AND r.earned_at < p.stop)
          AND (p.kind <> 'merchant' OR coalesce(r.merchant_id, '') = p.of) AND (p.kind <> 'account' OR r.account_token = p.of)
    ) AS given
$$;
COMMENT ON FUNCTION given_by_pots IS 'What limited pots of offers gave; of one that is not open yet what opening it would find.';

CREATE TABLE refusal_counts (
    offer_id uuid NOT NULL,
    reason text NOT NULL,
    purchases bigint NOT NULL,
    PRIMARY KEY (offer_id, reason)
);

CREATE TABLE statement_credits (
    credit_id uuid PRIMARY KEY,
    redemption_id uuid NOT NULL REFERENCES redemptions,
    customer_id text NOT NULL,
    campaign_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    instructed_at timestamptz NOT NULL
);
CREATE INDEX statement_credits_redemption ON statement_credits (redemption_id);

CREATE TABLE credit_results (
    credit_id uuid NOT NULL REFERENCES statement_credits,
    at timestamptz NOT NULL,
    result text NOT NULL CHECK (result IN ('paid', 'failed', 'returned')),
    code text,
    told_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (credit_id, at, result),
    CHECK ((code IS NULL) = (result = 'paid'))
);
COMMENT ON TABLE credit_results IS 'What the card system told of statement credits. The latest by its moment holds; nothing is changed or taken away.';

CREATE TABLE payout_waits (
    redemption_id uuid PRIMARY KEY REFERENCES redemptions,
    due_at timestamptz,
    code text NOT NULL,
    failures integer NOT NULL,
    since timestamptz NOT NULL
);
CREATE INDEX payout_waits_due ON payout_waits (due_at) WHERE due_at IS NOT NULL;
COMMENT ON TABLE payout_waits IS 'Redemptions that are owed and not instructed now, since a credit of theirs failed or came back.';
COMMENT ON COLUMN payout_waits.due_at IS 'When it is tried again; NULL: when a person says so.';

CREATE TABLE payout_retries (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    redemption_id uuid NOT NULL REFERENCES redemptions,
    reason text NOT NULL,
    decided_by text NOT NULL,
    decided_at timestamptz NOT NULL
);
COMMENT ON TABLE payout_retries IS 'Who said that what failed or came back is to be paid again, when and why.';

CREATE TABLE offsets (
    offset_id uuid PRIMARY KEY,
    redemption_id uuid NOT NULL REFERENCES redemptions,
    debt_redemption_id uuid NOT NULL REFERENCES redemptions,
    customer_id text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    settled_at timestamptz NOT NULL
);
CREATE INDEX offsets_redemption ON offsets (redemption_id);
CREATE INDEX offsets_debt ON offsets (debt_redemption_id);
COMMENT ON TABLE offsets IS 'What was owed of one redemption and set against what had been paid too much of another.';
