-- The hours of one organization, without reading those of all others.
CREATE INDEX usage_hourly_by_organization ON usage_hourly (organization_id, hour);
