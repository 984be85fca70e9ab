package db_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"

	"greenroom/db"
	"greenroom/db/dbtest"
	"greenroom/models"
)

// A report reads nothing but its index, and no more of it than its range: a row of a session is
// wide, and an account may have very many.
func TestReportPlan(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.db")
	cluster := dbtest.Postgres(t)
	for name, engine := range map[string]struct {
		dsn     string
		open    gorm.Dialector
		prepare string
		explain string
		want    *regexp.Regexp
	}{
		"SQLite": {
			"sqlite:" + file, sqlite.Open(file), "PRAGMA optimize", "EXPLAIN QUERY PLAN ",
			regexp.MustCompile(`COVERING INDEX sessions_ended \(account_id=\? AND ended_at=\?\)[^$]*COVERING INDEX sessions_ended \(account_id=\? AND ended_at>\?\)`),
		},
		"Postgres": {
			cluster, postgres.Open(cluster), "VACUUM ANALYZE sessions", "EXPLAIN ",
			regexp.MustCompile(`Index Only Scan using sessions_ended`),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := dbtest.NewWorld(t, open(t, engine.dsn))
			first := w.Session(dbtest.Now, dbtest.Ended(dbtest.Now, dbtest.Now+1000))
			w.Insert(first)
			g, err := gorm.Open(engine.open)
			if err != nil {
				t.Fatal(err)
			}
			pool, err := g.DB()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = pool.Close() })
			const sessions, apart = 20_000, 60_000
			for _, statement := range []string{copies(t, g, sessions, apart), engine.prepare} {
				if err := g.Exec(statement).Error; err != nil {
					t.Fatal(err)
				}
			}
			end := dbtest.Now + sessions*apart
			query := engine.explain + strings.NewReplacer(
				"@account", "'"+w.Account.ID+"'", "@from", fmt.Sprint(int64(end)-86_400_000), "@to", fmt.Sprint(int64(end)),
				"@now", fmt.Sprint(int64(end)), "@avatars", fmt.Sprint(models.MaxReportAvatars),
			).Replace(db.Report)
			if plan := lines(t, g, query); !engine.want.MatchString(plan) {
				t.Errorf("the plan is\n%s", plan)
			}
		})
	}
}

// copies is a statement that copies the one session n times, each some milliseconds later.
func copies(t *testing.T, g *gorm.DB, n, apart int) string {
	t.Helper()
	types, err := g.Migrator().ColumnTypes("sessions")
	if err != nil {
		t.Fatal(err)
	}
	columns, values := make([]string, len(types)), make([]string, len(types))
	for i, column := range types {
		columns[i], values[i] = column.Name(), column.Name()
		switch column.Name() {
		case "id", "room_name":
			values[i] += " || n"
		case "created_at", "started_at", "ended_at":
			values[i] += fmt.Sprintf(" + n * %d", apart)
		}
	}
	return fmt.Sprintf("WITH RECURSIVE more (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM more WHERE n < %d)"+
		" INSERT INTO sessions (%s) SELECT %s FROM more, sessions", n, strings.Join(columns, ", "), strings.Join(values, ", "))
}

// lines are the last column of what a query answers.
func lines(t *testing.T, g *gorm.DB, query string) string {
	t.Helper()
	rows, err := g.WithContext(t.Context()).Raw(query).Rows()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for rows.Next() {
		values := make([]any, len(names))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		last, _ := values[len(values)-1].(*any)
		_, _ = fmt.Fprintln(&text, *last)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
