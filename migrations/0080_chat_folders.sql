-- Folders in which people sort their conversations, and the files of those. A file's `content` is
-- `data:image/png;base64,…`; its id is chosen by who keeps it.
CREATE TABLE chat_folders (
    id         TEXT   NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id),
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX chat_folders_by_name ON chat_folders (user_id, name);

ALTER TABLE chats ADD COLUMN folder_id TEXT;

CREATE TABLE chat_files (
    chat_id    TEXT   NOT NULL REFERENCES chats (id),
    id         TEXT   NOT NULL,
    user_id    TEXT   NOT NULL REFERENCES users (id),
    name       TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    content    TEXT   NOT NULL,
    size_bytes BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (chat_id, id)
);
CREATE INDEX chat_files_by_user ON chat_files (user_id);
