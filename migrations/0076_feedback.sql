-- What people said was wrong with single requests.
CREATE TABLE generation_feedback (
    id              TEXT   NOT NULL PRIMARY KEY,
    generation_id   TEXT   NOT NULL,
    organization_id TEXT   NOT NULL,
    -- Empty where it came with a key that nobody made.
    user_id         TEXT   NOT NULL,
    category        TEXT   NOT NULL,
    comment         TEXT   NOT NULL,
    created_at      BIGINT NOT NULL
);
CREATE INDEX generation_feedback_by_generation ON generation_feedback (generation_id, created_at);
CREATE INDEX generation_feedback_by_organization ON generation_feedback (organization_id, created_at);
