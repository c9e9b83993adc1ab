-- What providers charge for prompts they keep cached for an hour, and how much was kept so.

ALTER TABLE prices ADD COLUMN input_cache_write_1h BIGINT;
ALTER TABLE generations ADD COLUMN cache_write_1h_tokens BIGINT NOT NULL DEFAULT 0;
