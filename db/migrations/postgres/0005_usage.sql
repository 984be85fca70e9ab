-- +goose Up
-- All that counting places and adding up use read: minutes are counted at each create, and a
-- report of a year reads every session of it.
DROP INDEX sessions_ended;
CREATE INDEX sessions_ended ON sessions (account_id, ended_at, id, deadline, started_at, avatar_id);
