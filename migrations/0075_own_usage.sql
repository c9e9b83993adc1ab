-- What providers bill to organizations' own keys, at list price: it moves no money
-- here, and counts in the limits and budgets that include it.
ALTER TABLE holds ADD COLUMN own_nanos BIGINT NOT NULL DEFAULT 0;
ALTER TABLE key_usage ADD COLUMN own_held_nanos BIGINT NOT NULL DEFAULT 0;
ALTER TABLE key_usage ADD COLUMN own_total_nanos BIGINT NOT NULL DEFAULT 0;
ALTER TABLE key_usage ADD COLUMN own_day_nanos BIGINT NOT NULL DEFAULT 0;
ALTER TABLE key_usage ADD COLUMN own_week_nanos BIGINT NOT NULL DEFAULT 0;
ALTER TABLE key_usage ADD COLUMN own_month_nanos BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_hourly ADD COLUMN own_cost_nanos BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_daily ADD COLUMN own_cost_nanos BIGINT NOT NULL DEFAULT 0;

-- Totals reach up to the watermarks; what comes after them is still to be folded.
WITH own AS (
    SELECT g.created_at / 3600000 AS hour, g.organization_id, g.key_id, g.model_id, g.endpoint_id, g.app_url,
           CAST(SUM(g.upstream_cost_nanos) AS BIGINT) AS nanos
    FROM generations g JOIN rollup_watermarks w ON w.node_id = g.node_id AND g.seq <= w.seq
    WHERE g.own_key_id <> '' AND g.error IS NULL GROUP BY 1, 2, 3, 4, 5, 6)
UPDATE usage_hourly SET own_cost_nanos = own.nanos FROM own
WHERE usage_hourly.hour = own.hour AND usage_hourly.organization_id = own.organization_id
  AND usage_hourly.key_id = own.key_id AND usage_hourly.model_id = own.model_id
  AND usage_hourly.endpoint_id = own.endpoint_id AND usage_hourly.app_url = own.app_url;

WITH own AS (
    SELECT hour / 24 AS day, organization_id, key_id, model_id, endpoint_id, app_url,
           CAST(SUM(own_cost_nanos) AS BIGINT) AS nanos
    FROM usage_hourly WHERE own_cost_nanos > 0 GROUP BY 1, 2, 3, 4, 5, 6)
UPDATE usage_daily SET own_cost_nanos = own.nanos FROM own
WHERE usage_daily.day = own.day AND usage_daily.organization_id = own.organization_id
  AND usage_daily.key_id = own.key_id AND usage_daily.model_id = own.model_id
  AND usage_daily.endpoint_id = own.endpoint_id AND usage_daily.app_url = own.app_url;

-- The month of a day by the rules of the calendar, as neither database's own
-- functions are known to the other: years begin in March, eras have 400 of them.
WITH days AS (
    SELECT key_id, workspace_id, organization_id, user_id, upstream_cost_nanos AS nanos,
           created_at / 86400000 AS day, (created_at / 86400000 + 719468) / 146097 AS era,
           (created_at / 86400000 + 719468) % 146097 AS day_of_era
    FROM generations WHERE own_key_id <> '' AND error IS NULL),
years AS (
    SELECT days.*, (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365 AS year FROM days),
months AS (
    SELECT key_id, workspace_id, organization_id, user_id, nanos, day, (day + 3) / 7 AS week,
           (era * 400 + year) * 12 + (5 * (day_of_era - (365 * year + year / 4 - year / 100)) + 2) / 153 + 2 AS month
    FROM years),
counters AS (
    SELECT key_id AS counter, nanos, day, week, month FROM months WHERE key_id <> ''
    UNION ALL SELECT 'workspace:' || workspace_id, nanos, day, week, month FROM months WHERE workspace_id <> ''
    UNION ALL SELECT 'member:' || organization_id || ':' || user_id, nanos, day, week, month FROM months
    WHERE user_id <> ''),
own AS (
    SELECT u.key_id AS counter, CAST(SUM(c.nanos) AS BIGINT) AS total,
           CAST(SUM(CASE WHEN c.day = u.day THEN c.nanos ELSE 0 END) AS BIGINT) AS daily,
           CAST(SUM(CASE WHEN c.week = u.week THEN c.nanos ELSE 0 END) AS BIGINT) AS weekly,
           CAST(SUM(CASE WHEN c.month = u.month THEN c.nanos ELSE 0 END) AS BIGINT) AS monthly
    FROM counters c JOIN key_usage u ON u.key_id = c.counter GROUP BY u.key_id)
UPDATE key_usage SET own_total_nanos = own.total, own_day_nanos = own.daily, own_week_nanos = own.weekly,
                     own_month_nanos = own.monthly
FROM own WHERE key_usage.key_id = own.counter;
