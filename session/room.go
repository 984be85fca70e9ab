package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"greenroom/daily"
	"greenroom/db"
	"greenroom/failpoint"
	"greenroom/models"
)

const (
	// roomSlack is what a room lasts beyond its session's longest possible life: a start at the
	// last moment, and people saying good-bye.
	roomSlack = 150*time.Second + 5*time.Minute
	// unlimitedRoom is how long a room lasts whose session nothing limits.
	unlimitedRoom = 24 * time.Hour
	// tokenStep is how long reads show the same meeting token, tokenLife how long it opens the
	// room.
	tokenStep = 15 * time.Minute
	tokenLife = 30 * time.Minute
)

// roomName is the session's own, so that a room can be adopted after a lost reply.
func (s *Service) roomName(sessionID string) string {
	return s.roomPrefix() + strings.ToLower(models.ULID(sessionID))
}

// roomPrefix is what the names of this installation's rooms begin with, and no other's: an
// environment's name has no dash.
func (s *Service) roomPrefix() string { return s.RoomPrefix + "-s-" }

// roomExp is when Daily closes the room at the latest, even when this server is dead: a whole
// second, as Daily keeps it.
func (s *Service) roomExp(created models.Time, granted *int) models.Time {
	life := unlimitedRoom
	if granted != nil {
		life = time.Duration(*granted) * time.Second
	}
	exp := created.Add(s.Timings.StartWindow + life + roomSlack + time.Second - 1)
	return exp - exp%1000
}

// DailyRoom is a session's room as its reader sees it; nil while it is being made, and when it
// could not be made. The token is signed here: no read calls Daily.
func (s *Service) DailyRoom(ctx context.Context, of *models.Session) *models.DailyRoom {
	if !of.Room.Shown() {
		return nil
	}
	room := &models.DailyRoom{URL: of.Room.URL, Name: of.Room.Name, Exp: of.Room.Exp}
	if t, ok := s.RoomToken(of, s.Clock.Now(ctx)); ok {
		token := string(t.AppendTo(nil))
		room.Token, room.TokenExpiresAt = &token, &t.claims.Expires
	}
	return room
}

// A RoomToken is a meeting token that has not been signed yet.
type RoomToken struct {
	key    string
	claims daily.Claims
}

// RoomToken is the token with which people come into a session's room; false once the session has
// ended, and until the domain is known.
func (s *Service) RoomToken(of *models.Session, now models.Time) (RoomToken, bool) {
	if of.EndedAt != nil {
		return RoomToken{}, false
	}
	return s.roomToken(of, of.RoomUserID(), now)
}

// roomToken is the same string for a quarter of an hour, so that neither a refetch nor a push makes
// anybody rejoin.
func (s *Service) roomToken(of *models.Session, userID string, now models.Time) (RoomToken, bool) {
	domain := s.domainID.Load()
	if domain == nil {
		return RoomToken{}, false
	}
	issued := TokenIssued(now)
	return RoomToken{s.DailyKey, daily.Claims{
		Room: of.Room.Name, DomainID: *domain, UserID: userID,
		IssuedAt: issued, Expires: min(of.Room.Exp, issued.Add(tokenLife)),
	}}, true
}

// TokenIssued is the beginning of the quarter of an hour that holds now: a session's tokens of one
// quarter are the same string.
func TokenIssued(now models.Time) models.Time { return models.TimeOf(now.Std().Truncate(tokenStep)) }

// Expires is when the token stops opening the room.
func (t *RoomToken) Expires() models.Time { return t.claims.Expires }

// AppendTo signs the token and appends it.
func (t *RoomToken) AppendTo(b []byte) []byte { return daily.AppendToken(b, t.key, t.claims) }

// knowDomain asks Daily for the domain's id, once; the database remembers it, so that a restart
// while Daily is down can still sign tokens.
func (s *Service) knowDomain(ctx context.Context) error {
	if s.domainID.Load() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timings.CreateWithin)
	defer cancel()
	domain, err := s.Daily.Domain(ctx)
	if err != nil {
		s.Log.Warn("the room provider does not tell its domain", "error", err)
		return models.Unavailable("the room provider does not answer", retryCreate)
	}
	err = s.Store.Write(ctx, func(tx *db.Tx) error {
		return tx.PutSetting(db.SettingDailyDomainID, domain.ID)
	})
	if err != nil {
		return fmt.Errorf("remember the domain: %w", err)
	}
	s.domainID.Store(&domain.ID)
	return nil
}

// recallDomain takes the domain's id from the database, when an earlier run has learnt it.
func (s *Service) recallDomain(ctx context.Context) error {
	id, err := s.Store.Setting(ctx, db.SettingDailyDomainID)
	if errors.Is(err, models.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	s.domainID.Store(&id)
	return nil
}

// Readiness tells whether sessions can be created: nil when the room provider is known and this
// server is not shutting down.
func (s *Service) Readiness() error {
	switch {
	case s.draining():
		return errors.New("draining")
	case s.domainID.Load() == nil:
		return errors.New("the room provider has not answered yet")
	default:
		return nil
	}
}

// roomReady writes that the room is there, for whoever still holds the claim. A session that has
// ended meanwhile is answered as it is, and its room deleted at once.
func (s *Service) roomReady(ctx context.Context, claimed *models.Session, url string) (*models.Session, error) {
	now := s.Clock()
	var after *models.Session
	var overdue bool
	err := s.Store.Write(ctx, func(tx *db.Tx) error {
		row, err := tx.Session(models.Scope{AccountID: claimed.AccountID}, claimed.ID)
		if err != nil {
			return err
		}
		after = row
		if overdue, err = settle(tx, row, now); err != nil {
			return err
		}
		switch {
		case row.EndedAt != nil && row.Room.State == models.RoomDeleting:
			row.Room.URL, row.Room.Due = url, now.Ptr()
		case row.Room.State == models.RoomCreating && row.Room.Fence == claimed.Room.Fence:
			row.Room.State, row.Room.URL, row.Room.Due, row.Room.Tries = models.RoomReady, url, nil, 0
			row.Revision++
			if err := record(tx, row, models.EventRoomReady, now, models.ActorSystem); err != nil {
				return err
			}
		case overdue:
			// Somebody else has made the room; the end, which is on the timeline now, is ours to write.
		default:
			// Somebody else has finished it: the row says how.
			return nil
		}
		failpoint.Hit(failpoint.RoomBeforeCommit)
		return tx.Swap(row)
	})
	if err != nil {
		return nil, fmt.Errorf("room of session %s: %w", claimed.ID, err)
	}
	failpoint.Hit(failpoint.RoomAfterCommit)
	if overdue {
		s.after(after)
	}
	if after.EndedAt != nil {
		wake(s.wakeDelete)
	}
	return after, nil
}

// abandon ends a session whose room could not be made: the place is free, the key unused. The
// room may still come late, so it is deleted after a while. It tells whether it did: not when the
// session has ended otherwise, or somebody else holds the claim by now.
func (s *Service) abandon(ctx context.Context, claimed *models.Session) (bool, error) {
	now := s.Clock()
	var after *models.Session
	var failed, overdue bool
	err := s.Store.Write(ctx, func(tx *db.Tx) error {
		failed = false
		row, err := tx.Session(models.Scope{AccountID: claimed.AccountID}, claimed.ID)
		if err != nil {
			return err
		}
		after = row
		overdue, err = settle(tx, row, now)
		switch {
		case err != nil:
			return err
		case overdue:
			return tx.Swap(row)
		case row.EndedAt != nil || row.Room.Fence != claimed.Room.Fence:
			return nil
		}
		failed = true
		if err := finish(tx, row, now, now, models.EndProvisionFailed, models.ActorSystem); err != nil {
			return err
		}
		if err := tx.UnbindIdempotencyKey(row.AccountID, row.ID); err != nil {
			return err
		}
		return tx.Swap(row)
	})
	if err != nil {
		return false, fmt.Errorf("abandon session %s: %w", claimed.ID, err)
	}
	if overdue {
		s.after(after)
	}
	if failed {
		s.Observe("ended", models.EndProvisionFailed)
	}
	return failed, nil
}
