-- What a request is about, as a word; empty where nobody looked or nothing told.
ALTER TABLE generations ADD COLUMN category TEXT NOT NULL DEFAULT '';
