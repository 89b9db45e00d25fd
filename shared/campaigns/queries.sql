-- name: insert_campaign
-- A new campaign; nothing when the id is taken.
INSERT INTO campaigns (campaign_id, name, objective, portfolio, currency, starts_at, ends_at, zone, state, created_by, created_at, revision)
VALUES (%(campaign_id)s, %(name)s, %(objective)s, %(portfolio)s, %(currency)s, %(starts_at)s, %(ends_at)s, %(zone)s, %(state)s,
        %(created_by)s, %(created_at)s, %(revision)s)
ON CONFLICT DO NOTHING
RETURNING campaign_id;

-- name: read_campaign
-- One campaign.
SELECT campaign_id, name, objective, portfolio, currency, starts_at, ends_at, zone, state, created_by, created_at
FROM campaigns WHERE campaign_id = %(campaign_id)s;

-- name: lock_campaign
-- One campaign, held until the transaction ends.
SELECT campaign_id, name, objective, portfolio, currency, starts_at, ends_at, zone, state, created_by, created_at
FROM campaigns WHERE campaign_id = %(campaign_id)s FOR UPDATE;

-- name: list_campaigns
-- Campaigns, newest first.
SELECT campaign_id, name, objective, portfolio, currency, starts_at, ends_at, zone, state, created_by, created_at
FROM campaigns ORDER BY created_at DESC, campaign_id DESC LIMIT %(limit)s OFFSET %(offset)s;

-- name: set_state
-- Moves a campaign to another state.
UPDATE campaigns SET state = %(state)s, revision = %(revision)s WHERE campaign_id = %(campaign_id)s;

-- name: add_history
-- One more line of the audit trail.
INSERT INTO campaign_history (campaign_id, action, from_state, to_state, by, at, reason, recorded_at)
VALUES (%(campaign_id)s, %(action)s, %(from_state)s, %(to_state)s, %(by)s, %(at)s, %(reason)s, %(now)s);

-- name: read_history
-- The audit trail of a campaign, oldest first.
SELECT action, from_state, to_state, by, at, reason FROM campaign_history WHERE campaign_id = %(campaign_id)s ORDER BY seq;

-- name: insert_budget_request
-- A new request; nothing when the campaign has one open.
INSERT INTO budget_requests (request_id, campaign_id, change, amount_minor, state, requested_by, requested_at, reason)
VALUES (%(request_id)s, %(campaign_id)s, %(change)s, %(amount_minor)s, %(state)s, %(requested_by)s, %(requested_at)s, %(reason)s)
ON CONFLICT DO NOTHING
RETURNING request_id;

-- name: read_open_request
-- The request of a campaign that waits for a decision.
SELECT request_id, campaign_id, change, amount_minor, state, requested_by, requested_at, reason, decided_by, decided_at, decision_reason
FROM budget_requests WHERE campaign_id = %(campaign_id)s AND state = 'requested';

-- name: decide_request
-- The decision on a request.
UPDATE budget_requests
SET state = %(state)s, decided_by = %(decided_by)s, decided_at = %(decided_at)s, decision_reason = %(decision_reason)s
WHERE request_id = %(request_id)s;

-- name: list_requests
-- The requests of a campaign in the order they were made.
SELECT request_id, campaign_id, change, amount_minor, state, requested_by, requested_at, reason, decided_by, decided_at, decision_reason
FROM budget_requests WHERE campaign_id = %(campaign_id)s ORDER BY seq;

-- name: lock_due
-- Campaigns whose window began or ended and that have not moved yet.
SELECT campaign_id, name, objective, portfolio, currency, starts_at, ends_at, zone, state, created_by, created_at
FROM campaigns
WHERE (state = 'scheduled' AND starts_at <= %(now)s) OR (state IN ('scheduled', 'live', 'paused') AND ends_at <= %(now)s)
ORDER BY campaign_id
LIMIT %(most)s
FOR UPDATE SKIP LOCKED;

-- name: turns_since
-- The changes of state of campaigns that changed after a revision, each campaign's in order; a revision is complete once it can be seen.
SELECT campaign_id, h.to_state, h.at, h.recorded_at
FROM campaigns AS c JOIN campaign_history AS h USING (campaign_id)
WHERE c.revision > %(revision)s AND h.from_state IS DISTINCT FROM h.to_state
ORDER BY campaign_id, h.seq;
