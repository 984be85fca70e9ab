-- +goose Up
-- The same schema as SQLite's. Text is compared by bytes (COLLATE "C"), as SQLite does it.
-- Times are milliseconds since the Unix epoch, UTC. account_id comes first in every key that
-- belongs to an account, so that one account's rows lie together and no query forgets it.

CREATE TABLE settings (
	name  TEXT COLLATE "C" PRIMARY KEY,
	value TEXT COLLATE "C" NOT NULL
);

CREATE TABLE accounts (
	id         TEXT COLLATE "C" PRIMARY KEY,
	name       TEXT COLLATE "C" NOT NULL,
	plan       TEXT COLLATE "C" NOT NULL,
	created_at BIGINT NOT NULL
);

CREATE TABLE avatars (
	account_id  TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
	id          TEXT COLLATE "C" NOT NULL UNIQUE,
	name        TEXT COLLATE "C" NOT NULL,
	name_folded TEXT COLLATE "C" NOT NULL,
	url         TEXT COLLATE "C" NOT NULL,
	created_at  BIGINT NOT NULL,
	archived_at BIGINT,
	PRIMARY KEY (account_id, id)
);

CREATE TABLE api_keys (
	id           TEXT COLLATE "C" PRIMARY KEY,
	account_id   TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
	name         TEXT COLLATE "C" NOT NULL,
	prefix       TEXT COLLATE "C" NOT NULL UNIQUE,
	hash         BYTEA NOT NULL,
	created_at   BIGINT NOT NULL,
	last_used_at BIGINT,
	revoked_at   BIGINT
);
CREATE INDEX api_keys_account ON api_keys (account_id, id);

CREATE TABLE avatar_server_keys (
	id         TEXT COLLATE "C" PRIMARY KEY,
	prefix     TEXT COLLATE "C" NOT NULL UNIQUE,
	hash       BYTEA NOT NULL,
	created_at BIGINT NOT NULL,
	revoked_at BIGINT
);

CREATE TABLE sessions (
	account_id            TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
	id                    TEXT COLLATE "C" NOT NULL UNIQUE,
	avatar_id             TEXT COLLATE "C" NOT NULL,
	session_type          TEXT COLLATE "C" NOT NULL,
	metadata              TEXT COLLATE "C" NOT NULL,
	end_user_id           TEXT COLLATE "C",
	created_at            BIGINT NOT NULL,
	started_at            BIGINT,
	ended_at              BIGINT,
	end_reason            TEXT COLLATE "C",
	deadline              BIGINT,
	deadline_reason       TEXT COLLATE "C",
	expiration            BIGINT,
	max_duration          BIGINT,
	revision              BIGINT NOT NULL,
	version               BIGINT NOT NULL,
	avatar_state          TEXT COLLATE "C" NOT NULL,
	token_generation      BIGINT NOT NULL,
	room_state            TEXT COLLATE "C" NOT NULL,
	room_name             TEXT COLLATE "C" NOT NULL UNIQUE,
	room_url              TEXT COLLATE "C" NOT NULL,
	room_exp              BIGINT NOT NULL,
	room_fence            BIGINT NOT NULL,
	room_due              BIGINT,
	room_tries            BIGINT NOT NULL,
	assignment_generation BIGINT NOT NULL,
	assignment_server     TEXT COLLATE "C" NOT NULL,
	assignment_since      BIGINT,
	PRIMARY KEY (account_id, id),
	FOREIGN KEY (account_id, avatar_id) REFERENCES avatars (account_id, id),
	CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
	CHECK ((deadline IS NULL) = (deadline_reason IS NULL)),
	CHECK (ended_at IS NULL OR started_at IS NULL OR ended_at >= started_at)
);
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
	hash       BYTEA PRIMARY KEY,
	account_id TEXT COLLATE "C" NOT NULL,
	session_id TEXT COLLATE "C" NOT NULL UNIQUE,
	FOREIGN KEY (account_id, session_id) REFERENCES sessions (account_id, id)
);

CREATE TABLE session_events (
	account_id TEXT COLLATE "C" NOT NULL,
	session_id TEXT COLLATE "C" NOT NULL,
	revision   BIGINT NOT NULL,
	id         TEXT COLLATE "C" NOT NULL UNIQUE,
	type       TEXT COLLATE "C" NOT NULL,
	at         BIGINT NOT NULL,
	actor      TEXT COLLATE "C" NOT NULL,
	detail     TEXT COLLATE "C",
	PRIMARY KEY (account_id, session_id, revision),
	FOREIGN KEY (account_id, session_id) REFERENCES sessions (account_id, id)
);
-- A session ends once: a second ENDED would be a broken rule, and fails here.
CREATE UNIQUE INDEX session_events_end ON session_events (session_id) WHERE type = 'ENDED';

CREATE TABLE idempotency_keys (
	account_id  TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
	key         TEXT COLLATE "C" NOT NULL,
	fingerprint BYTEA NOT NULL,
	session_id  TEXT COLLATE "C" NOT NULL,
	expires_at  BIGINT NOT NULL,
	PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_keys_session ON idempotency_keys (account_id, session_id);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
