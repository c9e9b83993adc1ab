-- Days as pages show them, so that a year of many requests is a few thousand rows.
-- Over all organizations: along 'model', 'author', 'provider' and 'app'.
CREATE TABLE board_daily (
    dimension    TEXT   NOT NULL,
    day          BIGINT NOT NULL,
    name         TEXT   NOT NULL,
    title        TEXT   NOT NULL,
    is_simulated BIGINT NOT NULL,
    requests     BIGINT NOT NULL,
    tokens       BIGINT NOT NULL,
    PRIMARY KEY (dimension, day, name)
);
CREATE INDEX board_daily_by_name ON board_daily (dimension, name, day, tokens);
-- Holds what a leaderboard adds up, so that the rows themselves need not be read.
CREATE INDEX board_daily_totals ON board_daily (dimension, day, name, tokens, requests, is_simulated, title);
DROP INDEX public_daily_by_name;
CREATE INDEX public_daily_by_name
    ON public_daily (dimension, name, day, model_id, requests, prompt_tokens, completion_tokens, is_simulated);

-- Of an organization: along 'model', 'key', 'app', 'provider' and 'all' (one row a day),
-- for each key and, under the key '*', for all of them.
CREATE TABLE activity_daily (
    organization_id TEXT   NOT NULL,
    key_id          TEXT   NOT NULL,
    dimension       TEXT   NOT NULL,
    day             BIGINT NOT NULL,
    name            TEXT   NOT NULL,
    requests        BIGINT NOT NULL,
    tokens          BIGINT NOT NULL,
    cost_nanos      BIGINT NOT NULL,
    PRIMARY KEY (organization_id, key_id, dimension, day, name)
);

INSERT INTO board_daily (dimension, day, name, title, is_simulated, requests, tokens)
SELECT dimension, day, CASE WHEN dimension = 'model' THEN model_id ELSE name END, MAX(title), MAX(is_simulated),
       CAST(SUM(requests) AS BIGINT), CAST(SUM(prompt_tokens + completion_tokens) AS BIGINT)
FROM public_daily WHERE dimension IN ('model', 'provider', 'app') GROUP BY 1, 2, 3;

-- What stands before the last slash: everything that is no part of the rest is trimmed away.
INSERT INTO board_daily (dimension, day, name, title, is_simulated, requests, tokens)
SELECT 'author', day, author, '', MAX(is_simulated), CAST(SUM(requests) AS BIGINT), CAST(SUM(tokens) AS BIGINT)
FROM (SELECT day, is_simulated, requests, tokens,
             CASE WHEN name LIKE '%/%' THEN RTRIM(RTRIM(name, REPLACE(name, '/', '')), '/') ELSE name END AS author
      FROM board_daily WHERE dimension = 'model') AS models
GROUP BY day, author;

INSERT INTO activity_daily (organization_id, key_id, dimension, day, name, requests, tokens, cost_nanos)
SELECT organization_id, key_id, 'model', day, model_id, CAST(SUM(requests) AS BIGINT),
       CAST(SUM(prompt_tokens + completion_tokens) AS BIGINT), CAST(SUM(cost_nanos) AS BIGINT)
FROM usage_daily GROUP BY organization_id, key_id, day, model_id;

INSERT INTO activity_daily (organization_id, key_id, dimension, day, name, requests, tokens, cost_nanos)
SELECT organization_id, key_id, 'app', day, app_title, CAST(SUM(requests) AS BIGINT),
       CAST(SUM(prompt_tokens + completion_tokens) AS BIGINT), CAST(SUM(cost_nanos) AS BIGINT)
FROM usage_daily GROUP BY organization_id, key_id, day, app_title;

INSERT INTO activity_daily (organization_id, key_id, dimension, day, name, requests, tokens, cost_nanos)
SELECT organization_id, key_id, 'provider', day, provider_name, CAST(SUM(requests) AS BIGINT),
       CAST(SUM(prompt_tokens + completion_tokens) AS BIGINT), CAST(SUM(cost_nanos) AS BIGINT)
FROM usage_daily GROUP BY organization_id, key_id, day, provider_name;

INSERT INTO activity_daily (organization_id, key_id, dimension, day, name, requests, tokens, cost_nanos)
SELECT organization_id, key_id, 'key', day, key_id, CAST(SUM(requests) AS BIGINT), CAST(SUM(tokens) AS BIGINT),
       CAST(SUM(cost_nanos) AS BIGINT)
FROM activity_daily WHERE dimension = 'app' GROUP BY organization_id, key_id, day;

INSERT INTO activity_daily (organization_id, key_id, dimension, day, name, requests, tokens, cost_nanos)
SELECT organization_id, key_id, 'all', day, '', requests, tokens, cost_nanos
FROM activity_daily WHERE dimension = 'key';

INSERT INTO activity_daily (organization_id, key_id, dimension, day, name, requests, tokens, cost_nanos)
SELECT organization_id, '*', dimension, day, name, CAST(SUM(requests) AS BIGINT), CAST(SUM(tokens) AS BIGINT),
       CAST(SUM(cost_nanos) AS BIGINT)
FROM activity_daily GROUP BY organization_id, dimension, day, name;
