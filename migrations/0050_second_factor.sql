-- A second step at sign-in: codes of an app (RFC 6238) and recovery codes.
-- `secret` is sealed with the operator's key and bound to its user.
CREATE TABLE authenticators (
    user_id      TEXT   NOT NULL PRIMARY KEY REFERENCES users (id),
    secret       TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    -- Not asked for until a first code has shown that the app has the secret.
    confirmed_at BIGINT,
    -- The last period of 30 s whose code was taken: no code counts twice.
    last_step    BIGINT NOT NULL DEFAULT 0
);

-- `code_hash` is an HMAC under the authenticator's secret.
CREATE TABLE recovery_codes (
    user_id   TEXT   NOT NULL REFERENCES users (id),
    code_hash TEXT   NOT NULL,
    used_at   BIGINT,
    PRIMARY KEY (user_id, code_hash)
);
