-- What passes rows on has the columns of events_raw, worked out as there.
-- Undo: none needed; the expressions of 047 say the same.
ALTER TABLE events_redo
    MODIFY COLUMN property_country LowCardinality(String)
        MATERIALIZED concat(
            substring(JSONExtractRaw(if(multiSearchAny(properties, ['"country"', '\\']), properties, ''), 'country'), 1, 1200),
            if(JSONType(if(
                length(JSONExtractRaw(if(multiSearchAny(properties, ['"country"', '\\']), properties, ''), 'country')) >= 16 AND NOT startsWith(JSONExtractRaw(if(multiSearchAny(properties, ['"country"', '\\']), properties, ''), 'country'), '"') AND NOT multiSearchAny(JSONExtractRaw(if(multiSearchAny(properties, ['"country"', '\\']), properties, ''), 'country'), ['.', 'e']) AND abs(toFloat64OrZero(JSONExtractRaw(if(multiSearchAny(properties, ['"country"', '\\']), properties, ''), 'country'))) >= 9007199254740992,
                properties, ''), 'country') = 'Double', 'e0', '')),
    MODIFY COLUMN property_dwell_ms String
        MATERIALIZED concat(
            substring(JSONExtractRaw(if(multiSearchAny(properties, ['"dwell_ms"', '\\']), properties, ''), 'dwell_ms'), 1, 1200),
            if(JSONType(if(
                length(JSONExtractRaw(if(multiSearchAny(properties, ['"dwell_ms"', '\\']), properties, ''), 'dwell_ms')) >= 16 AND NOT startsWith(JSONExtractRaw(if(multiSearchAny(properties, ['"dwell_ms"', '\\']), properties, ''), 'dwell_ms'), '"') AND NOT multiSearchAny(JSONExtractRaw(if(multiSearchAny(properties, ['"dwell_ms"', '\\']), properties, ''), 'dwell_ms'), ['.', 'e']) AND abs(toFloat64OrZero(JSONExtractRaw(if(multiSearchAny(properties, ['"dwell_ms"', '\\']), properties, ''), 'dwell_ms'))) >= 9007199254740992,
                properties, ''), 'dwell_ms') = 'Double', 'e0', '')),
    MODIFY COLUMN property_film_id LowCardinality(String)
        MATERIALIZED concat(
            substring(JSONExtractRaw(if(multiSearchAny(properties, ['"film_id"', '\\']), properties, ''), 'film_id'), 1, 1200),
            if(JSONType(if(
                length(JSONExtractRaw(if(multiSearchAny(properties, ['"film_id"', '\\']), properties, ''), 'film_id')) >= 16 AND NOT startsWith(JSONExtractRaw(if(multiSearchAny(properties, ['"film_id"', '\\']), properties, ''), 'film_id'), '"') AND NOT multiSearchAny(JSONExtractRaw(if(multiSearchAny(properties, ['"film_id"', '\\']), properties, ''), 'film_id'), ['.', 'e']) AND abs(toFloat64OrZero(JSONExtractRaw(if(multiSearchAny(properties, ['"film_id"', '\\']), properties, ''), 'film_id'))) >= 9007199254740992,
                properties, ''), 'film_id') = 'Double', 'e0', ''))
