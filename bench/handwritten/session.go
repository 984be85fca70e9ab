package main

import (
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"greenroom/daily"
	"greenroom/models"
)

// columns are those of a page, with the avatar joined.
const columns = `SELECT s.id, s.revision, s.session_type, s.metadata, s.end_user_id, s.created_at, s.started_at, s.ended_at,
	s.end_reason, s.deadline, s.deadline_reason, s.expiration, s.max_duration, s.avatar_state, s.room_name, s.room_url, s.room_exp,
	a.id, a.name, a.url
	FROM sessions s JOIN avatars a ON a.account_id = s.account_id AND a.id = s.avatar_id`

// A row is those columns.
type row struct {
	id, sessionType, metadata, avatarState, roomName, roomURL, avatarID, avatarName, avatarURL string

	endUserID, endReason, deadlineReason                  sql.NullString
	startedAt, endedAt, deadline, expiration, maxDuration sql.NullInt64
	revision, createdAt, roomExp                          int64
}

func (r *row) scan(scan func(...any) error) error {
	return scan(&r.id, &r.revision, &r.sessionType, &r.metadata, &r.endUserID, &r.createdAt, &r.startedAt, &r.endedAt,
		&r.endReason, &r.deadline, &r.deadlineReason, &r.expiration, &r.maxDuration, &r.avatarState, &r.roomName, &r.roomURL, &r.roomExp,
		&r.avatarID, &r.avatarName, &r.avatarURL)
}

// settle ends a session whose deadline has passed, and names its status.
func (r *row) settle(now models.Time) (status string) {
	if !r.endedAt.Valid && r.deadline.Valid && r.deadline.Int64 <= int64(now) {
		r.endedAt, r.endReason, r.avatarState = r.deadline, r.deadlineReason, "GONE"
		r.revision++
	}
	switch {
	case r.endedAt.Valid:
		return "ENDED"
	case r.startedAt.Valid:
		return "STARTED"
	default:
		return "CREATED"
	}
}

func (h *handler) list(rows *sql.Rows, now models.Time) ([]byte, error) {
	defer func() { _ = rows.Close() }()
	out := append(make([]byte, 0, 40<<10), `{"data":{"sessions":{"nodes":[`...)
	for n := 0; rows.Next(); n++ {
		var r row
		if err := r.scan(rows.Scan); err != nil {
			return nil, err
		}
		if n > 0 {
			out = append(out, ',')
		}
		out = h.full(out, &r, now)
	}
	return append(out, `]}}}`...), rows.Err()
}

func (h *handler) single(found *sql.Row, now models.Time, write func([]byte, *row, models.Time) []byte) ([]byte, error) {
	var r row
	err := r.scan(found.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return []byte(`{"data":{"session":null}}`), nil
	} else if err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, 1<<10), `{"data":{"session":`...)
	return append(write(out, &r, now), `}}`...), nil
}

// full writes what Page and One ask for.
func (h *handler) full(out []byte, r *row, now models.Time) []byte {
	status := r.settle(now)
	out = text(append(out, `{"id":`...), r.id)
	out = strconv.AppendInt(append(out, `,"revision":`...), r.revision, 10)
	out = text(append(out, `,"status":`...), status)
	out = text(append(out, `,"sessionType":`...), r.sessionType)
	out = append(append(out, `,"metadata":`...), r.metadata...)
	out = nullText(append(out, `,"endUserId":`...), r.endUserID)
	out = instant(append(out, `,"createdAt":`...), r.createdAt)
	startBy := r.deadline
	startBy.Valid = startBy.Valid && status == "CREATED"
	out = nullInstant(append(out, `,"startBy":`...), startBy)
	out = nullInstant(append(out, `,"startedAt":`...), r.startedAt)
	out = nullInstant(append(out, `,"endedAt":`...), r.endedAt)
	out = nullInstant(append(out, `,"expiration":`...), r.expiration)
	out = nullInt(append(out, `,"maxDuration":`...), r.maxDuration)
	out = nullInt(append(out, `,"duration":`...), r.duration())
	out = nullText(append(out, `,"endReason":`...), r.endReason)
	out = text(append(out, `,"avatarState":`...), r.avatarState)
	out = r.avatar(append(out, `,"avatar":`...))
	return append(h.room(append(out, `,"dailyRoom":`...), r, now), '}')
}

// mobile writes what Mobile asks for.
func (h *handler) mobile(out []byte, r *row, now models.Time) []byte {
	out = text(append(out, `{"id":`...), r.id)
	out = text(append(out, `,"status":`...), r.settle(now))
	out = r.avatar(append(out, `,"avatar":`...))
	return append(h.room(append(out, `,"dailyRoom":`...), r, now), '}')
}

func (r *row) avatar(out []byte) []byte {
	out = text(append(out, `{"id":`...), r.avatarID)
	out = text(append(out, `,"name":`...), r.avatarName)
	out = text(append(out, `,"url":`...), r.avatarURL)
	return append(out, '}')
}

func (h *handler) room(out []byte, r *row, now models.Time) []byte {
	if r.roomURL == "" {
		return append(out, "null"...)
	}
	out = text(append(out, `{"url":`...), r.roomURL)
	out = append(text(append(out, `,"name":`...), r.roomName), `,"token":`...)
	if r.endedAt.Valid {
		return append(out, "null}"...)
	}
	issued := models.TimeOf(now.Std().Truncate(15 * time.Minute))
	token := daily.SignToken(h.options.DailyKey, daily.Claims{
		Room: r.roomName, DomainID: h.options.Domain, UserID: r.id,
		IssuedAt: issued, Expires: min(models.Time(r.roomExp), issued.Add(30*time.Minute)),
	})
	return append(text(out, token), '}')
}

func (r *row) duration() sql.NullInt64 {
	if !r.endedAt.Valid || !r.startedAt.Valid {
		return sql.NullInt64{Valid: r.endedAt.Valid}
	}
	return sql.NullInt64{Int64: max(0, r.endedAt.Int64-r.startedAt.Int64) / 1000, Valid: true}
}

// text writes a JSON string. Control characters, which no row of the benchmarks has, would need
// more.
func text(out []byte, s string) []byte {
	out = append(out, '"')
	for from := 0; ; {
		i := strings.IndexAny(s[from:], `"\\`)
		if i < 0 {
			return append(append(out, s[from:]...), '"')
		}
		out = append(append(out, s[from:from+i]...), '\\', s[from+i])
		from += i + 1
	}
}

func nullText(out []byte, s sql.NullString) []byte {
	if !s.Valid {
		return append(out, "null"...)
	}
	return text(out, s.String)
}

func instant(out []byte, ms int64) []byte {
	return time.UnixMilli(ms).UTC().AppendFormat(out, `"2006-01-02T15:04:05.000Z"`)
}

func nullInstant(out []byte, ms sql.NullInt64) []byte {
	if !ms.Valid {
		return append(out, "null"...)
	}
	return instant(out, ms.Int64)
}

func nullInt(out []byte, n sql.NullInt64) []byte {
	if !n.Valid {
		return append(out, "null"...)
	}
	return strconv.AppendInt(out, n.Int64, 10)
}
