-- Whether the transfers that are older than the chains were taken into one: a row once they were.
CREATE TABLE chain_starts (
    id         BIGINT NOT NULL PRIMARY KEY,
    transfers  BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Where monthly statements go; empty for nowhere. The month counts from year 0 and is the
-- newest whose end was seen.
ALTER TABLE billing_profiles ADD COLUMN statements_to TEXT NOT NULL DEFAULT '';
ALTER TABLE billing_profiles ADD COLUMN statement_month BIGINT NOT NULL DEFAULT 0;
