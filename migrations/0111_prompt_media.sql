-- How many images, and pieces of media of any kind, a question brought.
ALTER TABLE generations ADD COLUMN prompt_images BIGINT NOT NULL DEFAULT 0;
ALTER TABLE generations ADD COLUMN prompt_media BIGINT NOT NULL DEFAULT 0;
