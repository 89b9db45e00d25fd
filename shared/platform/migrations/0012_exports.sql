-- before deploy
-- Files for partners: what goes into each, its parts, and what the partners have acknowledged.

CREATE TABLE exports (
    export_id uuid PRIMARY KEY,
    partner text NOT NULL,
    kind text NOT NULL,
    scope text NOT NULL CHECK (scope IN ('full', 'delta')),
    format text NOT NULL,
    layout text NOT NULL,
    gzip boolean NOT NULL,
    pgp boolean NOT NULL,
    token_key text,
    day date NOT NULL,
    sequence integer NOT NULL,
    asked_by text NOT NULL,
    due_at timestamptz,
    state text NOT NULL CHECK (state IN ('planned', 'writing', 'written', 'acknowledged', 'refused', 'rejected', 'withdrawn')),
    planned_at timestamptz NOT NULL,
    ack_hours integer NOT NULL,
    allowed text,
    records bigint NOT NULL DEFAULT 0,
    size bigint NOT NULL DEFAULT 0,
    sha256 text,
    withheld jsonb NOT NULL DEFAULT '{}',
    problems jsonb NOT NULL DEFAULT '[]',
    written_at timestamptz,
    overdue_at timestamptz,
    closed_at timestamptz,
    UNIQUE (partner, kind, day, sequence),
    UNIQUE (partner, kind, due_at),
    CHECK ((closed_at IS NULL) = (state IN ('planned', 'writing', 'written')))
);
CREATE UNIQUE INDEX exports_open ON exports (partner, kind) WHERE closed_at IS NULL;
CREATE INDEX exports_planned ON exports (planned_at, export_id);
COMMENT ON INDEX exports_open IS 'One export of a partner and a kind at a time: the next delta begins where the last acknowledged one ended.';

CREATE TABLE export_parts (
    export_id uuid NOT NULL REFERENCES exports,
    number integer NOT NULL,
    sources text[] NOT NULL,
    against text[] NOT NULL DEFAULT '{}',
    may_repeat boolean NOT NULL DEFAULT false,
    object text,
    generation text,
    size bigint NOT NULL DEFAULT 0,
    totals jsonb,
    withheld jsonb NOT NULL DEFAULT '{}',
    written_at timestamptz,
    PRIMARY KEY (export_id, number),
    CHECK ((written_at IS NULL) = (object IS NULL))
);

COMMENT ON COLUMN export_parts.may_repeat IS 'Whether what it is made from may tell a message that the rows in against tell, or one twice: each is sent once.';

CREATE TABLE export_items (
    export_id uuid NOT NULL REFERENCES exports,
    key text NOT NULL,
    version text NOT NULL,
    PRIMARY KEY (export_id, key)
);
COMMENT ON TABLE export_items IS 'What an export on its way holds: parts of the lake, or records, each as which version.';

CREATE TABLE export_known (
    partner text NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    version text NOT NULL,
    PRIMARY KEY (partner, kind, key)
);
COMMENT ON TABLE export_known IS 'What a partner has acknowledged, as which version. A delta is what differs from it: no clock decides.';
