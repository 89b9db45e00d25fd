-- name: later_events
-- Events that are to be delivered after this one: of its key at first, then of the others.
SELECT later.event_id, later.type, later.source, later.subject, later.key, later.occurred_at, later.trace, later.payload, later.pending
FROM outbox AS this JOIN outbox AS later ON later.seq > this.seq
WHERE this.source = %(source)s AND this.event_id = %(event_id)s AND later.pending <> '{}'
ORDER BY later.key <> this.key, later.seq
LIMIT %(most)s;
