-- Rules on what requests may ask, of whom and for how much. `rules` is JSON. The
-- default of a workspace holds for all its traffic, the others for whom they are
-- assigned to.
CREATE TABLE guardrails (
    id              TEXT   NOT NULL PRIMARY KEY,
    organization_id TEXT   NOT NULL REFERENCES organizations (id),
    workspace_id    TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    description     TEXT,
    is_default      BIGINT NOT NULL DEFAULT 0,
    rules           TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE INDEX guardrails_by_organization ON guardrails (organization_id);

-- `kind` is `key` (subject: hash of the key) or `member` (subject: user).
-- Each subject has one guardrail at the most.
CREATE TABLE guardrail_assignments (
    id              TEXT   NOT NULL PRIMARY KEY,
    organization_id TEXT   NOT NULL,
    guardrail_id    TEXT   NOT NULL REFERENCES guardrails (id),
    kind            TEXT   NOT NULL,
    subject         TEXT   NOT NULL,
    assigned_by     TEXT,
    created_at      BIGINT NOT NULL,
    UNIQUE (organization_id, kind, subject)
);
CREATE INDEX guardrail_assignments_by_guardrail ON guardrail_assignments (guardrail_id);
