-- Totals folded from `generations`. `hour` and `day` count from the epoch.
CREATE TABLE usage_hourly (
    hour              BIGINT NOT NULL,
    organization_id   TEXT   NOT NULL,
    key_id            TEXT   NOT NULL,
    model_id          TEXT   NOT NULL,
    endpoint_id       TEXT   NOT NULL,
    provider_name     TEXT   NOT NULL,
    app_url           TEXT   NOT NULL,
    app_title         TEXT   NOT NULL,
    is_simulated      BIGINT NOT NULL,
    requests          BIGINT NOT NULL,
    failures          BIGINT NOT NULL,
    prompt_tokens     BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    reasoning_tokens  BIGINT NOT NULL,
    cached_tokens     BIGINT NOT NULL,
    cost_nanos        BIGINT NOT NULL,
    PRIMARY KEY (hour, organization_id, key_id, model_id, endpoint_id, app_url)
);

CREATE TABLE usage_daily (
    day               BIGINT NOT NULL,
    organization_id   TEXT   NOT NULL,
    key_id            TEXT   NOT NULL,
    model_id          TEXT   NOT NULL,
    endpoint_id       TEXT   NOT NULL,
    provider_name     TEXT   NOT NULL,
    app_url           TEXT   NOT NULL,
    app_title         TEXT   NOT NULL,
    is_simulated      BIGINT NOT NULL,
    requests          BIGINT NOT NULL,
    failures          BIGINT NOT NULL,
    prompt_tokens     BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    reasoning_tokens  BIGINT NOT NULL,
    cached_tokens     BIGINT NOT NULL,
    cost_nanos        BIGINT NOT NULL,
    PRIMARY KEY (day, organization_id, key_id, model_id, endpoint_id, app_url)
);
CREATE INDEX usage_daily_by_organization ON usage_daily (organization_id, day);

-- Up to which generation of a node the totals reach.
CREATE TABLE rollup_watermarks (
    node_id TEXT   NOT NULL PRIMARY KEY,
    seq     BIGINT NOT NULL
);
