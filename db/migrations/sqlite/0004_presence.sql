-- +goose Up
-- Who was in a session's room: one row for each time that somebody joined, by Daily's own id of
-- it. left_at is null while they are in.
CREATE TABLE participants (
	account_id TEXT NOT NULL,
	session_id TEXT NOT NULL,
	id         TEXT NOT NULL,
	joined_at  INTEGER NOT NULL,
	left_at    INTEGER,
	PRIMARY KEY (account_id, session_id, id),
	FOREIGN KEY (account_id, session_id) REFERENCES sessions (account_id, id),
	CHECK (left_at IS NULL OR left_at >= joined_at)
) STRICT, WITHOUT ROWID;

ALTER TABLE sessions ADD COLUMN room_delete_again INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN room_empty_since INTEGER;
ALTER TABLE sessions ADD COLUMN room_check_due INTEGER;
ALTER TABLE sessions ADD COLUMN room_checks INTEGER NOT NULL DEFAULT 0;
CREATE INDEX sessions_check_due ON sessions (room_check_due) WHERE room_check_due IS NOT NULL AND ended_at IS NULL;
