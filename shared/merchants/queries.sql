-- name: upsert_merchants
-- Merchants, new or brought up to date.
INSERT INTO merchants (merchant_id, name, brand, mcc, updated_at)
SELECT merchant_id, name, brand, mcc, %(now)s
FROM unnest(%(merchant_ids)s::text[], %(names)s::text[], %(brands)s::text[], %(mccs)s::text[]) AS m (merchant_id, name, brand, mcc)
ORDER BY merchant_id
ON CONFLICT (merchant_id) DO UPDATE
    SET name = excluded.name, brand = excluded.brand, mcc = excluded.mcc, updated_at = excluded.updated_at
    WHERE (merchants.name, merchants.brand, merchants.mcc) IS DISTINCT FROM (excluded.name, excluded.brand, excluded.mcc);

-- name: tell_more
-- Those of these places of which more is told than was known.
SELECT location_id
FROM unnest(%(location_ids)s::text[], %(zones)s::text[], %(countries)s::text[], %(regions)s::text[], %(cities)s::text[])
    AS told (location_id, zone, country, region, city)
LEFT JOIN locations AS known USING (location_id)
WHERE known.location_id IS NULL OR known.zone IS NULL AND told.zone IS NOT NULL OR known.country IS NULL AND told.country IS NOT NULL
   OR known.region IS NULL AND told.region IS NOT NULL OR known.city IS NULL AND told.city IS NOT NULL
ORDER BY location_id;

-- name: upsert_locations
-- Places, new or brought up to date; a place may pass from one merchant to another.
INSERT INTO locations (location_id, merchant_id, zone, country, region, city, updated_at)
SELECT location_id, merchant_id, zone, country, region, city, %(now)s
FROM unnest(%(location_ids)s::text[], %(merchant_ids)s::text[], %(zones)s::text[], %(countries)s::text[], %(regions)s::text[],
            %(cities)s::text[]) AS l (location_id, merchant_id, zone, country, region, city)
ORDER BY location_id
ON CONFLICT (location_id) DO UPDATE
    SET merchant_id = excluded.merchant_id, zone = excluded.zone, country = excluded.country, region = excluded.region,
        city = excluded.city, updated_at = excluded.updated_at
    WHERE (locations.merchant_id, locations.zone, locations.country, locations.region, locations.city)
        IS DISTINCT FROM (excluded.merchant_id, excluded.zone, excluded.country, excluded.region, excluded.city);

-- name: lock_aliases
-- Nobody else adds aliases until the transaction ends; who reads them need not wait.
LOCK TABLE aliases IN SHARE ROW EXCLUSIVE MODE;

-- name: upsert_aliases
-- Aliases, new or with another end.
INSERT INTO aliases (rung, value, merchant_id, network, mcc, country, region, city, location_id, valid_from, valid_to, updated_at)
SELECT rung, value, merchant_id, network, mcc, country, region, city, location_id, valid_from, valid_to, %(now)s
FROM unnest(%(rungs)s::text[], %(values)s::text[], %(merchant_ids)s::text[], %(networks)s::text[], %(mccs)s::text[], %(countries)s::text[],
            %(regions)s::text[], %(cities)s::text[], %(location_ids)s::text[], %(valid_from)s::timestamptz[], %(valid_to)s::timestamptz[])
    AS a (rung, value, merchant_id, network, mcc, country, region, city, location_id, valid_from, valid_to)
ON CONFLICT (rung, value, merchant_id, network, mcc, country, region, city, location_id, valid_from) DO UPDATE
    SET valid_to = excluded.valid_to, updated_at = excluded.updated_at
    WHERE aliases.valid_to IS DISTINCT FROM excluded.valid_to;

-- name: read_aliases
-- All aliases with these values, of whatever merchant and time.
SELECT rung, value, merchant_id, network, mcc, country, region, city, location_id, valid_from, valid_to
FROM aliases WHERE (rung, value) IN (SELECT rung, value FROM unnest(%(rungs)s::text[], %(values)s::text[]) AS v (rung, value));

-- name: read_merchant
-- One merchant.
SELECT merchant_id, name, brand, mcc FROM merchants WHERE merchant_id = %(merchant_id)s;

-- name: read_locations
-- The places of a merchant.
SELECT location_id, zone, country, region, city FROM locations WHERE merchant_id = %(merchant_id)s ORDER BY location_id;

-- name: aliases_of
-- The other names of a merchant.
SELECT rung, value, merchant_id, network, mcc, country, region, city, location_id, valid_from, valid_to
FROM aliases WHERE merchant_id = %(merchant_id)s
ORDER BY rung, value, network, mcc, country, region, city, location_id, valid_from NULLS FIRST;

-- name: places
-- What these locations tell of purchases made there.
SELECT l.location_id, l.zone, l.merchant_id, m.mcc, m.brand, l.country, l.region, l.city
FROM locations l JOIN merchants m USING (merchant_id)
WHERE l.location_id = ANY (%(location_ids)s);

-- name: book
-- The merchants with these ids, and all that have these aliases, each with its brand: of whatever time and place.
SELECT 'merchant_id' AS rung, merchant_id AS value, merchant_id, brand, NULL AS network, NULL AS mcc, NULL AS country, NULL AS region,
       NULL AS city, NULL AS location_id, NULL::timestamptz AS valid_from, NULL::timestamptz AS valid_to
FROM merchants WHERE merchant_id = ANY (string_to_array(%(merchant_ids)s, ','))
UNION ALL
SELECT a.rung, a.value, a.merchant_id, m.brand, a.network, a.mcc, a.country, a.region, a.city, a.location_id, a.valid_from, a.valid_to
FROM aliases AS a JOIN merchants AS m USING (merchant_id)
WHERE a.rung = 'acquirer' AND a.value = ANY (string_to_array(%(merchant_ids)s, ','))
   OR a.rung = 'network' AND a.value = ANY (string_to_array(%(network_merchant_ids)s, ','))
   OR a.rung = 'descriptor' AND a.value = ANY (%(descriptors)s::text[]);

-- name: places_as_of
-- What these locations told of purchases made there, by what was known at a moment.
SELECT l.location_id, l.zone, l.merchant_id, m.mcc, m.brand, l.country, l.region, l.city
FROM locations_as_of(%(as_of)s) AS l JOIN merchants_as_of(%(as_of)s) AS m USING (merchant_id)
WHERE l.location_id = ANY (%(location_ids)s);

-- name: book_as_of
-- The merchants with these ids, and all that had these aliases, by what was known at a moment.
SELECT 'merchant_id' AS rung, merchant_id AS value, merchant_id, brand, NULL AS network, NULL AS mcc, NULL AS country, NULL AS region,
       NULL AS city, NULL AS location_id, NULL::timestamptz AS valid_from, NULL::timestamptz AS valid_to
FROM merchants_as_of(%(as_of)s) WHERE merchant_id = ANY (string_to_array(%(merchant_ids)s, ','))
UNION ALL
SELECT a.rung, a.value, a.merchant_id, m.brand, a.network, a.mcc, a.country, a.region, a.city, a.location_id, a.valid_from, a.valid_to
FROM aliases_as_of(%(as_of)s) AS a JOIN merchants_as_of(%(as_of)s) AS m USING (merchant_id)
WHERE a.rung = 'acquirer' AND a.value = ANY (string_to_array(%(merchant_ids)s, ','))
   OR a.rung = 'network' AND a.value = ANY (string_to_array(%(network_merchant_ids)s, ','))
   OR a.rung = 'descriptor' AND a.value = ANY (%(descriptors)s::text[]);

-- name: read_revision
-- How often merchants have changed.
SELECT revision FROM revisions WHERE area = 'merchants';
