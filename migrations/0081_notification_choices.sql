-- Which letters a person wants; without a row, the defaults hold. Letters about security are always sent.
CREATE TABLE notification_choices (
    user_id       TEXT   NOT NULL PRIMARY KEY REFERENCES users (id),
    receipts      BIGINT NOT NULL DEFAULT 1,
    low_balance   BIGINT NOT NULL DEFAULT 1,
    key_limits    BIGINT NOT NULL DEFAULT 1,
    announcements BIGINT NOT NULL DEFAULT 0,
    updated_at    BIGINT NOT NULL
);

-- When an organization is told that its credit runs low: its own sum, or the server's.
ALTER TABLE billing_profiles ADD COLUMN low_balance_nanos BIGINT;
