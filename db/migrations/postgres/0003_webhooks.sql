-- +goose Up
-- The same schema as SQLite's. Text is compared by bytes (COLLATE "C"), as SQLite does it.
-- Where an account wants to be told of its sessions. event_types is a JSON list. An endpoint that
-- is deleted stays until its deliveries have been dropped, a few at a time.
CREATE TABLE webhook_endpoints (
	account_id      TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
	id              TEXT COLLATE "C" NOT NULL UNIQUE,
	url             TEXT COLLATE "C" NOT NULL,
	description     TEXT COLLATE "C",
	event_types     TEXT COLLATE "C" NOT NULL,
	created_at      BIGINT NOT NULL,
	disabled_at     BIGINT,
	disabled_reason TEXT COLLATE "C",
	failing_since   BIGINT,
	last_failure_at BIGINT,
	deleted_at      BIGINT,
	PRIMARY KEY (account_id, id),
	CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
);
CREATE INDEX webhook_endpoints_deleted ON webhook_endpoints (deleted_at) WHERE deleted_at IS NOT NULL;

-- An endpoint's signing secrets, encrypted. The newest has no end; those before it sign beside it
-- until theirs.
CREATE TABLE webhook_secrets (
	account_id  TEXT COLLATE "C" NOT NULL,
	endpoint_id TEXT COLLATE "C" NOT NULL,
	id          TEXT COLLATE "C" NOT NULL,
	sealed      BYTEA NOT NULL,
	expires_at  BIGINT,
	PRIMARY KEY (account_id, endpoint_id, id),
	FOREIGN KEY (account_id, endpoint_id) REFERENCES webhook_endpoints (account_id, id)
);
CREATE INDEX webhook_secrets_expiry ON webhook_secrets (expires_at) WHERE expires_at IS NOT NULL;

-- One event on its way to one endpoint. due is when it wants attention again: its next try, or the
-- end of the lease of whoever is sending it; null once it is finished. attempts is a JSON list.
CREATE TABLE webhook_deliveries (
	account_id  TEXT COLLATE "C" NOT NULL,
	endpoint_id TEXT COLLATE "C" NOT NULL,
	id          TEXT COLLATE "C" NOT NULL UNIQUE,
	event_id    TEXT COLLATE "C" NOT NULL,
	event_type  TEXT COLLATE "C" NOT NULL,
	session_id  TEXT COLLATE "C",
	payload     TEXT COLLATE "C" NOT NULL,
	created_at  BIGINT NOT NULL,
	state       TEXT COLLATE "C" NOT NULL,
	tries       BIGINT NOT NULL,
	attempts    TEXT COLLATE "C" NOT NULL,
	due         BIGINT,
	finished_at BIGINT,
	fence       BIGINT NOT NULL,
	PRIMARY KEY (account_id, endpoint_id, id),
	FOREIGN KEY (account_id, endpoint_id) REFERENCES webhook_endpoints (account_id, id),
	CHECK ((due IS NULL) = (finished_at IS NOT NULL))
);
-- An event is told to an endpoint once, and a session has each kind of event once, whoever writes it.
CREATE UNIQUE INDEX webhook_deliveries_event ON webhook_deliveries (endpoint_id, event_id);
CREATE UNIQUE INDEX webhook_deliveries_session ON webhook_deliveries (session_id, endpoint_id, event_type) WHERE session_id IS NOT NULL;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, due) WHERE due IS NOT NULL;
CREATE INDEX webhook_deliveries_finished ON webhook_deliveries (finished_at) WHERE finished_at IS NOT NULL;
