-- How attempts at endpoints went, as each node counted them: minutes of the last
-- half hour with their distributions, hours of the last three days. A row holds a
-- whole count and is replaced as it grows, so writing it twice counts once.
CREATE TABLE endpoint_minutes (
    endpoint_id   TEXT   NOT NULL,
    period        BIGINT NOT NULL,
    node_id       TEXT   NOT NULL,
    successes     BIGINT NOT NULL,
    failures      BIGINT NOT NULL,
    latency       TEXT   NOT NULL,
    throughput    TEXT   NOT NULL,
    PRIMARY KEY (period, endpoint_id, node_id)
);

CREATE TABLE endpoint_hours (
    endpoint_id   TEXT   NOT NULL,
    period        BIGINT NOT NULL,
    node_id       TEXT   NOT NULL,
    successes     BIGINT NOT NULL,
    failures      BIGINT NOT NULL,
    sound_calls   BIGINT NOT NULL,
    unsound_calls BIGINT NOT NULL,
    PRIMARY KEY (period, endpoint_id, node_id)
);
