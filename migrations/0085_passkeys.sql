-- Passkeys (WebAuthn): what people's devices and password managers sign in with. Nothing here is
-- secret: the private half never leaves the device.
CREATE TABLE passkeys (
    id            TEXT   NOT NULL PRIMARY KEY,
    user_id       TEXT   NOT NULL REFERENCES users (id),
    -- What the device calls it, in base64url: one of a kind on this server.
    credential_id TEXT   NOT NULL UNIQUE,
    name          TEXT   NOT NULL,
    -- The public key, in base64.
    public_key    TEXT   NOT NULL,
    -- What changes when it is used, such as its counter, in base64.
    state         TEXT   NOT NULL,
    -- How it is reached, as bits.
    transports    BIGINT NOT NULL,
    is_synced     BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    last_used_at  BIGINT
);
CREATE INDEX passkeys_by_user ON passkeys (user_id);
