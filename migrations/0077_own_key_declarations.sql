-- What the owner of a provider credential says of it: shared capacity is not used for the
-- models it serves; whether his account at the provider keeps data; where it processes them.
ALTER TABLE own_keys ADD COLUMN is_required BIGINT NOT NULL DEFAULT 0;
ALTER TABLE own_keys ADD COLUMN declared_zdr BIGINT;
ALTER TABLE own_keys ADD COLUMN declared_region TEXT;
-- Until now this was said of the models a credential serves.
UPDATE own_keys SET is_required = 1, is_only = 0 WHERE is_only = 1 AND allowed_models IS NOT NULL;
