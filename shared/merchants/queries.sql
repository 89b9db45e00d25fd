-- name: upsert_merchants
-- Merchants, new or brought up to date.
INSERT INTO merchants (merchant_id, name, brand, mcc, updated_at)
SELECT merchant_id, name, brand, mcc, %(now)s
FROM unnest(%(merchant_ids)s::text[], %(names)s::text[], %(brands)s::text[], %(mccs)s::text[]) AS m (merchant_id, name, brand, mcc)
ORDER BY merchant_id
ON CONFLICT (merchant_id) DO UPDATE
    SET name = excluded.name, brand = excluded.brand, mcc = excluded.mcc, updated_at = excluded.updated_at
    WHERE (merchants.name, merchants.brand, merchants.mcc) IS DISTINCT FROM (excluded.name, excluded.brand, excluded.mcc);

-- name: upsert_locations
-- Places, new or brought up to date; a place may pass from one merchant to another.
INSERT INTO locations (location_id, merchant_id, zone, country, region, updated_at)
SELECT location_id, merchant_id, zone, country, region, %(now)s
FROM unnest(%(location_ids)s::text[], %(merchant_ids)s::text[], %(zones)s::text[], %(countries)s::text[], %(regions)s::text[])
    AS l (location_id, merchant_id, zone, country, region)
ORDER BY location_id
ON CONFLICT (location_id) DO UPDATE
    SET merchant_id = excluded.merchant_id, zone = excluded.zone, country = excluded.country, region = excluded.region,
        updated_at = excluded.updated_at
    WHERE (locations.merchant_id, locations.zone, locations.country, locations.region)
        IS DISTINCT FROM (excluded.merchant_id, excluded.zone, excluded.country, excluded.region);

-- name: read_merchant
-- One merchant.
SELECT merchant_id, name, brand, mcc FROM merchants WHERE merchant_id = %(merchant_id)s;

-- name: read_locations
-- The places of a merchant.
SELECT location_id, zone, country, region FROM locations WHERE merchant_id = %(merchant_id)s ORDER BY location_id;

-- name: places
-- What these locations tell of purchases made there.
SELECT l.location_id, l.zone, l.merchant_id, m.mcc, m.brand, l.country, l.region
FROM locations l JOIN merchants m USING (merchant_id)
WHERE l.location_id = ANY (%(location_ids)s);

-- name: brands
-- The brands of those of these merchants that have one.
SELECT merchant_id, brand FROM merchants WHERE merchant_id = ANY (%(merchant_ids)s) AND brand IS NOT NULL;
