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
