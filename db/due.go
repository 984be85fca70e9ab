package db

import (
	"database/sql"
	"slices"
	"strings"

	"greenroom/models"
)

// A session is ended when its end is written or its deadline has passed. These fragments say so
// for every filter, count, limit and move; models.Session.Settle says the same of a row that
// has been read. @now is the operation's instant.
const (
	isEnded   = "(ended_at IS NOT NULL OR deadline <= @now)"
	isLive    = "(ended_at IS NULL AND (deadline IS NULL OR deadline > @now))"
	endedAt   = "(CASE WHEN ended_at IS NULL AND deadline <= @now THEN deadline ELSE ended_at END)"
	endReason = "(CASE WHEN ended_at IS NULL AND deadline <= @now THEN deadline_reason ELSE end_reason END)"
)

var hasStatus = map[models.SessionStatus]string{
	models.StatusCreated: "(" + isLive + " AND started_at IS NULL)",
	models.StatusStarted: "(" + isLive + " AND started_at IS NOT NULL)",
	models.StatusEnded:   isEnded,
}

// live keeps sessions that hold a place at now.
func (c conditions) live(now models.Time) conditions {
	return c.and("ended_at IS NULL").at(now, isLive) // said by itself, an index can serve it
}

// statusIn keeps sessions that have one of the statuses at now.
func (c conditions) statusIn(statuses []models.SessionStatus, now models.Time) conditions {
	if !slices.Contains(statuses, models.StatusEnded) {
		c = c.and("ended_at IS NULL") // said by itself, an index can serve it
	}
	var either []string
	for _, s := range statuses {
		if has, ok := hasStatus[s]; ok {
			either = append(either, has)
		}
	}
	if len(either) == 0 {
		return c.and("1 = 0")
	}
	return c.at(now, "("+strings.Join(either, " OR ")+")")
}

// endReasonIn keeps sessions that have ended for one of the reasons at now.
func (c conditions) endReasonIn(reasons []models.EndReason, now models.Time) conditions {
	return c.at(now, endReason+" IN @reasons", sql.Named("reasons", reasons))
}

// settled gives rows as they are at now.
func settled(rows []*models.Session, now models.Time) []*models.Session {
	for _, s := range rows {
		s.Settle(now)
	}
	return rows
}
