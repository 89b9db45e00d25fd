-- name: insert_offer
-- A new offer; nothing when the id is taken.
INSERT INTO offers (offer_id, campaign_id, name, state, latest_version, created_by, created_at, revision)
VALUES (%(offer_id)s, %(campaign_id)s, %(name)s, %(state)s, %(latest_version)s, %(created_by)s, %(created_at)s, 0)
ON CONFLICT DO NOTHING
RETURNING offer_id;

-- name: lock_offer
-- Holds an offer until the transaction ends; what hangs on it is read after, so that it is as new as the lock.
SELECT offer_id FROM offers WHERE offer_id = %(offer_id)s FOR UPDATE;

-- name: read_offer
-- One offer, with the review of its newest version, the newest approved one, and whether its campaign is over.
SELECT o.offer_id, o.campaign_id, o.name, o.state, o.latest_version, o.live_at, o.withdrawn_at, o.created_by, o.created_at,
       v.state AS review, c.state IN ('ended', 'cancelled') AS over,
       (SELECT max(version) FROM offer_versions a WHERE a.offer_id = o.offer_id AND a.state = 'approved') AS version_in_force
FROM offers o
JOIN offer_versions v ON v.offer_id = o.offer_id AND v.version = o.latest_version
JOIN campaigns c ON c.campaign_id = o.campaign_id
WHERE o.offer_id = %(offer_id)s;

-- name: list_offers
-- Offers newest first, of one campaign or of all.
SELECT o.offer_id, o.campaign_id, o.name, o.state, o.latest_version, o.live_at, o.withdrawn_at, o.created_by, o.created_at,
       v.state AS review, c.state IN ('ended', 'cancelled') AS over,
       (SELECT max(version) FROM offer_versions a WHERE a.offer_id = o.offer_id AND a.state = 'approved') AS version_in_force
FROM offers o
JOIN offer_versions v ON v.offer_id = o.offer_id AND v.version = o.latest_version
JOIN campaigns c ON c.campaign_id = o.campaign_id
WHERE %(campaign_id)s::uuid IS NULL OR o.campaign_id = %(campaign_id)s
ORDER BY o.created_at DESC, o.offer_id DESC
LIMIT %(limit)s OFFSET %(offset)s;

-- name: read_offers
-- Several offers by id.
SELECT o.offer_id, o.campaign_id, o.name, o.state, o.latest_version, o.live_at, o.withdrawn_at, o.created_by, o.created_at,
       v.state AS review, c.state IN ('ended', 'cancelled') AS over,
       (SELECT max(version) FROM offer_versions a WHERE a.offer_id = o.offer_id AND a.state = 'approved') AS version_in_force
FROM offers o
JOIN offer_versions v ON v.offer_id = o.offer_id AND v.version = o.latest_version
JOIN campaigns c ON c.campaign_id = o.campaign_id
WHERE o.offer_id = ANY (%(offer_ids)s);

-- name: move_offer
-- An offer's new state; a new revision where caches are to see it.
UPDATE offers
SET state = %(state)s, latest_version = %(latest_version)s, withdrawn_at = %(withdrawn_at)s, revision = coalesce(%(revision)s, revision)
WHERE offer_id = %(offer_id)s;

-- name: insert_version
-- A new version of an offer's terms.
INSERT INTO offer_versions (offer_id, version, state, terms, starts_at, authors, created_at)
VALUES (%(offer_id)s, %(number)s, %(review)s, %(terms)s, %(starts_at)s, %(authors)s, %(created_at)s);

-- name: review_version
-- Where a version is in its review now; its terms stay as they were written.
UPDATE offer_versions
SET state = %(review)s, authors = %(authors)s, decided_by = %(decided_by)s, decided_at = %(decided_at)s,
    decision_reason = %(decision_reason)s
WHERE offer_id = %(offer_id)s AND version = %(number)s;

-- name: read_version
-- One version of an offer.
SELECT offer_id, version AS number, state AS review, terms, starts_at, authors, created_at, decided_by, decided_at, decision_reason
FROM offer_versions WHERE offer_id = %(offer_id)s AND version = %(number)s;

-- name: list_versions
-- The versions of an offer, oldest first.
SELECT offer_id, version AS number, state AS review, terms, starts_at, authors, created_at, decided_by, decided_at, decision_reason
FROM offer_versions WHERE offer_id = %(offer_id)s ORDER BY version;

-- name: add_history
-- One more line of the audit trail.
INSERT INTO offer_history (offer_id, version, action, from_state, to_state, by, at, reason)
VALUES (%(offer_id)s, %(version)s, %(action)s, %(from_state)s, %(to_state)s, %(by)s, %(at)s, %(reason)s);

-- name: read_history
-- The audit trail of an offer, oldest first.
SELECT version, action, from_state, to_state, by, at, reason FROM offer_history WHERE offer_id = %(offer_id)s ORDER BY seq;

-- name: lock_launchable
-- Approved offers, of one campaign or of all, whose campaign is live and whose window has opened, held until the transaction ends.
SELECT o.offer_id
FROM offers o
JOIN campaigns c ON c.campaign_id = o.campaign_id
CROSS JOIN LATERAL (
    SELECT starts_at FROM offer_versions v WHERE v.offer_id = o.offer_id AND v.state = 'approved' ORDER BY version DESC LIMIT 1
) AS v
WHERE o.state = 'approved' AND c.state = 'live' AND v.starts_at <= %(now)s
  AND (%(campaign_id)s::uuid IS NULL OR o.campaign_id = %(campaign_id)s)
ORDER BY o.offer_id
LIMIT %(most)s
FOR UPDATE OF o;

-- name: launch
-- Makes held offers live from the later of their window's and their campaign's start, with the line of history that goes with it.
WITH launched AS (
    UPDATE offers o SET state = 'live', live_at = greatest(v.starts_at, c.starts_at)
    FROM campaigns c, offer_versions v
    WHERE o.offer_id = ANY (%(offer_ids)s) AND c.campaign_id = o.campaign_id AND v.offer_id = o.offer_id
      AND v.version = (SELECT max(version) FROM offer_versions a WHERE a.offer_id = o.offer_id AND a.state = 'approved')
    RETURNING o.offer_id, o.campaign_id, o.live_at, v.version, v.terms
), noted AS (
    INSERT INTO offer_history (offer_id, version, action, from_state, to_state, by, at, reason)
    SELECT offer_id, version, 'launch', 'approved', 'live', %(by)s, live_at, 'The time had come.' FROM launched ORDER BY offer_id
)
SELECT offer_id, campaign_id, live_at, version, terms FROM launched ORDER BY offer_id;

-- name: read_revisions
-- How far the values behind the catalogue have moved.
SELECT (SELECT revision FROM revisions WHERE area = 'offers') AS offers,
       (SELECT revision FROM revisions WHERE area = 'campaigns') AS campaigns;

-- name: approved_since
-- The approved versions of offers that changed after a revision, an offer's together and in order.
SELECT o.offer_id, o.campaign_id, o.withdrawn_at, v.version, v.decided_at, v.terms
FROM offers o
JOIN offer_versions v ON v.offer_id = o.offer_id AND v.state = 'approved'
WHERE o.revision > %(revision)s
ORDER BY o.offer_id, v.version;
