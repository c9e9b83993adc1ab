-- What a request asked for and in which language, as two words; empty where nobody looked.
ALTER TABLE generations ADD COLUMN task TEXT NOT NULL DEFAULT '';
ALTER TABLE generations ADD COLUMN language TEXT NOT NULL DEFAULT '';
-- An organization may keep its requests out of it.
ALTER TABLE organizations ADD COLUMN labels_prompts BIGINT NOT NULL DEFAULT 1;
