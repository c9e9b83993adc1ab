-- Features that operators switched on or off; those not named here are as the settings have them.
CREATE TABLE feature_flags (
    name       TEXT   NOT NULL PRIMARY KEY,
    is_on      BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
