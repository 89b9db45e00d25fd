-- before deploy
-- Campaigns, their requests for budget, and who did what when and why.

CREATE TABLE campaigns (
    campaign_id uuid PRIMARY KEY,
    name text NOT NULL,
    objective text NOT NULL,
    portfolio text NOT NULL,
    currency char(3) NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    zone text NOT NULL,
    state text NOT NULL CHECK (state IN (
        'draft', 'budget_requested', 'funded', 'rejected', 'scheduled', 'live', 'paused', 'ended', 'cancelled')),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    revision bigint NOT NULL
);
CREATE INDEX campaigns_revision ON campaigns (revision);
COMMENT ON COLUMN campaigns.ends_at IS 'The first moment after the campaign.';

CREATE TABLE budget_requests (
    request_id uuid PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    campaign_id uuid NOT NULL REFERENCES campaigns,
    change text NOT NULL CHECK (change IN ('raise', 'lower')),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    state text NOT NULL CHECK (state IN ('requested', 'approved', 'rejected')),
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    reason text NOT NULL,
    decided_by text CHECK (decided_by <> requested_by),
    decided_at timestamptz,
    decision_reason text
);
CREATE INDEX budget_requests_campaign ON budget_requests (campaign_id);
CREATE UNIQUE INDEX budget_requests_open ON budget_requests (campaign_id) WHERE state = 'requested';

CREATE TABLE campaign_history (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id uuid NOT NULL REFERENCES campaigns,
    action text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    by text NOT NULL,
    at timestamptz NOT NULL,
    reason text NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX campaign_history_campaign ON campaign_history (campaign_id, seq);
CREATE INDEX campaign_history_recorded ON campaign_history (recorded_at);
COMMENT ON COLUMN campaign_history.at IS 'When the change holds from: a start or end by time holds from its due moment, however late it was carried out.';
