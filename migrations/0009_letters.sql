-- E-mail that waits to be sent, so that a restart or a mail server that is down
-- loses none. The text is emptied once it is sent: it may hold a link that signs in.
CREATE TABLE letters (
    id              TEXT   NOT NULL PRIMARY KEY,
    recipient       TEXT   NOT NULL,
    subject         TEXT   NOT NULL,
    text            TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    attempts        BIGINT NOT NULL DEFAULT 0,
    next_attempt_at BIGINT NOT NULL,
    sent_at         BIGINT,
    failure         TEXT
);
CREATE INDEX letters_by_attempt ON letters (sent_at, next_attempt_at);
