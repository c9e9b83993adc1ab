-- Billed quantities that have no column of their own (audio, searches, tokens billed
-- otherwise than counted), as JSON; empty when there are none. With them every charge
-- can be worked out again from its price version.
ALTER TABLE generations ADD COLUMN other_usage TEXT NOT NULL DEFAULT '';
