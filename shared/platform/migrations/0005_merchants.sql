-- before deploy
-- Merchants and their places, as the bank names them.

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
    updated_at timestamptz NOT NULL
);
CREATE INDEX locations_merchant ON locations (merchant_id);
