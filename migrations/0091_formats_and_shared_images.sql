-- How a person has numbers and days written: the tag of a locale; empty leaves it to the browser.
ALTER TABLE users ADD COLUMN formats TEXT NOT NULL DEFAULT '';
-- Who has the link of a conversation sees its images, too.
ALTER TABLE chats ADD COLUMN shares_images BIGINT NOT NULL DEFAULT 0;
