-- `hash` is the SHA-256 of the key in hex; the key itself is nowhere.
CREATE TABLE api_keys (
    id                    TEXT   NOT NULL PRIMARY KEY,
    hash                  TEXT   NOT NULL UNIQUE,
    label                 TEXT   NOT NULL,
    name                  TEXT   NOT NULL,
    organization_id       TEXT   NOT NULL REFERENCES organizations (id),
    workspace_id          TEXT   NOT NULL REFERENCES workspaces (id),
    creator_user_id       TEXT,
    is_management         BIGINT NOT NULL DEFAULT 0,
    is_disabled           BIGINT NOT NULL DEFAULT 0,
    limit_nanos           BIGINT,
    limit_reset           TEXT,
    include_byok_in_limit BIGINT NOT NULL DEFAULT 0,
    expires_at            BIGINT,
    created_at            BIGINT NOT NULL,
    updated_at            BIGINT NOT NULL,
    deleted_at            BIGINT
);
CREATE INDEX api_keys_by_organization ON api_keys (organization_id, created_at);
CREATE INDEX api_keys_by_update ON api_keys (updated_at);
