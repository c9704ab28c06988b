-- The probe has the columns of events_raw.
-- Undo: ALTER TABLE events_raw_probe DROP COLUMN each of them.
ALTER TABLE events_raw_probe
    ADD COLUMN IF NOT EXISTS property_country LowCardinality(String)
        MATERIALIZED concat(
            substring(JSONExtractRaw(if(multiSearchAny(properties, ['"country"', '\\']), properties, ''), 'country'), 1, 1200),
            if(length(JSONExtractRaw(if(multiSearchAny(properties, ['"country"', '\\']), properties, ''), 'country')) >= 16 AND NOT startsWith(JSONExtractRaw(if(multiSearchAny(properties, ['"country"', '\\']), properties, ''), 'country'), '"') AND NOT multiSearchAny(JSONExtractRaw(if(multiSearchAny(properties, ['"country"', '\\']), properties, ''), 'country'), ['.', 'e'])
                AND JSONType(properties, 'country') = 'Double' AND abs(JSONExtractFloat(properties, 'country')) >= 9007199254740992, 'e0', ''))
        CODEC(ZSTD(1))
        COMMENT 'properties.country as JSON, with numbers in one spelling; empty when there is none. What segments on it read.',
    ADD COLUMN IF NOT EXISTS property_dwell_ms String
        MATERIALIZED concat(
            substring(JSONExtractRaw(if(multiSearchAny(properties, ['"dwell_ms"', '\\']), properties, ''), 'dwell_ms'), 1, 1200),
            if(length(JSONExtractRaw(if(multiSearchAny(properties, ['"dwell_ms"', '\\']), properties, ''), 'dwell_ms')) >= 16 AND NOT startsWith(JSONExtractRaw(if(multiSearchAny(properties, ['"dwell_ms"', '\\']), properties, ''), 'dwell_ms'), '"') AND NOT multiSearchAny(JSONExtractRaw(if(multiSearchAny(properties, ['"dwell_ms"', '\\']), properties, ''), 'dwell_ms'), ['.', 'e'])
                AND JSONType(properties, 'dwell_ms') = 'Double' AND abs(JSONExtractFloat(properties, 'dwell_ms')) >= 9007199254740992, 'e0', ''))
        CODEC(ZSTD(1))
        COMMENT 'properties.dwell_ms as JSON, with numbers in one spelling; empty when there is none. What segments on it read.',
    ADD COLUMN IF NOT EXISTS property_film_id LowCardinality(String)
        MATERIALIZED concat(
            substring(JSONExtractRaw(if(multiSearchAny(properties, ['"film_id"', '\\']), properties, ''), 'film_id'), 1, 1200),
            if(length(JSONExtractRaw(if(multiSearchAny(properties, ['"film_id"', '\\']), properties, ''), 'film_id')) >= 16 AND NOT startsWith(JSONExtractRaw(if(multiSearchAny(properties, ['"film_id"', '\\']), properties, ''), 'film_id'), '"') AND NOT multiSearchAny(JSONExtractRaw(if(multiSearchAny(properties, ['"film_id"', '\\']), properties, ''), 'film_id'), ['.', 'e'])
                AND JSONType(properties, 'film_id') = 'Double' AND abs(JSONExtractFloat(properties, 'film_id')) >= 9007199254740992, 'e0', ''))
        CODEC(ZSTD(1))
        COMMENT 'properties.film_id as JSON, with numbers in one spelling; empty when there is none. What segments on it read.'
