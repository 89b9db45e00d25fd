-- name: known_segments
-- Which of these segments exist.
SELECT segment_id FROM segments WHERE segment_id = ANY (%(segment_ids)s);
