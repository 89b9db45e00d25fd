-- name: claim
-- Records that this is being handled; no row when it was handled before. Waits for another that is handling it now.
INSERT INTO handled (consumer, source, key, input_hash, handled_at)
VALUES (%(consumer)s, %(source)s, %(key)s, %(input_hash)s, %(now)s)
ON CONFLICT DO NOTHING
RETURNING true AS first;

-- name: read_handled
-- What was handled under this identity.
SELECT input_hash, status, answer FROM handled WHERE consumer = %(consumer)s AND source = %(source)s AND key = %(key)s;

-- name: save_answer
-- Keeps the first answer.
UPDATE handled SET status = %(status)s, answer = %(answer)s
WHERE consumer = %(consumer)s AND source = %(source)s AND key = %(key)s;

-- name: begin_attempt
-- Counts that an event is brought to a function. Not waited for until it is on disk: it outlives a process, and need not outlive a machine.
WITH quickly AS (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO attempts (consumer, source, key, begun) SELECT %(consumer)s, %(source)s, %(key)s, 1 FROM quickly
ON CONFLICT (consumer, source, key) DO UPDATE SET begun = attempts.begun + 1
RETURNING begun, failed;

-- name: attempt_failed
-- The function has answered that the event is to be brought again.
WITH quickly AS (SELECT set_config('synchronous_commit', 'off', true))
UPDATE attempts SET failed = failed + 1 FROM quickly WHERE consumer = %(consumer)s AND source = %(source)s AND key = %(key)s;

-- name: forget_attempts
-- The function has answered for good.
WITH quickly AS (SELECT set_config('synchronous_commit', 'off', true))
DELETE FROM attempts USING quickly WHERE consumer = %(consumer)s AND source = %(source)s AND key = %(key)s;

-- name: bump_revision
-- The next revision of an area.
UPDATE revisions SET revision = revision + 1 WHERE area = %(area)s RETURNING revision;

-- name: lock_shards
-- Holds customer shards until the transaction ends, in the order of the array.
SELECT pg_advisory_xact_lock(%(kind)s, shard) FROM (SELECT shard FROM unnest(%(shards)s::integer[]) AS s (shard) ORDER BY shard) AS sorted;

-- name: pass_shards
-- Waits for whoever holds customer shards, in the order of the array, and holds none of them.
SELECT pg_advisory_lock_shared(%(kind)s, shard), pg_advisory_unlock_shared(%(kind)s, shard)
FROM (SELECT shard FROM unnest(%(shards)s::integer[]) AS s (shard) ORDER BY shard) AS sorted;

-- name: store_events
-- Puts events into the outbox, each once by its source and id.
INSERT INTO outbox (event_id, type, source, subject, topic, key, occurred_at, trace, payload, pending, retained)
SELECT event_id, type, source, subject, topic, key, %(now)s, %(trace)s, payload, string_to_array(pending, ','), retained
FROM unnest(%(event_ids)s::uuid[], %(types)s::text[], %(sources)s::text[], %(subjects)s::text[], %(topics)s::text[],
            %(keys)s::text[], %(payloads)b::bytea[], %(pendings)s::text[], %(retained)s::boolean[])
    AS e (event_id, type, source, subject, topic, key, payload, pending, retained)
ON CONFLICT (source, event_id) DO NOTHING;

-- name: wake_relay
-- Tells a listening relay, once the transaction commits, that there is something to deliver.
SELECT pg_notify('clo_outbox', '');

-- name: take_due
-- The oldest events that some function has still to take, of keys that nobody works on and that need not wait.
SELECT seq, event_id, type, source, subject, topic, key, occurred_at, trace, payload, pending, attempts
FROM outbox
WHERE pending <> '{}' AND NOT key = ANY (%(blocked)s)
  AND key NOT IN (SELECT key FROM outbox WHERE pending <> '{}' AND next_attempt_at > now())
ORDER BY seq
LIMIT %(most)s;

-- name: delivered
-- One function has taken the event.
UPDATE outbox SET pending = array_remove(pending, %(consumer)s), attempts = 0 WHERE seq = %(seq)s;

-- name: remove_event
-- Takes a delivered event out of the outbox.
DELETE FROM outbox WHERE seq = %(seq)s AND pending = '{}' AND NOT retained;

-- name: put_off
-- A delivery failed and is to be tried again later.
UPDATE outbox SET attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => %(seconds)s), last_error = %(error)s
WHERE seq = %(seq)s;

-- name: read_topic
-- What systems outside read of a topic, in order.
SELECT seq, event_id, type, source, subject, key, occurred_at, trace, payload
FROM outbox WHERE retained AND topic = %(topic)s AND seq > %(after)s ORDER BY seq LIMIT %(most)s;

-- name: backlog
-- How many deliveries are still to be made, and how many letters are dead.
SELECT (SELECT count(*) FROM outbox WHERE pending <> '{}') AS pending,
       (SELECT count(*) FROM dead_letters WHERE state = 'waiting') AS dead;
