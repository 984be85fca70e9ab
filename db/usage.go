package db

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"gorm.io/gorm/clause"

	"greenroom/models"
)

// used are the sessions that ran between @from and @to, each with the instant since when it did
// and the whole seconds that it did; running ones count up to @now. Whatever is said of an
// account's use is a sum over these rows.
const (
	used = "SELECT avatar_id, " + since + " AS since, (" + cutTo + " - " + since + ") / 1000 AS seconds" +
		" FROM (" + some + "IS NULL UNION ALL " + some + "> @from) AS either" + // not OR: each half has its index
		" WHERE started_at IS NOT NULL AND started_at < @to AND " + cutTo + " > " + since
	until = "COALESCE(" + endedAt + ", @now)"
	cutTo = "(CASE WHEN " + until + " > @to THEN @to ELSE " + until + " END)"
	since = "(CASE WHEN started_at < @from THEN @from ELSE started_at END)"
	some  = "SELECT avatar_id, started_at, ended_at, deadline FROM sessions WHERE account_id = @account AND ended_at "
)

// UsedSeconds is what the account's sessions used between from and to, each cut to whole
// seconds; running ones count up to now.
func (s *Store) UsedSeconds(ctx context.Context, accountID string, from, to, now models.Time) (int, error) {
	var seconds int
	err := s.reader.WithContext(ctx).Raw(usedTotal, usedBy(accountID, from, to, now)...).Scan(&seconds).Error
	if err != nil {
		return 0, fmt.Errorf("used seconds: %w", translate(err))
	}
	return seconds, nil
}

// UsedSeconds is what the account's sessions used between from and to, each cut to whole
// seconds; running ones count up to now.
func (t *Tx) UsedSeconds(accountID string, from, to, now models.Time) (int, error) {
	total := t.statement()
	clause.NamedExpr{SQL: usedTotal, Vars: usedBy(accountID, from, to, now)}.Build(total)
	found, err := t.first(total, 1)
	if err != nil {
		return 0, fmt.Errorf("used seconds: %w", err)
	}
	return int(found[0].n), nil
}

const usedTotal = "SELECT CAST(COALESCE(SUM(seconds), 0) AS BIGINT) FROM (" + used + ") AS used"

// report sums used twice, for spans of days and for the first avatars, in one statement: two
// would see two states of the table, and their sums could differ. A second belongs to the day
// in which it begins. Sessions are grouped by their first and last day, not spread over days:
// most end on the day of their start or the next, so the groups are few however many they are.
const report = "WITH used AS MATERIALIZED (" + used + ")," +
	" days AS (SELECT seconds, since / 86400000 AS first_day," +
	" (since + (CASE WHEN seconds > 0 THEN seconds - 1 ELSE 0 END) * 1000) / 86400000 AS last_day," +
	" (86400999 - since % 86400000) / 1000 AS left_of_day FROM used)" +
	" SELECT '' AS avatar_id, 0 AS avatars, first_day, last_day, COUNT(*) AS sessions, CAST(SUM(seconds) AS BIGINT) AS seconds," +
	" CAST(SUM(CASE WHEN seconds < left_of_day THEN seconds ELSE left_of_day END) AS BIGINT) AS first_day_seconds" +
	" FROM days GROUP BY first_day, last_day" +
	" UNION ALL SELECT * FROM (SELECT avatar_id, COUNT(*) OVER (), 0, 0, COUNT(*), CAST(SUM(seconds) AS BIGINT), 0" +
	" FROM used GROUP BY avatar_id ORDER BY SUM(seconds) DESC, COUNT(*) DESC, avatar_id DESC LIMIT @avatars) AS first"

// UsageReport is what the account's sessions used between from and to, by the same rule as
// UsedSeconds, by day and by avatar.
func (s *Store) UsageReport(ctx context.Context, accountID string, from, to, now models.Time) (*models.UsageReport, error) {
	var rows []struct {
		AvatarID string
		Avatars  int
		models.UsageSpan
	}
	values := append(usedBy(accountID, from, to, now), sql.Named("avatars", models.MaxReportAvatars))
	if err := s.reader.WithContext(ctx).Raw(report, values...).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("usage report: %w", translate(err))
	}
	var (
		spans []models.UsageSpan
		first []*models.UsageAvatar
		all   int
	)
	for _, row := range rows {
		if row.AvatarID == "" {
			spans = append(spans, row.UsageSpan)
			continue
		}
		first = append(first, &models.UsageAvatar{AvatarID: row.AvatarID, Sessions: row.Sessions, Seconds: row.Seconds})
		all = row.Avatars
	}
	// The halves of a UNION come in no promised order.
	slices.SortFunc(first, func(a, b *models.UsageAvatar) int {
		return cmp.Or(cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(b.Sessions, a.Sessions), cmp.Compare(b.AvatarID, a.AvatarID))
	})
	return models.NewUsageReport(from, to, spans, first, all), nil
}

func usedBy(accountID string, from, to, now models.Time) []any {
	return []any{
		sql.Named("account", accountID), sql.Named("from", int64(from)),
		sql.Named("to", int64(to)), sql.Named("now", int64(now)),
	}
}
