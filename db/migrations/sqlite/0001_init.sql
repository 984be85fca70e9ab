-- +goose Up
-- Times are milliseconds since the Unix epoch, UTC. account_id comes first in every key that
-- belongs to an account, so that one account's rows lie together and no query forgets it.

CREATE TABLE settings (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
	id         TEXT PRIMARY KEY,
	name       TEXT NOT NULL,
	plan       TEXT NOT NULL,
	created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE avatars (
	account_id  TEXT NOT NULL REFERENCES accounts (id),
	id          TEXT NOT NULL UNIQUE,
	name        TEXT NOT NULL,
	name_folded TEXT NOT NULL,
	url         TEXT NOT NULL,
	created_at  INTEGER NOT NULL,
	archived_at INTEGER,
	PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
	id           TEXT PRIMARY KEY,
	account_id   TEXT NOT NULL REFERENCES accounts (id),
	name         TEXT NOT NULL,
	prefix       TEXT NOT NULL UNIQUE,
	hash         BLOB NOT NULL,
	created_at   INTEGER NOT NULL,
	last_used_at INTEGER,
	revoked_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX api_keys_account ON api_keys (account_id, id);

CREATE TABLE avatar_server_keys (
	id         TEXT PRIMARY KEY,
	prefix     TEXT NOT NULL UNIQUE,
	hash       BLOB NOT NULL,
	created_at INTEGER NOT NULL,
	revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
	account_id            TEXT NOT NULL REFERENCES accounts (id),
	id                    TEXT NOT NULL UNIQUE,
	avatar_id             TEXT NOT NULL,
	session_type          TEXT NOT NULL,
	metadata              TEXT NOT NULL,
	end_user_id           TEXT,
	created_at            INTEGER NOT NULL,
	started_at            INTEGER,
	ended_at              INTEGER,
	end_reason            TEXT,
	deadline              INTEGER,
	deadline_reason       TEXT,
	expiration            INTEGER,
	max_duration          INTEGER,
	revision              INTEGER NOT NULL,
	version               INTEGER NOT NULL,
	avatar_state          TEXT NOT NULL,
	token_generation      INTEGER NOT NULL,
	room_state            TEXT NOT NULL,
	room_name             TEXT NOT NULL UNIQUE,
	room_url              TEXT NOT NULL,
	room_exp              INTEGER NOT NULL,
	room_fence            INTEGER NOT NULL,
	room_due              INTEGER,
	room_tries            INTEGER NOT NULL,
	assignment_generation INTEGER NOT NULL,
	assignment_server     TEXT NOT NULL,
	assignment_since      INTEGER,
	PRIMARY KEY (account_id, id),
	FOREIGN KEY (account_id, avatar_id) REFERENCES avatars (account_id, id),
	CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
	CHECK ((deadline IS NULL) = (deadline_reason IS NULL)),
	CHECK (ended_at IS NULL OR started_at IS NULL OR ended_at >= started_at)
) STRICT, WITHOUT ROWID;
-- Equal columns first, and all that counting places reads: SQLite takes it without statistics.
CREATE INDEX sessions_ended ON sessions (account_id, ended_at, id, deadline);
CREATE INDEX sessions_live ON sessions (id) WHERE ended_at IS NULL;
CREATE INDEX sessions_due ON sessions (deadline) WHERE ended_at IS NULL AND deadline IS NOT NULL;
CREATE INDEX sessions_avatar ON sessions (account_id, avatar_id, id);
CREATE INDEX sessions_end_user ON sessions (account_id, end_user_id, id);
CREATE INDEX sessions_room_due ON sessions (room_state, room_due) WHERE room_due IS NOT NULL;
CREATE INDEX sessions_waiting ON sessions (assignment_since) WHERE assignment_since IS NOT NULL AND ended_at IS NULL;

-- A session's one valid access token, as its SHA-256.
CREATE TABLE access_tokens (
	hash       BLOB PRIMARY KEY,
	account_id TEXT NOT NULL,
	session_id TEXT NOT NULL UNIQUE,
	FOREIGN KEY (account_id, session_id) REFERENCES sessions (account_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE session_events (
	account_id TEXT NOT NULL,
	session_id TEXT NOT NULL,
	revision   INTEGER NOT NULL,
	id         TEXT NOT NULL UNIQUE,
	type       TEXT NOT NULL,
	at         INTEGER NOT NULL,
	actor      TEXT NOT NULL,
	detail     TEXT,
	PRIMARY KEY (account_id, session_id, revision),
	FOREIGN KEY (account_id, session_id) REFERENCES sessions (account_id, id)
) STRICT, WITHOUT ROWID;
-- A session ends once: a second ENDED would be a broken rule, and fails here.
CREATE UNIQUE INDEX session_events_end ON session_events (session_id) WHERE type = 'ENDED';

CREATE TABLE idempotency_keys (
	account_id  TEXT NOT NULL REFERENCES accounts (id),
	key         TEXT NOT NULL,
	fingerprint BLOB NOT NULL,
	session_id  TEXT NOT NULL,
	expires_at  INTEGER NOT NULL,
	PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_session ON idempotency_keys (account_id, session_id);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
