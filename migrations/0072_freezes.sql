-- When an operator froze an organization; a dispute that is won does not undo that.
ALTER TABLE organizations ADD COLUMN frozen_at BIGINT;
