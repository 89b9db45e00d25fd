-- before deploy
-- What every area leans on: idempotency records, the outbox, dead letters and the revisions that end a cache's life.

CREATE TABLE revisions (
    area text PRIMARY KEY,
    revision bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE revisions IS 'Goes up by one in the transaction that changes an area''s cached values; the row lock makes revision order commit order.';
INSERT INTO revisions (area) VALUES ('campaigns'), ('offers'), ('merchants');

CREATE TABLE handled (
    consumer text NOT NULL,
    source text NOT NULL,
    key text NOT NULL,
    input_hash bytea NOT NULL,
    status smallint,
    answer text,
    handled_at timestamptz NOT NULL,
    PRIMARY KEY (consumer, source, key)
);
COMMENT ON TABLE handled IS 'Inbox and Idempotency-Key in one: what was handled once, by the hash of its input, with its first answer.';

CREATE TABLE attempts (
    consumer text NOT NULL,
    source text NOT NULL,
    key text NOT NULL,
    begun integer NOT NULL,
    failed integer NOT NULL DEFAULT 0,
    PRIMARY KEY (consumer, source, key)
);
COMMENT ON TABLE attempts IS 'Deliveries of events that functions have not answered for good. Those begun that have not failed either are under way, or ended the function.';

CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL,
    type text NOT NULL,
    source text NOT NULL,
    subject text NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    occurred_at timestamptz NOT NULL,
    trace text,
    payload bytea NOT NULL,
    pending text[] NOT NULL,
    retained boolean NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT '-infinity',
    last_error text,
    UNIQUE (source, event_id)
);
CREATE INDEX outbox_pending ON outbox (seq) WHERE pending <> '{}';
CREATE INDEX outbox_topic ON outbox (topic, seq) WHERE retained;
COMMENT ON COLUMN outbox.pending IS 'The functions that have not taken the event yet.';
COMMENT ON COLUMN outbox.retained IS 'Kept after delivery for systems outside that read the topic.';

CREATE INDEX outbox_waiting ON outbox (next_attempt_at) WHERE next_attempt_at > '-infinity';

CREATE TABLE dead_letters (
    letter_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    consumer text NOT NULL,
    source text NOT NULL,
    said_id text NOT NULL,
    event_id uuid,
    type text NOT NULL,
    subject text NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    occurred_at timestamptz,
    trace text,
    payload bytea NOT NULL,
    whole boolean NOT NULL DEFAULT true,
    status integer,
    reason text NOT NULL,
    attempts integer,
    dead_since timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'redriven', 'discarded')),
    UNIQUE (consumer, source, said_id)
);
CREATE INDEX dead_letters_waiting ON dead_letters (letter_id) WHERE state = 'waiting';
COMMENT ON COLUMN dead_letters.said_id IS 'The id as it came; event_id is what it says where it is an id of ours.';
COMMENT ON COLUMN dead_letters.whole IS 'Whether the payload is what came: not cut, no card number in it masked, and nothing taken out of it.';
COMMENT ON COLUMN dead_letters.attempts IS 'Deliveries that failed; null where whoever delivered does not tell.';

CREATE FUNCTION keep_waiting_letter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = 'a letter that waits for a person is not removed';
END $$;
CREATE TRIGGER keep_waiting BEFORE DELETE ON dead_letters FOR EACH ROW WHEN (OLD.state = 'waiting') EXECUTE FUNCTION keep_waiting_letter();

CREATE TABLE dead_letter_decisions (
    letter_id uuid NOT NULL REFERENCES dead_letters ON DELETE CASCADE,
    decided_at timestamptz NOT NULL,
    decided_by text NOT NULL,
    decision text NOT NULL CHECK (decision IN ('redrive', 'discard')),
    reason text NOT NULL
);
CREATE INDEX dead_letter_decisions_letter ON dead_letter_decisions (letter_id, decided_at);
