-- name: be_the_publisher
-- Whether this connection is now the one that publishes; it is until it ends.
SELECT pg_try_advisory_lock(%(lock)s) AS held;

-- name: listen
-- Be told when something was put into the outbox.
LISTEN clo_outbox;

-- name: take_unpublished
-- The oldest events, as many as fit into a batch, of keys that need not wait.
SELECT seq, event_id, type, source, subject, topic, key, occurred_at, trace, payload, attempts
FROM (
    SELECT *, sum(octet_length(payload)) OVER (ORDER BY seq) - octet_length(payload) AS bytes_before
    FROM (
        SELECT seq, event_id, type, source, subject, topic, key, occurred_at, trace, payload, attempts
        FROM outbox
        WHERE key NOT IN (SELECT key FROM outbox WHERE next_attempt_at > '-infinity' AND next_attempt_at > now())
        ORDER BY seq LIMIT %(most)s
    ) AS oldest
) AS counted
WHERE bytes_before < %(most_bytes)s
ORDER BY seq;

-- name: remove_published
-- Takes out of the outbox what Kafka has acknowledged.
DELETE FROM outbox WHERE seq = ANY (%(seqs)s);

-- name: unpublished
-- How many events are still to be published, and how many letters are dead.
SELECT (SELECT count(*) FROM outbox) AS unpublished,
       (SELECT count(*) FROM dead_letters WHERE state = 'waiting') AS dead;
