-- name: bury
-- Keeps an event of the outbox that a function could not take. How often it was tried is forgotten: redriven, it begins anew.
WITH forgotten AS (
    DELETE FROM attempts USING outbox
    WHERE seq = %(seq)s AND attempts.consumer = %(consumer)s AND attempts.source = outbox.source
      AND attempts.key = replace(event_id::text, '-', '')
)
INSERT INTO dead_letters (consumer, source, said_id, event_id, type, subject, topic, key, occurred_at, trace, payload, status, reason, attempts)
SELECT %(consumer)s, source, 'evt_' || replace(event_id::text, '-', ''), event_id, type, subject, topic, key, occurred_at, trace, payload,
       %(status)s, %(reason)s, attempts + 1
FROM outbox WHERE seq = %(seq)s
ON CONFLICT (consumer, source, said_id) DO UPDATE
    SET status = excluded.status, reason = excluded.reason, attempts = dead_letters.attempts + excluded.attempts,
        dead_since = now(), state = 'waiting';

-- name: keep
-- Keeps what was brought to the dead-letter sink. How often it was tried is forgotten: redriven, it begins anew.
WITH forgotten AS (
    DELETE FROM attempts WHERE consumer = %(consumer)s AND source = %(source)s AND key = replace(%(event_id)s::uuid::text, '-', '')
)
INSERT INTO dead_letters
    (consumer, source, said_id, event_id, type, subject, topic, key, occurred_at, trace, payload, whole, status, reason)
VALUES (%(consumer)s, %(source)s, %(said_id)s, %(event_id)s, %(type)s, %(subject)s, %(topic)s, %(key)s, %(occurred_at)s, %(trace)s,
        %(payload)b, %(whole)s, %(status)s, %(reason)s)
ON CONFLICT (consumer, source, said_id) DO UPDATE
    SET status = excluded.status, reason = excluded.reason, dead_since = now(), state = 'waiting';

-- name: list_letters
-- Letters in a state, the newest first, after a given one.
SELECT letter_id, consumer, source, said_id, event_id, type, subject, topic, key, occurred_at, trace, ''::bytea AS payload, whole, status,
       reason, attempts, dead_since, state
FROM dead_letters
WHERE state = %(state)s AND (%(consumer)s::text IS NULL OR consumer = %(consumer)s)
  AND (%(after)s::uuid IS NULL
       OR (dead_since, letter_id) < (SELECT dead_since, letter_id FROM dead_letters WHERE letter_id = %(after)s))
ORDER BY dead_since DESC, letter_id DESC
LIMIT %(most)s;

-- name: read_letter
-- One letter.
SELECT letter_id, consumer, source, said_id, event_id, type, subject, topic, key, occurred_at, trace, payload, whole, status, reason,
       attempts, dead_since, state
FROM dead_letters WHERE letter_id = %(letter_id)s;

-- name: lock_letter
-- One letter, held until the transaction ends.
SELECT letter_id, consumer, source, said_id, event_id, type, subject, topic, key, occurred_at, trace, payload, whole, status, reason,
       attempts, dead_since, state
FROM dead_letters WHERE letter_id = %(letter_id)s FOR UPDATE;

-- name: list_redrivable
-- Letters that wait and may be redriven, the oldest first.
SELECT letter_id FROM dead_letters
WHERE state = 'waiting' AND whole AND event_id IS NOT NULL AND occurred_at IS NOT NULL AND topic <> ''
ORDER BY dead_since, letter_id LIMIT %(most)s;

-- name: read_decisions
-- What people decided of a letter, oldest first.
SELECT decision, decided_by, decided_at, reason FROM dead_letter_decisions WHERE letter_id = %(letter_id)s ORDER BY decided_at;

-- name: forget_decided
-- Removes letters that were decided on before a moment, with the decisions; at most so many.
WITH old AS (
    SELECT letter_id FROM dead_letters
    WHERE state <> 'waiting' AND (SELECT max(decided_at) FROM dead_letter_decisions AS d WHERE d.letter_id = dead_letters.letter_id) < %(before)s
    LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
DELETE FROM dead_letters USING old WHERE dead_letters.letter_id = old.letter_id;

-- name: lock_naming
-- Letters that may tell of a customer, held until the transaction ends: those of a type that tells of customers, and what names the id.
SELECT letter_id, type, payload FROM dead_letters
WHERE type = %(type)s OR position(%(name)b IN payload) > 0
ORDER BY letter_id FOR UPDATE;

-- name: replace_payload
-- Something was taken out of what a letter says.
UPDATE dead_letters SET payload = %(payload)b, whole = whole AND %(whole)s WHERE letter_id = %(letter_id)s;

-- name: decide
-- What a person decided of a letter, and the state that it is in by that.
WITH decided AS (
    INSERT INTO dead_letter_decisions (letter_id, decided_at, decided_by, decision, reason)
    VALUES (%(letter_id)s, %(now)s, %(by)s, %(decision)s, %(reason)s)
)
UPDATE dead_letters SET state = %(state)s WHERE letter_id = %(letter_id)s;

-- name: put_back
-- Puts a letter back into the outbox, for the one function that could not take it.
INSERT INTO outbox (event_id, type, source, subject, topic, key, occurred_at, trace, payload, pending, retained)
SELECT event_id, type, source, subject, topic, key, occurred_at, trace, payload, ARRAY[consumer], false
FROM dead_letters WHERE letter_id = %(letter_id)s
ON CONFLICT (source, event_id) DO UPDATE
    SET pending = (SELECT array_agg(DISTINCT c) FROM unnest(outbox.pending || excluded.pending) AS c), attempts = 0, next_attempt_at = '-infinity';
