-- What the ledger of migrations holds; clickhouse-migrations makes it without a word.
-- Undo: none needed.
ALTER TABLE schema_versions
    MODIFY COMMENT 'Ledger of the migrations that were applied; kept by ugc migrate.',
    COMMENT COLUMN version    'Number of the migration.',
    COMMENT COLUMN md5        'Checksum of its file; a migration that ran is never edited.',
    COMMENT COLUMN script     'Name of its file.',
    COMMENT COLUMN created_at 'When it was applied.'
