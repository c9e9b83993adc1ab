-- Where workspaces have events of their requests sent to. `config` is sealed JSON;
-- `key_hashes` and `filter_rules` are JSON, or NULL for everything.
CREATE TABLE observability_destinations (
    id                TEXT   NOT NULL PRIMARY KEY,
    organization_id   TEXT   NOT NULL,
    workspace_id      TEXT   NOT NULL,
    kind              TEXT   NOT NULL,
    name              TEXT   NOT NULL,
    config            TEXT   NOT NULL,
    is_enabled        BIGINT NOT NULL,
    is_private        BIGINT NOT NULL,
    per_myriad        BIGINT NOT NULL,
    key_hashes        TEXT,
    filter_rules      TEXT,
    tells_cost        BIGINT NOT NULL,
    tells_identity    BIGINT NOT NULL,
    tells_context     BIGINT NOT NULL,
    sent              BIGINT NOT NULL DEFAULT 0,
    lost              BIGINT NOT NULL DEFAULT 0,
    last_sent_at      BIGINT,
    last_error        TEXT,
    last_error_at     BIGINT,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    deleted_at        BIGINT
);
CREATE INDEX observability_destinations_by_workspace ON observability_destinations (organization_id, workspace_id);

-- Events on their way, sealed. `next_at` is when one may be tried.
CREATE TABLE observability_outbox (
    id              TEXT   NOT NULL PRIMARY KEY,
    destination_id  TEXT   NOT NULL,
    organization_id TEXT   NOT NULL,
    sealed          TEXT   NOT NULL,
    tries           BIGINT NOT NULL,
    next_at         BIGINT NOT NULL,
    created_at      BIGINT NOT NULL
);
CREATE INDEX observability_outbox_by_time ON observability_outbox (next_at);
CREATE INDEX observability_outbox_by_destination ON observability_outbox (destination_id);
