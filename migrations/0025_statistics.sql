-- How endpoints did, by the hour, over all organizations. A request that was tried at
-- several endpoints counts at each of them.
CREATE TABLE endpoint_hourly (
    hour              BIGINT NOT NULL,
    model_id          TEXT   NOT NULL,
    endpoint_id       TEXT   NOT NULL,
    provider_name     TEXT   NOT NULL,
    requests          BIGINT NOT NULL,
    failures          BIGINT NOT NULL,
    PRIMARY KEY (hour, model_id, endpoint_id)
);
CREATE INDEX endpoint_hourly_by_model ON endpoint_hourly (model_id, hour);
CREATE INDEX endpoint_hourly_by_provider ON endpoint_hourly (provider_name, hour);

-- How many answers of an hour had a speed. Buckets grow by a fifth, so that any percentile
-- is known to a tenth: `measure` is 'latency' in ms or 'throughput' in tenths of tokens per second.
CREATE TABLE speed_hourly (
    model_id    TEXT   NOT NULL,
    hour        BIGINT NOT NULL,
    endpoint_id TEXT   NOT NULL,
    measure     TEXT   NOT NULL,
    bucket      BIGINT NOT NULL,
    answers     BIGINT NOT NULL,
    PRIMARY KEY (model_id, hour, endpoint_id, measure, bucket)
);

-- Days over all organizations, counted along one dimension: 'model' (name is empty),
-- 'provider', 'app', 'length' (of the prompt: 1K, 10K, …) or 'tools' (answers that call some).
CREATE TABLE public_daily (
    dimension         TEXT   NOT NULL,
    day               BIGINT NOT NULL,
    model_id          TEXT   NOT NULL,
    name              TEXT   NOT NULL,
    title             TEXT   NOT NULL,
    is_simulated      BIGINT NOT NULL,
    requests          BIGINT NOT NULL,
    prompt_tokens     BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    PRIMARY KEY (dimension, day, model_id, name)
);
CREATE INDEX public_daily_by_model ON public_daily (model_id, dimension, day);
CREATE INDEX public_daily_by_name ON public_daily (dimension, name, day);

INSERT INTO endpoint_hourly (hour, model_id, endpoint_id, provider_name, requests, failures)
SELECT hour, model_id, endpoint_id, MAX(provider_name), CAST(SUM(requests) AS BIGINT), CAST(SUM(failures) AS BIGINT)
FROM usage_hourly WHERE endpoint_id <> '' GROUP BY hour, model_id, endpoint_id;

INSERT INTO public_daily (dimension, day, model_id, name, title, is_simulated, requests, prompt_tokens, completion_tokens)
SELECT 'model', day, model_id, '', '', MAX(is_simulated), CAST(SUM(requests) AS BIGINT),
       CAST(SUM(prompt_tokens) AS BIGINT), CAST(SUM(completion_tokens) AS BIGINT)
FROM usage_daily GROUP BY day, model_id;

INSERT INTO public_daily (dimension, day, model_id, name, title, is_simulated, requests, prompt_tokens, completion_tokens)
SELECT 'provider', day, model_id, provider_name, '', MAX(is_simulated), CAST(SUM(requests) AS BIGINT),
       CAST(SUM(prompt_tokens) AS BIGINT), CAST(SUM(completion_tokens) AS BIGINT)
FROM usage_daily WHERE provider_name <> '' GROUP BY day, model_id, provider_name;

INSERT INTO public_daily (dimension, day, model_id, name, title, is_simulated, requests, prompt_tokens, completion_tokens)
SELECT 'app', day, model_id, app_url, MAX(app_title), MAX(is_simulated), CAST(SUM(requests) AS BIGINT),
       CAST(SUM(prompt_tokens) AS BIGINT), CAST(SUM(completion_tokens) AS BIGINT)
FROM usage_daily WHERE app_url <> '' GROUP BY day, model_id, app_url;
CREATE INDEX speed_hourly_by_hour ON speed_hourly (hour);
