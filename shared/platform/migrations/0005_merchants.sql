-- before deploy
-- Merchants, their places, and their other names.

CREATE TABLE merchants (
    merchant_id text PRIMARY KEY,
    name text NOT NULL,
    brand text,
    mcc char(4) NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE locations (
    location_id text PRIMARY KEY,
    merchant_id text NOT NULL REFERENCES merchants,
    zone text,
    country char(2),
    region text,
    city text,
    updated_at timestamptz NOT NULL
);
CREATE INDEX locations_merchant ON locations (merchant_id);

CREATE TABLE aliases (
    rung text NOT NULL CHECK (rung IN ('acquirer', 'network', 'descriptor')),
    value text NOT NULL,
    merchant_id text NOT NULL REFERENCES merchants,
    network text CHECK ((network IS NOT NULL) = (rung = 'network')),
    mcc char(4),
    country char(2),
    region text,
    city text,
    location_id text,
    valid_from timestamptz,
    valid_to timestamptz CHECK (valid_to >= valid_from),
    updated_at timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (rung, value, merchant_id, network, mcc, country, region, city, location_id, valid_from),
    CHECK (rung = 'descriptor' OR (mcc, country, region, city, location_id) IS NOT DISTINCT FROM (NULL, NULL, NULL, NULL, NULL))
);
CREATE INDEX aliases_merchant ON aliases (merchant_id);
COMMENT ON TABLE aliases IS
    'By what else purchases name a merchant, and when. None is taken out: one that never should have been ends where it begins.';
COMMENT ON COLUMN aliases.value IS 'The acquirer''s or network''s id, or the descriptor, normalised.';
COMMENT ON COLUMN aliases.mcc IS 'Of a descriptor, as country, region, city and location: it names the merchant only there.';

CREATE TABLE merchants_before (LIKE merchants);
CREATE TABLE locations_before (LIKE locations);
CREATE TABLE aliases_before (LIKE aliases);
CREATE INDEX merchants_before_id ON merchants_before (merchant_id);
CREATE INDEX locations_before_id ON locations_before (location_id);
CREATE INDEX aliases_before_value ON aliases_before (rung, value);

CREATE FUNCTION keep_what_was() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %I SELECT * FROM was', TG_TABLE_NAME || '_before');
    RETURN NULL;
END $$;
COMMENT ON FUNCTION keep_what_was IS 'Keeps rows as they were before an update; since when each held is in its updated_at.';
CREATE TRIGGER merchants_are_kept AFTER UPDATE ON merchants
    REFERENCING OLD TABLE AS was FOR EACH STATEMENT EXECUTE FUNCTION keep_what_was();
CREATE TRIGGER locations_are_kept AFTER UPDATE ON locations
    REFERENCING OLD TABLE AS was FOR EACH STATEMENT EXECUTE FUNCTION keep_what_was();
CREATE TRIGGER aliases_are_kept AFTER UPDATE ON aliases
    REFERENCING OLD TABLE AS was FOR EACH STATEMENT EXECUTE FUNCTION keep_what_was();

CREATE FUNCTION merchants_as_of(moment timestamptz) RETURNS SETOF merchants LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (merchant_id) * FROM (TABLE merchants UNION ALL TABLE merchants_before) AS known
    WHERE updated_at <= moment ORDER BY merchant_id, updated_at DESC
$$;
CREATE FUNCTION locations_as_of(moment timestamptz) RETURNS SETOF locations LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (location_id) * FROM (TABLE locations UNION ALL TABLE locations_before) AS known
    WHERE updated_at <= moment ORDER BY location_id, updated_at DESC
$$;
CREATE FUNCTION aliases_as_of(moment timestamptz) RETURNS SETOF aliases LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (rung, value, merchant_id, network, mcc, country, region, city, location_id, valid_from) *
    FROM (TABLE aliases UNION ALL TABLE aliases_before) AS known
    WHERE updated_at <= moment
    ORDER BY rung, value, merchant_id, network, mcc, country, region, city, location_id, valid_from, updated_at DESC
$$;
