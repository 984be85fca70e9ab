-- +goose Up
-- Where an account wants to be told of its sessions. event_types is a JSON list. An endpoint that
-- is deleted stays until its deliveries have been dropped, a few at a time.
CREATE TABLE webhook_endpoints (
	account_id      TEXT NOT NULL REFERENCES accounts (id),
	id              TEXT NOT NULL UNIQUE,
	url             TEXT NOT NULL,
	description     TEXT,
	event_types     TEXT NOT NULL,
	created_at      INTEGER NOT NULL,
	disabled_at     INTEGER,
	disabled_reason TEXT,
	failing_since   INTEGER,
	last_failure_at INTEGER,
	deleted_at      INTEGER,
	PRIMARY KEY (account_id, id),
	CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_endpoints_deleted ON webhook_endpoints (deleted_at) WHERE deleted_at IS NOT NULL;

-- An endpoint's signing secrets, encrypted. The newest has no end; those before it sign beside it
-- until theirs.
CREATE TABLE webhook_secrets (
	account_id  TEXT NOT NULL,
	endpoint_id TEXT NOT NULL,
	id          TEXT NOT NULL,
	sealed      BLOB NOT NULL,
	expires_at  INTEGER,
	PRIMARY KEY (account_id, endpoint_id, id),
	FOREIGN KEY (account_id, endpoint_id) REFERENCES webhook_endpoints (account_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_secrets_expiry ON webhook_secrets (expires_at) WHERE expires_at IS NOT NULL;

-- One event on its way to one endpoint. due is when it wants attention again: its next try, or the
-- end of the lease of whoever is sending it; null once it is finished. attempts is a JSON list.
CREATE TABLE webhook_deliveries (
	account_id  TEXT NOT NULL,
	endpoint_id TEXT NOT NULL,
	id          TEXT NOT NULL UNIQUE,
	event_id    TEXT NOT NULL,
	event_type  TEXT NOT NULL,
	session_id  TEXT,
	payload     TEXT NOT NULL,
	created_at  INTEGER NOT NULL,
	state       TEXT NOT NULL,
	tries       INTEGER NOT NULL,
	attempts    TEXT NOT NULL,
	due         INTEGER,
	finished_at INTEGER,
	fence       INTEGER NOT NULL,
	PRIMARY KEY (account_id, endpoint_id, id),
	FOREIGN KEY (account_id, endpoint_id) REFERENCES webhook_endpoints (account_id, id),
	CHECK ((due IS NULL) = (finished_at IS NOT NULL))
) STRICT;
-- An event is told to an endpoint once, and a session has each kind of event once, whoever writes it.
CREATE UNIQUE INDEX webhook_deliveries_event ON webhook_deliveries (endpoint_id, event_id);
CREATE UNIQUE INDEX webhook_deliveries_session ON webhook_deliveries (session_id, endpoint_id, event_type) WHERE session_id IS NOT NULL;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, due) WHERE due IS NOT NULL;
CREATE INDEX webhook_deliveries_finished ON webhook_deliveries (finished_at) WHERE finished_at IS NOT NULL;
