package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"greenroom/daily"
	"greenroom/db"
	"greenroom/failpoint"
	"greenroom/models"
)

const (
	// claimRooms bounds how many rooms one round takes, claimDeletes how many of those that
	// wait for Daily's slow DELETE bucket: a claim must not outlive its lease in a queue.
	claimRooms   = 16
	claimDeletes = 4
	// roomWithin bounds one try at one room, below the lease.
	roomWithin = 20 * time.Second
	// A deletion may wait for a place in Daily's DELETE rate, which is at most half a minute away:
	// that is no failure, so it does not count as one.
	deleteWithin = 90 * time.Second
	deleteLease  = 2 * time.Minute
	// giveUpRoom is how long a room may be tried for before its session is given up.
	giveUpRoom = 2 * time.Minute
	// forgetRoom is how long after its exp a room that cannot be deleted is left to Daily.
	forgetRoom = time.Hour

	// maxEjects is how often ejecting is tried before the room is deleted all the same.
	maxEjects = 3

	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
)

// reconcileRooms brings Daily in line with the sessions, round after round: rooms that a crash
// left unmade are made or given up, people are ejected from rooms of ended sessions, and those
// rooms deleted. Everything that it knows is in the rows, so any replica may do it at any time.
func (s *Service) reconcileRooms(ctx context.Context, wakeUp chan struct{}, limit int, states ...models.RoomState) {
	for {
		claimed, err := s.claim(ctx, states, limit)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.Log.Error("claim rooms", "error", err)
		}
		var round sync.WaitGroup
		for _, row := range claimed {
			round.Go(func() { s.reconcile(ctx, row) })
		}
		round.Wait()
		if len(claimed) == limit {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-wakeUp:
		case <-time.After(s.Timings.Sweep):
		}
	}
}

// claim takes rooms that want attention: until its lease runs out, nobody else works on them,
// and afterwards our outcome no longer counts.
func (s *Service) claim(ctx context.Context, states []models.RoomState, limit int) ([]*models.Session, error) {
	var claimed []*models.Session
	now := s.Clock()
	err := s.Store.Write(ctx, func(tx *db.Tx) error {
		rows, err := tx.DueRooms(states, now, limit)
		if err != nil {
			return err
		}
		for _, row := range rows {
			row.Room.Fence++
			row.Room.Due = now.Add(leaseOf(row)).Ptr()
			if err := tx.Swap(row); err != nil {
				return err
			}
		}
		claimed = rows
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim rooms: %w", err)
	}
	if len(claimed) > 0 {
		failpoint.Hit(failpoint.ClaimAfterCommit)
	}
	return claimed, nil
}

func leaseOf(row *models.Session) time.Duration {
	if row.Room.State == models.RoomDeleting {
		return deleteLease
	}
	return lease
}

// reconcile does the next thing for one claimed room.
func (s *Service) reconcile(ctx context.Context, row *models.Session) {
	within := roomWithin
	if row.Room.State == models.RoomDeleting {
		within = deleteWithin
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var err error
	switch row.Room.State {
	case models.RoomCreating:
		err = s.finishCreate(ctx, row)
	case models.RoomEjecting:
		s.noticeEnd(row)
		_, err = s.Daily.Eject(ctx, row.Room.Name, []string{row.RoomUserID(), row.AvatarUserID()}, true)
		failpoint.Hit(failpoint.EjectAfterCall)
		if refusal, ok := errors.AsType[*daily.Error](err); ok && !cutOff(ctx) && (refusal.Permanent() || row.Room.Tries >= maxEjects) {
			s.Log.Warn("people could not be ejected; deleting the room puts them out", "session", row.ID, "error", err)
			err = nil
		}
		err = s.outcome(ctx, row, err, models.RoomDeleting)
	case models.RoomDeleting:
		err = s.Daily.DeleteRoom(ctx, row.Room.Name)
		failpoint.Hit(failpoint.DeleteAfterCall)
		err = s.outcome(ctx, row, err, models.RoomGone)
	case models.RoomReady, models.RoomGone:
	}
	if err != nil && !cutOff(ctx) {
		s.Log.Error("reconcile room", "session", row.ID, "state", row.Room.State, "error", err)
	}
}

// cutOff tells whether this server stops: a call to Daily that fails then says nothing of Daily. A
// call that took too long is no such one.
func cutOff(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

// noticeEnd does for a session that has ended what its end began: whoever ended it may have died
// since. An operator's command has nobody to tell that it did.
func (s *Service) noticeEnd(row *models.Session) {
	if *row.EndReason == models.EndOperator {
		ended := *row
		s.Hub.Publish(&models.Change{AccountID: row.AccountID, After: &ended, Missed: true})
	}
	s.releaseAvatar(row)
	s.cancelStart(row.ID)
}

// finishCreate makes the room of a session whose creator has died, or gives the session up.
func (s *Service) finishCreate(ctx context.Context, row *models.Session) error {
	room, err := s.Daily.CreateRoom(ctx, daily.RoomSpec{Name: row.Room.Name, Exp: row.Room.Exp})
	failpoint.Hit(failpoint.CreateAfterRoom)
	if err == nil {
		_, err = s.roomReady(ctx, row, room.URL)
		return err
	}
	refusal, ok := errors.AsType[*daily.Error](err)
	if !cutOff(ctx) && (ok && refusal.Permanent() || s.Clock().Sub(row.CreatedAt) > giveUpRoom) {
		s.Log.Warn("no room for a session", "session", row.ID, "error", err)
		_, err := s.abandon(context.WithoutCancel(ctx), row)
		return err
	}
	return s.outcome(ctx, row, err, models.RoomCreating)
}

// outcome writes how a try at a claimed room went: on to the next state, or another try later; at
// once and by whoever comes first, when this server's stop has cut it off. A claim that has run out
// changes nothing.
func (s *Service) outcome(ctx context.Context, claimed *models.Session, failed error, next models.RoomState) error {
	now := s.Clock()
	err := s.Store.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		row, err := tx.Session(models.Scope{AccountID: claimed.AccountID}, claimed.ID)
		if err != nil {
			return err
		}
		if row.Room.Fence != claimed.Room.Fence {
			return nil
		}
		switch {
		case failed != nil && cutOff(ctx):
			row.Room.Due = now.Ptr()
		case failed != nil && now < row.Room.Exp.Add(forgetRoom):
			row.Room.Tries++
			row.Room.Due = now.Add(backoff(row.Room.Tries)).Ptr()
		case failed != nil:
			s.Log.Error("a room could not be deleted before Daily closed it", "session", row.ID, "error", failed)
			row.Room.State, row.Room.Due = models.RoomGone, nil
		case next == models.RoomGone && row.Room.DeleteAgain:
			row.Room.DeleteAgain = false
			row.Room.Due, row.Room.Tries = now.Add(veryLateRoom).Ptr(), 0
		case next == models.RoomGone:
			row.Room.State, row.Room.Due = next, nil
		default:
			row.Room.State, row.Room.Due, row.Room.Tries = next, now.Ptr(), 0
		}
		return tx.Swap(row)
	})
	if err != nil {
		return fmt.Errorf("room of session %s: %w", claimed.ID, err)
	}
	if next == models.RoomDeleting {
		wake(s.wakeDelete)
	}
	return nil
}

// backoff doubles from a second to five minutes, half of it at random.
func backoff(tries int) time.Duration {
	d := min(firstRetry<<min(tries-1, 10), lastRetry)
	return d/2 + rand.N(d/2) //nolint:gosec // G404: jitter, not a secret
}

// remakeRooms makes rooms of live sessions that Daily does not know again, under their old
// names: after Daily, or its emulator, has lost them.
func (s *Service) remakeRooms(ctx context.Context) error {
	// The sessions first: the room of one that is made meanwhile is then no surprise.
	missing := map[string]*models.Session{}
	for after := ""; ; {
		live, err := s.Store.LiveSessions(ctx, after, s.Clock(), sweepBatch)
		if err != nil {
			return err
		}
		if len(live) == 0 {
			break
		}
		for _, row := range live {
			if row.Room.State == models.RoomReady && row.Room.Exp > s.Clock() {
				missing[row.Room.Name] = row
			}
		}
		after = live[len(live)-1].ID
	}
	if len(missing) == 0 {
		return nil
	}
	for room, err := range s.Daily.Rooms(ctx) {
		if err != nil {
			return fmt.Errorf("list rooms: %w", err)
		}
		delete(missing, room.Name)
	}
	var failed error
	for _, row := range missing {
		if err := s.remakeRoom(ctx, row); err != nil {
			failed = errors.Join(failed, fmt.Errorf("make the room of session %s again: %w", row.ID, err))
		}
	}
	return failed
}

// remakeRoom makes the room of one session again, unless it has ended meanwhile.
func (s *Service) remakeRoom(ctx context.Context, row *models.Session) error {
	if now, err := s.stored(ctx, row.ID); err != nil || now.EndedAt != nil {
		return err
	}
	room, err := s.Daily.CreateRoom(ctx, daily.RoomSpec{Name: row.Room.Name, Exp: row.Room.Exp})
	if err != nil {
		return err
	}
	s.Log.Info("a room that Daily had lost was made again", "session", row.ID)
	now, err := s.remember(ctx, row, room.URL)
	if err != nil || now.EndedAt == nil {
		return err
	}
	// The end came between: its DELETE found no room then.
	return s.Daily.DeleteRoom(ctx, row.Room.Name)
}

// remember writes the address of a room that was made again, where it has changed.
func (s *Service) remember(ctx context.Context, of *models.Session, url string) (*models.Session, error) {
	var after *models.Session
	err := s.Store.Write(ctx, func(tx *db.Tx) error {
		row, err := tx.Session(models.Scope{AccountID: of.AccountID}, of.ID)
		if err != nil {
			return err
		}
		after = row
		if row.Room.URL == url || row.EndedAt != nil {
			return nil
		}
		row.Room.URL = url
		row.Revision++
		return tx.Swap(row)
	})
	return after, err
}
