-- Why the endpoints of a request were tried in their order, and others not: JSON of `Routing`.
ALTER TABLE generations ADD COLUMN routing TEXT NOT NULL DEFAULT '';
