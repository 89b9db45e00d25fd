-- name: add_drop
-- Puts a drop on record; nothing where it is there already, or where another one holds its revision.
INSERT INTO drops (drop_id, name, generation, size, state, outcome, file_id, revision, kind, sender, manifest, problems, repeat_of,
                   received_at, closed_at, manifest_generation, attempt)
VALUES (%(drop_id)s, %(name)s, %(generation)s, %(size)s, %(state)s, %(outcome)s, %(file_id)s, %(revision)s, %(kind)s, %(sender)s,
        %(manifest)s, %(problems)s, %(repeat_of)s, %(received_at)s, %(closed_at)s, %(manifest_generation)s, %(attempt)s)
ON CONFLICT DO NOTHING
RETURNING drop_id;

-- name: read_drop
-- One drop.
SELECT drop_id, name, generation, size, state, outcome, manifest, kind, sender, problems, names, repeat_of, superseded_by, received_at,
       split_at, read_at, closed_at, manifest_generation, attempt, tried_anew_by
FROM drops WHERE drop_id = %(drop_id)s;

-- name: lock_drop
-- One drop, held until the transaction ends.
SELECT drop_id, name, generation, size, state, outcome, manifest, kind, sender, problems, names, repeat_of, superseded_by, received_at,
       split_at, read_at, closed_at, manifest_generation, attempt, tried_anew_by
FROM drops WHERE drop_id = %(drop_id)s FOR UPDATE;

-- name: read_revisions
-- The drops that hold a revision of a file, oldest revision first.
SELECT drop_id, name, generation, size, state, outcome, manifest, kind, sender, problems, names, repeat_of, superseded_by, received_at,
       split_at, read_at, closed_at, manifest_generation, attempt, tried_anew_by
FROM drops
WHERE file_id = %(file_id)s AND tried_anew_by IS NULL AND (outcome IS NULL OR outcome IN ('accepted', 'partial', 'rejected'))
ORDER BY revision;

-- name: read_closed
-- Which of some drops are closed.
SELECT drop_id FROM drops WHERE drop_id = ANY (%(drop_ids)s) AND state = 'closed';

-- name: read_superseded
-- The drops whose place another one takes.
SELECT drop_id, name, generation, size, state, outcome, manifest, kind, sender, problems, names, repeat_of, superseded_by, received_at,
       split_at, read_at, closed_at, manifest_generation, attempt, tried_anew_by
FROM drops WHERE superseded_by = %(drop_id)s;

-- name: update_drop
-- Brings a drop up to date.
UPDATE drops
SET state = %(state)s, outcome = %(outcome)s, problems = %(problems)s, names = %(names)s, split_at = %(split_at)s, read_at = %(read_at)s,
    closed_at = %(closed_at)s, superseded_by = %(superseded_by)s, tried_anew_by = %(tried_anew_by)s
WHERE drop_id = %(drop_id)s;

-- name: list_drops
-- Drops, newest first, with whatever is asked of them.
SELECT drop_id, name, generation, size, state, outcome, manifest, kind, sender, problems, names, repeat_of, superseded_by, received_at,
       split_at, read_at, closed_at, manifest_generation, attempt, tried_anew_by
FROM drops
WHERE (%(before)s::uuid IS NULL OR (received_at, drop_id) < (SELECT received_at, drop_id FROM drops WHERE drop_id = %(before)s))
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(outcome)s::text IS NULL OR outcome = %(outcome)s)
  AND (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (%(sender)s::text IS NULL OR sender = %(sender)s)
  AND (%(name)s::text IS NULL OR name = %(name)s OR right(name, length(%(name)s) + 1) = '/' || %(name)s)
ORDER BY received_at DESC, drop_id DESC
LIMIT %(limit)s;

-- name: add_chunks
-- The chunks of a drop.
INSERT INTO drop_chunks (drop_id, number, first_line, lines, start, stop, object)
SELECT %(drop_id)s, number, first_line, lines, start, stop, object
FROM unnest(%(numbers)s::integer[], %(first_lines)s::bigint[], %(lines)s::bigint[], %(starts)s::bigint[], %(stops)s::bigint[],
            %(objects)s::text[]) AS c (number, first_line, lines, start, stop, object);

-- name: read_chunk
-- One chunk, with the last step that is done.
SELECT number, first_line, lines, start, stop, object, step FROM drop_chunks WHERE drop_id = %(drop_id)s AND number = %(number)s;

-- name: chunk_read
-- A chunk was read: what was found in it; nothing where it was before.
UPDATE drop_chunks
SET step = 'read', accepted = %(accepted)s, rejected = %(rejected)s, totals = %(totals)s, read_at = %(now)s
WHERE drop_id = %(drop_id)s AND number = %(number)s AND step IS NULL
RETURNING number;

-- name: chunk_applied
-- What a chunk's records say took effect, or was refused; nothing where it did before.
UPDATE drop_chunks
SET step = 'apply', applied_at = %(now)s, parts = %(parts)s, accepted = accepted - %(refused)s, rejected = rejected + %(refused)s,
    totals = coalesce(%(totals)s, totals)
WHERE drop_id = %(drop_id)s AND number = %(number)s AND step = 'read'
RETURNING number;

-- name: chunk_withdrawn
-- What a chunk told and a later revision tells no more was published; nothing where it was before.
UPDATE drop_chunks SET step = 'withdraw' WHERE drop_id = %(drop_id)s AND number = %(number)s AND step = 'apply' RETURNING number;

-- name: add_replay
-- Keeps that a file was taken up again.
INSERT INTO drop_replays (drop_id, asked_at, asked_by, reason, step) VALUES (%(drop_id)s, %(now)s, %(by)s, %(reason)s, %(step)s);

-- name: read_open
-- The chunks of a drop with which a step is not done, of which the step before it is.
SELECT number FROM drop_chunks WHERE drop_id = %(drop_id)s AND step IS NOT DISTINCT FROM %(after)s ORDER BY number;

-- name: read_parts
-- What each chunk of a drop has in the lake.
SELECT number, parts FROM drop_chunks WHERE drop_id = %(drop_id)s ORDER BY number;

-- name: add_lake_parts
-- Parts of the lake, from now on, and what their objects have of each day; nothing for those that are on record.
WITH part AS (
    SELECT * FROM jsonb_to_recordset(%(parts)s) AS p (name text, kind text, day text, from_file boolean, records bigint, object text,
                                                           first_row bigint, bytes bigint)
), object AS (
    INSERT INTO lake_objects (name, kind, day, records, bytes, kept_at)
    SELECT object, kind, day, records, bytes, %(now)s FROM part
    ON CONFLICT DO NOTHING
    RETURNING name AS object, day
)
INSERT INTO lake_parts (name, kind, day, from_file, records, object, first_row, kept_at)
SELECT name, kind, day, from_file, records, object, first_row, %(now)s FROM part JOIN object USING (object, day);

-- name: forget_lake_parts
-- Parts of the lake count no more; objects in which nothing else of their day counts are left.
WITH forgotten AS (DELETE FROM lake_parts WHERE name = ANY (%(names)s) RETURNING object, day, records)
UPDATE lake_objects o
SET gone = o.gone + f.records, left_at = CASE WHEN o.gone + f.records = o.records THEN now() END
FROM (SELECT object, day, sum(records)::bigint AS records FROM forgotten GROUP BY object, day) f
WHERE o.name = f.object AND o.day = f.day;

-- name: read_places_of_parts
-- Where parts of the lake lie now.
SELECT name, day, from_file, object, first_row, records FROM lake_parts WHERE name = ANY (%(names)s) ORDER BY object, first_row;

-- name: read_parts_in_objects
-- What of a day counts in some objects, in order.
SELECT name, day, from_file, object, first_row, records FROM lake_parts
WHERE object = ANY (%(objects)s) AND day = %(day)s ORDER BY object, first_row;

-- name: read_scattered_days
-- The days of which the records lie in many small objects, or in one in which much counts no more; a digest of which objects these are.
SELECT kind, day, md5(string_agg(name, ',' ORDER BY name)) AS state FROM lake_objects
WHERE left_at IS NULL AND ((bytes < %(small)s AND records < %(few)s) OR gone > records / 2)
GROUP BY kind, day
HAVING count(*) >= %(least)s OR bool_or(gone > records / 2)
ORDER BY kind, day LIMIT %(most)s;

-- name: read_small_objects
-- The small objects of a day, and those in which much counts no more: these first.
SELECT name, records - gone AS records, bytes, gone FROM lake_objects
WHERE kind = %(kind)s AND day = %(day)s AND left_at IS NULL
  AND ((bytes < %(small)s AND records < %(few)s) OR gone > records / 2)
ORDER BY gone > records / 2 DESC, kept_at, name LIMIT %(most)s;

-- name: begin_object
-- An object that is about to be written: nothing lies there yet. Where it is in use, it was written before.
INSERT INTO lake_objects (name, kind, day, records, bytes, kept_at, left_at)
VALUES (%(name)s, %(kind)s, %(day)s, 0, 0, %(now)s, now())
ON CONFLICT (name, day) DO UPDATE SET left_at = excluded.left_at WHERE lake_objects.left_at IS NOT NULL;

-- name: use_object
-- An object was written and is in use from now on; nothing where it was removed meanwhile.
UPDATE lake_objects SET records = %(records)s, bytes = %(bytes)s, gone = 0, left_at = NULL
WHERE name = %(name)s AND day = %(day)s RETURNING name;

-- name: move_parts
-- Parts lie elsewhere from now on, if they still lie where they lay.
UPDATE lake_parts p SET object = %(object)s, first_row = m.first_row
FROM unnest(%(names)s::text[], %(objects)s::text[], %(first_rows)s::bigint[]) AS m (name, object, first_row)
WHERE p.name = m.name AND p.object = m.object
RETURNING p.name;

-- name: leave_objects
-- Nothing of a day that counts lies in some objects any more.
UPDATE lake_objects SET left_at = now() WHERE name = ANY (%(objects)s) AND day = %(day)s;

-- name: take_left_objects
-- Objects of which all days were left long ago and that nobody reads, no more on record.
DELETE FROM lake_objects WHERE name IN (
    SELECT name FROM lake_objects o
    WHERE left_at <= now() - %(grace)s AND NOT name = ANY (%(needed)s)
      AND NOT EXISTS (SELECT FROM lake_objects d WHERE d.name = o.name AND (d.left_at IS NULL OR d.left_at > now() - %(grace)s))
    ORDER BY left_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING name;

-- name: count_chunks
-- How far the chunks of drops are.
SELECT drop_id, count(*) AS chunks, count(*) FILTER (WHERE step IS NOT NULL) AS read, count(*) FILTER (WHERE step IN ('apply', 'withdraw')) AS applied,
       count(*) FILTER (WHERE step = 'withdraw') AS withdrawn, sum(lines)::bigint AS lines, sum(accepted)::bigint AS accepted, sum(rejected)::bigint AS rejected,
       coalesce(sum(lines) FILTER (WHERE step IS NOT NULL), 0)::bigint AS lines_read,
       coalesce(sum(lines) FILTER (WHERE step IN ('apply', 'withdraw')), 0)::bigint AS lines_applied
FROM drop_chunks WHERE drop_id = ANY (%(drop_ids)s)
GROUP BY drop_id;

-- name: read_found
-- What was found in each chunk of a drop that was read.
SELECT accepted, rejected, totals FROM drop_chunks WHERE drop_id = %(drop_id)s AND step IS NOT NULL ORDER BY number;

-- name: read_numbers
-- The chunks of a drop.
SELECT number FROM drop_chunks WHERE drop_id = %(drop_id)s ORDER BY number;
