-- before deploy
-- Offers, their versions (an approved one never changes) and their history.

CREATE TABLE offers (
    offer_id uuid PRIMARY KEY,
    campaign_id uuid NOT NULL REFERENCES campaigns,
    name text NOT NULL,
    state text NOT NULL CHECK (state IN (
        'draft', 'in_review', 'changes_requested', 'rejected', 'approved', 'live', 'withdrawn', 'ended')),
    latest_version integer NOT NULL,
    live_at timestamptz,
    withdrawn_at timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    revision bigint NOT NULL
);
CREATE INDEX offers_campaign ON offers (campaign_id);
CREATE INDEX offers_revision ON offers (revision);

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
COMMENT ON COLUMN offer_versions.terms IS 'JSON as the terms model writes it; text, so that what was approved stays as it was to the byte.';
COMMENT ON COLUMN offer_versions.authors IS 'Everyone who wrote or submitted this version; none of them may approve it.';

CREATE FUNCTION refuse_change_of_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an approved offer version never changes';
END $$;
CREATE TRIGGER offer_versions_approved_is_final BEFORE UPDATE OR DELETE ON offer_versions
    FOR EACH ROW WHEN (OLD.state = 'approved') EXECUTE FUNCTION refuse_change_of_approved();

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
