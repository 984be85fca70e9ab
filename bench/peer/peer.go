// Package peer is what servers that Greenroom is compared with have in common: how they are
// started, whom they let in, and what a session's room looks like. None of it is on the path that
// is compared, but for the token, which everybody signs alike.
package peer

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"greenroom/daily"
	"greenroom/models"
)

// Options are a peer's command line.
type Options struct {
	Database string `required:"" help:"sqlite:FILE or postgres://…, made by Greenroom."`
	Account  string `help:"The one account's id."`
	Key      string `help:"The one API key, all that callers need."`
	DailyURL string `name:"daily-url" help:"An emulated Daily."`
	DailyKey string `default:"dev" help:"Its key, which signs tokens too."`
	Domain   string `help:"Its domain's id."`
}

// SQLite tells whether the database is a file, and gives the DSN of mattn/go-sqlite3 with the
// settings that Greenroom's writer has: commits survive a power cut on both sides.
func (o *Options) SQLite() (dsn string, ok bool) {
	file, ok := strings.CutPrefix(o.Database, "sqlite:")
	return "file:" + file + "?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000&_foreign_keys=on", ok
}

// Rooms is a client of the emulated Daily with its rates lifted, as Greenroom's are.
func (o *Options) Rooms() (*daily.Client, error) {
	unlimited := daily.Rate{Count: -1}
	return daily.New(daily.Config{URL: o.DailyURL, Key: o.DailyKey, Calls: unlimited, Deletes: unlimited})
}

// Serve answers on a free port of loopback until ctx ends, and writes a line with its address to
// out first.
func (o *Options) Serve(ctx context.Context, out io.Writer, h http.Handler) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: o.letIn(h), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	if err := json.NewEncoder(out).Encode(map[string]string{"url": "http://" + l.Addr().String()}); err != nil {
		return errors.Join(err, l.Close())
	}
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// letIn asks for the key where GraphQL is, but not a WebSocket, whose key comes later or not at all.
func (o *Options) letIn(h http.Handler) http.Handler {
	want := []byte("Bearer " + o.Key)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/graphql" && r.Header.Get("Upgrade") == "" && subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// Now is the present.
func Now() models.Time { return models.SystemClock() }

// Room is a session's room as Greenroom shows it; nil while there is none.
func (o *Options) Room(of *models.Session, now models.Time) *models.DailyRoom {
	if of.Room.URL == "" {
		return nil
	}
	room := &models.DailyRoom{URL: of.Room.URL, Name: of.Room.Name, Exp: of.Room.Exp}
	if of.EndedAt == nil {
		issued := models.TimeOf(now.Std().Truncate(15 * time.Minute))
		expires := min(of.Room.Exp, issued.Add(30*time.Minute))
		token := daily.SignToken(o.DailyKey, daily.Claims{
			Room: of.Room.Name, DomainID: o.Domain, UserID: of.RoomUserID(), IssuedAt: issued, Expires: expires,
		})
		room.Token, room.TokenExpiresAt = &token, &expires
	}
	return room
}

// NewSession is a session of the account that waits to be started for a day, as Greenroom's
// create makes it; its room is still to be made.
func NewSession(accountID, avatarID string, now models.Time) *models.Session {
	never := models.EndNeverStarted
	id := models.NewID(models.SessionPrefix, now)
	return &models.Session{
		AccountID: accountID, ID: id, AvatarID: avatarID, SessionType: models.WebRTCVideo,
		Metadata: models.EmptyMetadata, CreatedAt: now,
		Deadline: now.Add(24 * time.Hour).Ptr(), DeadlineReason: &never,
		Revision: 1, Version: 1, AvatarState: models.AvatarWaiting, TokenGeneration: 1,
		Room: models.Room{
			State: models.RoomCreating, Name: fmt.Sprintf("prod-s-%s", strings.ToLower(models.ULID(id))),
			Exp: wholeSecond(now.Add(48 * time.Hour)),
		},
	}
}

// wholeSecond is how Daily keeps times.
func wholeSecond(t models.Time) models.Time { return t - t%1000 }
