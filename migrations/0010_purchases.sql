-- What of a balance nobody paid for, and what of a movement it was.
ALTER TABLE balances ADD COLUMN promo_nanos BIGINT NOT NULL DEFAULT 0;
ALTER TABLE balances ADD COLUMN is_frozen BIGINT NOT NULL DEFAULT 0;
ALTER TABLE transfers ADD COLUMN promo_nanos BIGINT NOT NULL DEFAULT 0;

-- One row a transaction of the ledger: a digest over its transfers and the digest
-- before it. A transfer that is changed or taken out breaks the chain.
CREATE TABLE seals (
    node_id      TEXT   NOT NULL,
    number       BIGINT NOT NULL,
    previous     TEXT   NOT NULL,
    digest       TEXT   NOT NULL,
    transfer_ids TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (node_id, number)
);

-- Requests of the command line; they live until the process that owns the ledger has seen them.
DROP TABLE grant_requests;
CREATE TABLE grant_requests (
    id              TEXT   NOT NULL PRIMARY KEY,
    organization_id TEXT   NOT NULL,
    kind            TEXT   NOT NULL,
    amount_nanos    BIGINT NOT NULL CHECK (amount_nanos >= 0),
    reason          TEXT   NOT NULL,
    created_at      BIGINT NOT NULL
);

-- Credit somebody buys. `payment_id` is what the payment service calls the money
-- that came; it can pay for one purchase only.
CREATE TABLE purchases (
    id              TEXT   NOT NULL PRIMARY KEY,
    organization_id TEXT   NOT NULL,
    user_id         TEXT   NOT NULL,
    method          TEXT   NOT NULL,
    state           TEXT   NOT NULL,
    credit_nanos    BIGINT NOT NULL CHECK (credit_nanos >= 0),
    fee_nanos       BIGINT NOT NULL CHECK (fee_nanos >= 0),
    refunded_nanos  BIGINT NOT NULL DEFAULT 0,
    session_id      TEXT   UNIQUE,
    payment_id      TEXT   UNIQUE,
    -- Where to pay, until it is paid.
    pay_url         TEXT,
    is_automatic    BIGINT NOT NULL,
    problem         TEXT,
    created_at      BIGINT NOT NULL,
    paid_at         BIGINT,
    updated_at      BIGINT NOT NULL
);
CREATE INDEX purchases_by_organization ON purchases (organization_id, created_at);
CREATE INDEX purchases_by_state ON purchases (state, created_at);

CREATE TABLE disputes (
    id              TEXT   NOT NULL PRIMARY KEY,
    purchase_id     TEXT   NOT NULL,
    organization_id TEXT   NOT NULL,
    amount_nanos    BIGINT NOT NULL,
    state           TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);

-- How an organization pays, and what is printed on its receipts.
CREATE TABLE billing_profiles (
    organization_id   TEXT   NOT NULL PRIMARY KEY,
    customer_id       TEXT   NOT NULL DEFAULT '',
    card_id           TEXT   NOT NULL DEFAULT '',
    card_label        TEXT   NOT NULL DEFAULT '',
    tops_up           BIGINT NOT NULL DEFAULT 0,
    threshold_nanos   BIGINT NOT NULL DEFAULT 0,
    top_up_nanos      BIGINT NOT NULL DEFAULT 0,
    top_ups           BIGINT NOT NULL DEFAULT 0,
    failures          BIGINT NOT NULL DEFAULT 0,
    next_try_at       BIGINT NOT NULL DEFAULT 0,
    problem           TEXT   NOT NULL DEFAULT '',
    low_letter_at     BIGINT NOT NULL DEFAULT 0,
    name              TEXT   NOT NULL DEFAULT '',
    address           TEXT   NOT NULL DEFAULT '',
    tax_id            TEXT   NOT NULL DEFAULT '',
    updated_at        BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX billing_profiles_by_top_up ON billing_profiles (tops_up);

CREATE TABLE promo_codes (
    code         TEXT   NOT NULL PRIMARY KEY,
    amount_nanos BIGINT NOT NULL CHECK (amount_nanos > 0),
    uses_left    BIGINT NOT NULL CHECK (uses_left >= 0),
    expires_at   BIGINT,
    reason       TEXT   NOT NULL,
    created_at   BIGINT NOT NULL
);

CREATE TABLE promo_uses (
    code            TEXT   NOT NULL,
    organization_id TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (code, organization_id)
);
CREATE INDEX transfers_by_refund ON transfers (description) WHERE kind IN ('refund', 'refund_failed');
