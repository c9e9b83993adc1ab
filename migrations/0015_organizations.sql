-- Organizations of several people: invitations, workspaces with budgets, what a key
-- may be used for, and who did what.
ALTER TABLE organizations ADD COLUMN is_personal BIGINT NOT NULL DEFAULT 0;
-- CIDR networks separated by spaces; empty allows all.
ALTER TABLE organizations ADD COLUMN allowed_networks TEXT NOT NULL DEFAULT '';
ALTER TABLE organizations ADD COLUMN deleted_at BIGINT;

ALTER TABLE members ADD COLUMN monthly_limit_nanos BIGINT;

ALTER TABLE workspaces ADD COLUMN description TEXT;
ALTER TABLE workspaces ADD COLUMN default_text_model TEXT;
ALTER TABLE workspaces ADD COLUMN default_image_model TEXT;
ALTER TABLE workspaces ADD COLUMN default_provider_sort TEXT;
ALTER TABLE workspaces ADD COLUMN include_byok_in_budgets BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN is_default BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN created_by TEXT;
ALTER TABLE workspaces ADD COLUMN updated_at BIGINT;
ALTER TABLE workspaces ADD COLUMN deleted_at BIGINT;
UPDATE workspaces SET is_default = 1 WHERE slug = 'default';

CREATE TABLE workspace_members (
    id           TEXT   NOT NULL UNIQUE,
    workspace_id TEXT   NOT NULL REFERENCES workspaces (id),
    user_id      TEXT   NOT NULL REFERENCES users (id),
    role         TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
);

-- `period` is daily, weekly, monthly or lifetime.
CREATE TABLE workspace_budgets (
    id           TEXT   NOT NULL UNIQUE,
    workspace_id TEXT   NOT NULL REFERENCES workspaces (id),
    period       TEXT   NOT NULL,
    limit_nanos  BIGINT NOT NULL CHECK (limit_nanos > 0),
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, period)
);

-- Lists separated by spaces; empty allows all. `touched_at` moves when something a
-- key depends on changed, so that every node reads it again.
ALTER TABLE api_keys ADD COLUMN allowed_models TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN allowed_providers TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN allowed_networks TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN touched_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX api_keys_by_touch ON api_keys (touched_at);

-- `token_hash` is the SHA-256 of what the link holds.
CREATE TABLE invitations (
    id              TEXT   NOT NULL PRIMARY KEY,
    organization_id TEXT   NOT NULL REFERENCES organizations (id),
    email           TEXT   NOT NULL,
    role            TEXT   NOT NULL,
    token_hash      TEXT   NOT NULL UNIQUE,
    invited_by      TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    accepted_at     BIGINT,
    revoked_at      BIGINT
);
CREATE INDEX invitations_by_organization ON invitations (organization_id, created_at);

-- Written once, never changed: see the guards.
CREATE TABLE audit_events (
    id              TEXT   NOT NULL PRIMARY KEY,
    organization_id TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    actor_kind      TEXT   NOT NULL,
    actor_id        TEXT   NOT NULL,
    actor_name      TEXT   NOT NULL,
    action          TEXT   NOT NULL,
    target          TEXT   NOT NULL,
    detail          TEXT   NOT NULL,
    address         TEXT   NOT NULL,
    user_agent      TEXT   NOT NULL
);
CREATE INDEX audit_events_by_organization ON audit_events (organization_id, created_at, id);

ALTER TABLE sessions ADD COLUMN user_id TEXT;
ALTER TABLE sessions ADD COLUMN opened_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';
CREATE INDEX sessions_by_user ON sessions (user_id);

ALTER TABLE users ADD COLUMN verified_at BIGINT;
ALTER TABLE users ADD COLUMN deleted_at BIGINT;

-- Links of letters: one purpose, one use, soon over.
CREATE TABLE link_tokens (
    token_hash TEXT   NOT NULL PRIMARY KEY,
    purpose    TEXT   NOT NULL,
    user_id    TEXT   NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);

-- Codes an app exchanges for a key (OAuth with PKCE).
CREATE TABLE auth_codes (
    code_hash        TEXT   NOT NULL PRIMARY KEY,
    organization_id  TEXT   NOT NULL,
    workspace_id     TEXT   NOT NULL,
    user_id          TEXT   NOT NULL,
    callback_url     TEXT   NOT NULL,
    challenge        TEXT   NOT NULL,
    challenge_method TEXT   NOT NULL,
    key_name         TEXT   NOT NULL,
    limit_nanos      BIGINT,
    limit_reset      TEXT,
    key_expires_at   BIGINT,
    created_at       BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    used_at          BIGINT,
    key_hash         TEXT
);
