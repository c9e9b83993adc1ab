-- Amounts are nano-USD (1e-9). A transfer moves `amount_nanos` from one account
-- to another, so credits and debits over all accounts are always equal. What we
-- owe an account's owner is `credited_nanos - debited_nanos`; `held_nanos` of it
-- is set aside for requests under way. `floor_nanos` NULL means the account may
-- go below zero.
CREATE TABLE balances (
    account_id     TEXT   NOT NULL PRIMARY KEY,
    credited_nanos BIGINT NOT NULL DEFAULT 0 CHECK (credited_nanos >= 0),
    debited_nanos  BIGINT NOT NULL DEFAULT 0 CHECK (debited_nanos >= 0),
    held_nanos     BIGINT NOT NULL DEFAULT 0 CHECK (held_nanos >= 0),
    floor_nanos    BIGINT,
    CHECK (floor_nanos IS NULL OR credited_nanos - debited_nanos - held_nanos >= floor_nanos)
);

-- A transfer's id is its idempotency key. A hold resolves into the transfer with
-- the hold's own id, so the primary key lets it resolve once: post or void.
CREATE TABLE transfers (
    id                TEXT   NOT NULL PRIMARY KEY,
    kind              TEXT   NOT NULL,
    debit_account_id  TEXT   NOT NULL,
    credit_account_id TEXT   NOT NULL,
    amount_nanos      BIGINT NOT NULL CHECK (amount_nanos >= 0),
    hold_nanos        BIGINT NOT NULL DEFAULT 0,
    description       TEXT   NOT NULL,
    created_at        BIGINT NOT NULL,
    CHECK (debit_account_id <> credit_account_id)
);
CREATE INDEX transfers_by_debit ON transfers (debit_account_id, created_at);
CREATE INDEX transfers_by_credit ON transfers (credit_account_id, created_at);

-- Holds under way. A resolved hold is a row of `transfers` and gone from here.
CREATE TABLE holds (
    id           TEXT   NOT NULL PRIMARY KEY,
    account_id   TEXT   NOT NULL,
    key_id       TEXT   NOT NULL,
    amount_nanos BIGINT NOT NULL CHECK (amount_nanos >= 0),
    node_id      TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX holds_by_expiry ON holds (expires_at);

-- What a key has spent: for ever, and in the current UTC day, ISO week and month.
CREATE TABLE key_usage (
    key_id      TEXT   NOT NULL PRIMARY KEY,
    held_nanos  BIGINT NOT NULL DEFAULT 0 CHECK (held_nanos >= 0),
    total_nanos BIGINT NOT NULL DEFAULT 0,
    day         BIGINT NOT NULL DEFAULT 0,
    day_nanos   BIGINT NOT NULL DEFAULT 0,
    week        BIGINT NOT NULL DEFAULT 0,
    week_nanos  BIGINT NOT NULL DEFAULT 0,
    month       BIGINT NOT NULL DEFAULT 0,
    month_nanos BIGINT NOT NULL DEFAULT 0,
    last_used_at BIGINT NOT NULL DEFAULT 0
);

-- Which process wrote what: a node is one start of one server.
CREATE TABLE nodes (
    id           TEXT   NOT NULL PRIMARY KEY,
    started_at   BIGINT NOT NULL,
    heartbeat_at BIGINT NOT NULL
);

-- Credit an operator granted from the command line, until the process that owns
-- the ledger has booked it.
CREATE TABLE grant_requests (
    id              TEXT   NOT NULL PRIMARY KEY,
    organization_id TEXT   NOT NULL,
    amount_nanos    BIGINT NOT NULL CHECK (amount_nanos > 0),
    reason          TEXT   NOT NULL,
    created_at      BIGINT NOT NULL
);
