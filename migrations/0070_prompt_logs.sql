-- What is kept of prompts and answers, for workspaces that want it. Sampling is in
-- parts of ten thousand; `io_key_hashes` is a JSON array, or NULL for every key.
ALTER TABLE workspaces ADD COLUMN logs_io BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN io_per_myriad BIGINT NOT NULL DEFAULT 10000;
ALTER TABLE workspaces ADD COLUMN io_key_hashes TEXT;
-- Days; 0 stands for the server's usual number.
ALTER TABLE workspaces ADD COLUMN io_retention_days BIGINT NOT NULL DEFAULT 0;
-- The operator may use what is kept, too, and may grant a discount for it.
ALTER TABLE workspaces ADD COLUMN shares_io BIGINT NOT NULL DEFAULT 0;
-- Events go to the workspace's observability destinations.
ALTER TABLE workspaces ADD COLUMN broadcasts BIGINT NOT NULL DEFAULT 0;

-- `sealed` holds prompt and answer, encrypted and bound to the row.
CREATE TABLE prompt_logs (
    generation_id   TEXT   NOT NULL PRIMARY KEY,
    organization_id TEXT   NOT NULL,
    workspace_id    TEXT   NOT NULL,
    user_id         TEXT   NOT NULL,
    is_shared       BIGINT NOT NULL,
    sealed          TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL
);
CREATE INDEX prompt_logs_by_expiry ON prompt_logs (expires_at);
CREATE INDEX prompt_logs_by_workspace ON prompt_logs (workspace_id, created_at);
CREATE INDEX prompt_logs_by_organization ON prompt_logs (organization_id, user_id);

-- The part of the list price that was let off, in hundredths of a per cent.
ALTER TABLE generations ADD COLUMN discount_basis_points BIGINT NOT NULL DEFAULT 0;
