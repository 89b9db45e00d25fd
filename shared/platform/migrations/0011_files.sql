-- before deploy
-- Files that were dropped, their chunks, and how far each has come.

CREATE TABLE drops (
    drop_id uuid PRIMARY KEY,
    name text NOT NULL,
    generation text NOT NULL,
    size bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('received', 'processing', 'applying', 'closed')),
    outcome text CHECK (outcome IN ('accepted', 'partial', 'rejected', 'refused', 'repeated')),
    file_id text,
    revision integer,
    kind text,
    sender text,
    manifest text,
    problems jsonb NOT NULL DEFAULT '[]',
    names text[] NOT NULL DEFAULT '{}',
    repeat_of uuid REFERENCES drops,
    superseded_by uuid REFERENCES drops,
    manifest_generation text NOT NULL,
    attempt integer NOT NULL DEFAULT 1,
    tried_anew_by uuid,
    received_at timestamptz NOT NULL,
    split_at timestamptz,
    read_at timestamptz,
    closed_at timestamptz,
    CHECK ((state = 'closed') = (outcome IS NOT NULL)),
    CHECK ((outcome = 'repeated') = (repeat_of IS NOT NULL)),
    CHECK (manifest IS NULL OR (file_id IS NOT NULL AND revision IS NOT NULL))
);
CREATE UNIQUE INDEX drops_revision ON drops (file_id, revision)
    WHERE tried_anew_by IS NULL AND (outcome IS NULL OR outcome IN ('accepted', 'partial', 'rejected'));
CREATE INDEX drops_superseded ON drops (superseded_by) WHERE superseded_by IS NOT NULL;
CREATE INDEX drops_received ON drops (received_at, drop_id);
COMMENT ON TABLE drops IS 'One content of one name in the drop place. A file''s revision is held by one drop at most; refused and repeated ones hold none.';
COMMENT ON COLUMN drops.tried_anew_by IS 'The next attempt at the same file, once one was asked for: it holds the revision then.';
COMMENT ON COLUMN drops.superseded_by IS 'The later revision of the file whose records take the place of its own.';
COMMENT ON COLUMN drops.names IS 'The columns of the details, where the file itself names them; every chunk is read with them.';

CREATE TABLE drop_chunks (
    drop_id uuid NOT NULL REFERENCES drops,
    number integer NOT NULL,
    first_line bigint NOT NULL,
    lines bigint NOT NULL,
    start bigint NOT NULL,
    stop bigint NOT NULL,
    object text,
    step text CHECK (step IN ('read', 'apply', 'withdraw')),
    accepted bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    totals jsonb,
    parts jsonb NOT NULL DEFAULT '[]',
    read_at timestamptz,
    applied_at timestamptz,
    PRIMARY KEY (drop_id, number)
);
COMMENT ON COLUMN drop_chunks.parts IS 'What the lake has of it; of a revision that takes an earlier one''s place it counts when the last chunk does.';
COMMENT ON COLUMN drop_chunks.step IS 'The last step that is done; NULL before the first.';

CREATE TABLE lake_objects (
    name text NOT NULL,
    kind text NOT NULL,
    day text NOT NULL,
    records bigint NOT NULL,
    gone bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL,
    kept_at timestamptz NOT NULL,
    left_at timestamptz,
    PRIMARY KEY (name, day),
    CHECK (gone BETWEEN 0 AND records)
);
CREATE INDEX lake_objects_days ON lake_objects (kind, day) WHERE left_at IS NULL;
CREATE INDEX lake_objects_left ON lake_objects (left_at) WHERE left_at IS NOT NULL;
COMMENT ON TABLE lake_objects IS 'The objects of the lake, a row for each day of which they hold records. These lie in them one part behind the other.';
COMMENT ON COLUMN lake_objects.records IS 'Of that day.';
COMMENT ON COLUMN lake_objects.gone IS 'How many of its records of that day count no more.';
COMMENT ON COLUMN lake_objects.bytes IS 'Of the whole object.';
COMMENT ON COLUMN lake_objects.left_at IS 'Since when no part of that day lies there: a while after the last of its days was left, the object is removed. One that is to be written is on record so before it is.';

CREATE TABLE lake_parts (
    name text PRIMARY KEY,
    kind text NOT NULL,
    day text NOT NULL,
    from_file boolean NOT NULL,
    records bigint NOT NULL,
    object text NOT NULL,
    first_row bigint NOT NULL,
    kept_at timestamptz NOT NULL,
    FOREIGN KEY (object, day) REFERENCES lake_objects (name, day)
);
CREATE INDEX lake_parts_object ON lake_parts (object, first_row);
CREATE INDEX lake_parts_day ON lake_parts (kind, day);
COMMENT ON TABLE lake_parts IS 'What of the lake counts, and where it lies now. Written in the transaction that lets the records take effect; of a later revision, in the one that takes out those of the earlier.';
COMMENT ON COLUMN lake_parts.from_file IS 'Whether a file told it; else an event did, and a file may tell the same.';

CREATE TABLE drop_replays (
    drop_id uuid NOT NULL REFERENCES drops,
    asked_at timestamptz NOT NULL,
    asked_by text NOT NULL,
    reason text NOT NULL,
    step text
);
CREATE INDEX drop_replays_drop ON drop_replays (drop_id, asked_at);
COMMENT ON TABLE drop_replays IS 'That a file was taken up again: who asked, when and why, and the step that was asked for; NULL where nothing was left to do.';
