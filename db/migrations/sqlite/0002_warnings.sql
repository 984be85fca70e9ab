-- +goose Up
-- When the timeline is to tell that a session's end is near; null when it has, or never will.
ALTER TABLE sessions ADD COLUMN warn_at INTEGER;
CREATE INDEX sessions_warn ON sessions (warn_at) WHERE warn_at IS NOT NULL;
UPDATE sessions SET warn_at = deadline - 60000 WHERE started_at IS NOT NULL AND ended_at IS NULL;
