package db

import (
	"math/bits"
	"strings"

	"greenroom/models"
)

// SessionColumns are columns of sessions that a reader wants, besides the id. Of what Settle
// changes when a deadline has passed, all that Settle needs is read with it.
type SessionColumns uint32

// The columns, each a bit; those of the same name in models.Session.
const (
	SessionAvatarID SessionColumns = 1 << iota
	SessionType
	SessionMetadata
	SessionEndUserID
	SessionCreatedAt
	SessionStartedAt
	SessionEndedAt
	SessionEndReason
	SessionDeadline
	SessionDeadlineReason
	SessionExpiration
	SessionMaxDuration
	SessionRevision
	SessionAvatarState
	SessionRoomName
	SessionRoomURL
	SessionRoomExp
)

// overdue are the columns that the passing of a deadline changes.
const overdue = SessionEndedAt | SessionEndReason | SessionRevision | SessionAvatarState

// toSettle are the columns that tell that it has passed.
const toSettle = SessionEndedAt | SessionDeadline | SessionDeadlineReason

// sessionColumns are the columns in the order of their bits, and where in a row each is put.
var sessionColumns = []column[SessionRow]{
	{"avatar_id", func(r *SessionRow, v value) { r.AvatarID = v.text }},
	{"session_type", func(r *SessionRow, v value) { r.SessionType = models.SessionType(v.text) }},
	{"metadata", func(r *SessionRow, v value) { r.Metadata = models.Metadata(v.text) }},
	{"end_user_id", func(r *SessionRow, v value) { r.EndUserID = textAt(v, &r.at.endUserID) }},
	{"created_at", func(r *SessionRow, v value) { r.CreatedAt = v.time() }},
	{"started_at", func(r *SessionRow, v value) { r.StartedAt = v.timeAt(&r.at.started) }},
	{"ended_at", func(r *SessionRow, v value) { r.EndedAt = v.timeAt(&r.at.ended) }},
	{"end_reason", func(r *SessionRow, v value) { r.EndReason = textAt(v, &r.at.endReason) }},
	{"deadline", func(r *SessionRow, v value) { r.Deadline = v.timeAt(&r.at.deadline) }},
	{"deadline_reason", func(r *SessionRow, v value) { r.DeadlineReason = textAt(v, &r.at.deadlineReason) }},
	{"expiration", func(r *SessionRow, v value) { r.Expiration = v.timeAt(&r.at.expiration) }},
	{"max_duration", func(r *SessionRow, v value) { r.MaxDuration = v.intAt(&r.at.maxDuration) }},
	{"revision", func(r *SessionRow, v value) { r.Revision = int(v.n) }},
	{"avatar_state", func(r *SessionRow, v value) { r.AvatarState = models.AvatarState(v.text) }},
	{"room_name", func(r *SessionRow, v value) { r.Room.Name = v.text }},
	{"room_url", func(r *SessionRow, v value) { r.Room.URL = v.text }},
	{"room_exp", func(r *SessionRow, v value) { r.Room.Exp = v.time() }},
}

// A SessionRow is a session of which only the selected columns are there, as it is at the time of
// reading, with its avatar when one was selected.
type SessionRow struct {
	models.Session
	// Avatar has no ID when the session's avatar is outside of the scope.
	Avatar AvatarRow
	// at is what the session's pointers point to: a row that is read again allocates nothing.
	at struct {
		started, ended, deadline, expiration models.Time
		endUserID                            string
		endReason, deadlineReason            models.EndReason
		maxDuration                          int
	}
}

// AvatarColumns are columns of avatars that a reader wants, besides the id.
type AvatarColumns uint32

// The columns, each a bit; those of the same name in models.Avatar.
const (
	AvatarID AvatarColumns = 1 << iota
	AvatarName
	AvatarURL
	AvatarCreatedAt
	AvatarArchivedAt
)

var avatarColumns = []column[AvatarRow]{
	{"id", func(r *AvatarRow, v value) { r.ID = v.text }},
	{"name", func(r *AvatarRow, v value) { r.Name = v.text }},
	{"url", func(r *AvatarRow, v value) { r.URL = v.text }},
	{"created_at", func(r *AvatarRow, v value) { r.CreatedAt = v.time() }},
	{"archived_at", func(r *AvatarRow, v value) { r.ArchivedAt = v.timeAt(&r.at.archived) }},
}

// An AvatarRow is an avatar of which only the selected columns are there.
type AvatarRow struct {
	models.Avatar
	at struct{ archived models.Time }
}

// A column is where a value of a row comes from, and where it goes.
type column[R any] struct {
	name string
	put  func(*R, value)
}

// A Selection is what to read of each row: made once, and used for every statement with the same
// columns.
type Selection[R any] struct {
	// columns and names are as in query; join, when there is one, follows the table.
	columns, names string
	join           string
	put            []func(*R, value)
	settles        bool
}

// SelectSessions selects columns of sessions and, unless avatars is 0, of the avatar of each.
func SelectSessions(columns SessionColumns, avatars AvatarColumns) *Selection[SessionRow] {
	s := &Selection[SessionRow]{settles: columns&overdue != 0}
	if s.settles {
		columns |= toSettle
	}
	s.add("id", "id", func(r *SessionRow, v value) { r.ID = v.text })
	for left := columns; left != 0; left &= left - 1 {
		c := sessionColumns[bits.TrailingZeros32(uint32(left))]
		s.add(c.name, c.name, c.put)
	}
	if avatars == 0 {
		return s
	}
	var joined []string
	for left := avatars | AvatarID; left != 0; left &= left - 1 {
		c := avatarColumns[bits.TrailingZeros32(uint32(left))]
		name := "shown_" + c.name
		joined = append(joined, c.name+" AS "+name)
		s.add(name, name, func(r *SessionRow, v value) { c.put(&r.Avatar, v) })
	}
	// No name that sessions have, too: conditions do not say whose column they mean.
	s.join = " LEFT JOIN (SELECT account_id AS shown_account, " + strings.Join(joined, ", ") +
		" FROM avatars) AS shown ON shown_account = account_id AND shown_id = avatar_id"
	return s
}

// SelectAvatars selects columns of avatars.
func SelectAvatars(columns AvatarColumns) *Selection[AvatarRow] {
	s := &Selection[AvatarRow]{}
	for left := columns | AvatarID; left != 0; left &= left - 1 {
		c := avatarColumns[bits.TrailingZeros32(uint32(left))]
		s.add(c.name, c.name, c.put)
	}
	return s
}

// Joins tells whether each session comes with its avatar.
func (s *Selection[R]) Joins() bool { return s.join != "" }

func (s *Selection[R]) add(column, name string, put func(*R, value)) {
	if len(s.put) > 0 {
		s.columns += ", "
		s.names += ", "
	}
	s.columns += column
	s.names += name
	s.put = append(s.put, put)
}

func (s *Selection[R]) fill(row *R, values []value) {
	for i, put := range s.put {
		put(row, values[i])
	}
}
