-- Provider credentials of organizations (bring your own key). `secret` is sealed;
-- the lists are JSON arrays, or NULL for everything.
CREATE TABLE own_keys (
    id              TEXT   NOT NULL PRIMARY KEY,
    organization_id TEXT   NOT NULL REFERENCES organizations (id),
    workspace_id    TEXT   NOT NULL,
    provider_slug   TEXT   NOT NULL,
    name            TEXT,
    label           TEXT   NOT NULL,
    secret          TEXT   NOT NULL,
    is_disabled     BIGINT NOT NULL DEFAULT 0,
    is_fallback     BIGINT NOT NULL DEFAULT 0,
    is_only         BIGINT NOT NULL DEFAULT 0,
    sort_order      BIGINT NOT NULL DEFAULT 0,
    allowed_models  TEXT,
    allowed_keys    TEXT,
    allowed_users   TEXT,
    created_by      TEXT,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE INDEX own_keys_by_organization ON own_keys (organization_id, workspace_id);

-- What changed since a node read it: a number that grows with each change of a topic.
CREATE TABLE revisions (
    topic    TEXT   NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL
);

-- The own key that paid the provider, or empty.
ALTER TABLE generations ADD COLUMN own_key_id TEXT NOT NULL DEFAULT '';
