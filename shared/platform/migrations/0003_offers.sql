-- before deploy
-- Offers, their versions (an approved one never changes) and their history.

CREATE TABLE offers (
    offer_id uuid PRIMARY KEY,
    campaign_id uuid NOT NULL REFERENCES campaigns,
    name text NOT NULL,
    state text NOT NULL CHECK (state IN (
        'draft', 'in_review', 'changes_requested', 'rejected', 'approved', 'live', 'withdrawn')),
    latest_version integer NOT NULL,
    live_at timestamptz,
    withdrawn_at timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    revision bigint NOT NULL
);
CREATE INDEX offers_campaign ON offers (campaign_id);
CREATE INDEX offers_revision ON offers (revision);
CREATE INDEX offers_approved ON offers (campaign_id) WHERE state = 'approved';
COMMENT ON COLUMN offers.state IS 'The review of the newest version until one was approved, then the offer''s own: approved, live, withdrawn.';
COMMENT ON COLUMN offers.revision IS 'Of the last change that purchases depend on: an approval or the withdrawal; 0 where there was none.';

CREATE TABLE offer_versions (
    offer_id uuid NOT NULL REFERENCES offers,
    version integer NOT NULL CHECK (version >= 1),
    state text NOT NULL CHECK (state IN ('draft', 'in_review', 'changes_requested', 'rejected', 'approved')),
    terms text NOT NULL,
    starts_at timestamptz NOT NULL,
    authors text[] NOT NULL,
    created_at timestamptz NOT NULL,
    decided_by text CHECK (decided_by <> ALL (authors)),
    decided_at timestamptz,
    decision_reason text,
    PRIMARY KEY (offer_id, version)
);
CREATE INDEX offer_versions_decided ON offer_versions (decided_at) WHERE state = 'approved';
CREATE INDEX offers_withdrawn ON offers (withdrawn_at) WHERE withdrawn_at IS NOT NULL;
COMMENT ON COLUMN offer_versions.starts_at IS 'When the window opens in the first zone in which it may be read.';
COMMENT ON COLUMN offer_versions.terms IS 'JSON as the terms model writes it; text, so that what was approved stays as it was to the byte.';
COMMENT ON COLUMN offer_versions.authors IS 'Everyone who wrote or submitted this version; none of them may approve it.';

CREATE FUNCTION refuse_change_of_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an approved offer version never changes, the terms of any version neither';
END $$;
CREATE TRIGGER offer_versions_approved_is_final BEFORE UPDATE OR DELETE ON offer_versions
    FOR EACH ROW WHEN (OLD.state = 'approved') EXECUTE FUNCTION refuse_change_of_version();
CREATE TRIGGER offer_versions_terms_are_final BEFORE UPDATE OF offer_id, version, terms, starts_at, created_at ON offer_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_version();

CREATE TABLE offer_history (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    offer_id uuid NOT NULL REFERENCES offers,
    version integer NOT NULL,
    action text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    by text NOT NULL,
    at timestamptz NOT NULL,
    reason text NOT NULL
);
CREATE INDEX offer_history_offer ON offer_history (offer_id, seq);
