-- Named, versioned request settings: `@preset/<slug>`.
CREATE TABLE presets (
    id                 TEXT   NOT NULL PRIMARY KEY,
    organization_id    TEXT   NOT NULL REFERENCES organizations (id),
    workspace_id       TEXT   NOT NULL,
    slug               TEXT   NOT NULL,
    name               TEXT   NOT NULL,
    description        TEXT,
    status             TEXT   NOT NULL,
    designated_version BIGINT NOT NULL,
    creator_user_id    TEXT,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL,
    status_updated_at  BIGINT,
    UNIQUE (workspace_id, slug)
);

-- Versions are never changed. `config` is a JSON object in the vocabulary of chat completions.
CREATE TABLE preset_versions (
    id            TEXT   NOT NULL PRIMARY KEY,
    preset_id     TEXT   NOT NULL REFERENCES presets (id),
    version       BIGINT NOT NULL,
    creator_id    TEXT   NOT NULL,
    system_prompt TEXT,
    config        TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    UNIQUE (preset_id, version)
);
