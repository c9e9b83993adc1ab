-- Conversations people keep on the server. `document` is JSON of `ChatDocument`; who knows
-- `share_id` may read, until it is taken back.
CREATE TABLE chats (
    id         TEXT   NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id),
    title      TEXT   NOT NULL,
    document   TEXT   NOT NULL,
    share_id   TEXT UNIQUE,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX chats_by_user ON chats (user_id, updated_at);

-- Blind comparisons of two answers to the same question. An answer is compared once.
CREATE TABLE votes (
    id           TEXT   NOT NULL PRIMARY KEY,
    user_id      TEXT   NOT NULL,
    generation_a TEXT   NOT NULL UNIQUE,
    generation_b TEXT   NOT NULL UNIQUE,
    model_a      TEXT   NOT NULL,
    model_b      TEXT   NOT NULL,
    -- Tokens of the answers: longer ones please more.
    tokens_a     BIGINT NOT NULL,
    tokens_b     BIGINT NOT NULL,
    -- 'a', 'b', 'tie' or 'neither'
    outcome      TEXT   NOT NULL,
    is_simulated BIGINT NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE INDEX votes_by_user ON votes (user_id, created_at);
