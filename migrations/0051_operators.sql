-- Who runs this server, what they switched off, and what they tell everybody.
ALTER TABLE users ADD COLUMN is_operator BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN suspended_at BIGINT;

-- What operators changed about an offer; lists that are imported later do not undo it.
CREATE TABLE endpoint_edits (
    endpoint_id TEXT   NOT NULL PRIMARY KEY,
    is_hidden   BIGINT NOT NULL,
    -- NULL: the price of the list.
    price_id    TEXT,
    updated_at  BIGINT NOT NULL
);

CREATE TABLE announcements (
    id         TEXT   NOT NULL PRIMARY KEY,
    text       TEXT   NOT NULL,
    is_warning BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- NULL: until it is taken back.
    ends_at    BIGINT
);
