package session

import (
	"context"
	"errors"
	"time"

	"greenroom/avatarserver"
	"greenroom/db"
	"greenroom/models"
)

const (
	// sweepBatch is how many sessions one transaction of the sweep ends.
	sweepBatch = 200
	// forgetEvery is the time between two looks at expired idempotency keys.
	forgetEvery = time.Minute
	// missEvery is the time between two looks for sessions that no avatar server carries. The
	// first comes this long after the start: avatar servers dial in meanwhile.
	missEvery = 20 * time.Second
)

// Run does the service's work until Shutdown: it sweeps deadlines, keeps rooms in line with
// Daily, and seeks avatars for sessions that lost theirs. It returns when the first look at the
// database has worked; Daily may be down.
func (s *Service) Run(ctx context.Context) error {
	if err := s.recallDomain(ctx); err != nil {
		return err
	}
	s.inBackground(func() { s.sweepForever(s.stopped) })
	s.inBackground(func() {
		s.reconcileRooms(s.stopped, s.wakeRooms, claimRooms, models.RoomCreating, models.RoomEjecting)
	})
	s.inBackground(func() { s.reconcileRooms(s.stopped, s.wakeDelete, claimDeletes, models.RoomDeleting) })
	s.inBackground(func() { s.meetDaily(s.stopped) })
	s.inBackground(func() { s.missAvatars(s.stopped) })
	return nil
}

// Drain takes nothing new: creates and starts are refused from now on, and whoever waits for an
// avatar is told to ask again.
func (s *Service) Drain() { s.drain.Do(func() { close(s.drained) }) }

func (s *Service) draining() bool {
	select {
	case <-s.drained:
		return true
	default:
		return false
	}
}

// Shutdown stops the work in the background and waits for it, at most until ctx ends. What was
// under way is taken up by the next run.
func (s *Service) Shutdown(ctx context.Context) error {
	s.Drain()
	s.gate.Lock()
	s.stop()
	s.gate.Unlock()
	done := make(chan struct{})
	go func() {
		s.background.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// meetDaily learns the domain and makes lost rooms again; it tries until both have worked.
func (s *Service) meetDaily(ctx context.Context) {
	for tries := 1; ctx.Err() == nil; tries++ {
		err := s.knowDomain(ctx)
		if err == nil {
			err = s.remakeRooms(ctx)
		}
		if err == nil {
			return
		}
		if ctx.Err() == nil {
			s.Log.Warn("the room provider cannot be reached yet", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(backoff(tries)):
		}
	}
}

// missAvatars counts as lost what no avatar server carries although it should: those of a
// server that never came back after a restart of this one, and those that were released because
// the database failed in between.
func (s *Service) missAvatars(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(missEvery):
		}
		if err := s.missOnce(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("look for missing avatars", "error", err)
		}
	}
}

func (s *Service) missOnce(ctx context.Context) error {
	for after := ""; ; {
		live, err := s.Store.LiveSessions(ctx, after, s.Clock(), sweepBatch)
		if err != nil || len(live) == 0 {
			return err
		}
		for _, row := range live {
			ref := avatarserver.Ref{SessionID: row.ID, Generation: row.Assignment.Generation}
			if positionOf(row) == ready && !s.AvatarServers.Carries(ref) {
				s.Lost(ctx, row.Assignment.Server, ref)
			}
		}
		after = live[len(live)-1].ID
	}
}

func (s *Service) sweepForever(ctx context.Context) {
	tick := time.NewTicker(s.Timings.Sweep)
	defer tick.Stop()
	forget := time.NewTicker(forgetEvery)
	defer forget.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-forget.C:
			s.forgetKeys(ctx)
		case <-tick.C:
			if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
				s.Log.Error("sweep", "error", err)
			}
		}
	}
}

func (s *Service) forgetKeys(ctx context.Context) {
	err := s.Store.Write(ctx, func(tx *db.Tx) error { return tx.DropIdempotencyKeys(s.Clock()) })
	if err != nil && ctx.Err() == nil {
		s.Log.Error("forget idempotency keys", "error", err)
	}
}

// Sweep writes the ends of sessions whose deadline has passed, and looks after those that wait
// for an avatar. It changes nothing that a reader could see: due sessions read as ended already.
func (s *Service) Sweep(ctx context.Context) error {
	return errors.Join(s.sweepDue(ctx), s.sweepConnecting(ctx), s.sweepLost(ctx))
}

func (s *Service) sweepDue(ctx context.Context) error {
	for {
		now := s.Clock()
		due, err := s.Store.DueSessions(ctx, now, sweepBatch)
		if err != nil || len(due) == 0 {
			return err
		}
		var ended []*models.Session
		err = s.Store.Write(ctx, func(tx *db.Tx) error {
			ended = nil
			for _, d := range due {
				row, err := tx.Session(models.Scope{AccountID: d.AccountID}, d.ID)
				if err != nil {
					return err
				}
				overdue, err := settle(tx, row, now)
				if err != nil {
					return err
				}
				if !overdue {
					continue
				}
				if err := tx.Swap(row); err != nil {
					return err
				}
				ended = append(ended, row)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, row := range ended {
			s.after(row)
		}
		if len(due) < sweepBatch {
			return nil
		}
	}
}

// sweepConnecting gives up searches that nobody here carries on: their server died.
func (s *Service) sweepConnecting(ctx context.Context) error {
	now := s.Clock()
	stale, err := s.Store.WaitingSessions(ctx, models.AvatarConnecting, now.Add(-s.Timings.GiveUpAfter), now, sweepBatch)
	if err != nil {
		return err
	}
	for _, row := range stale {
		s.releaseAvatar(row)
		if err := s.giveUp(row); err != nil {
			return err
		}
	}
	return nil
}

// sweepLost seeks avatars for sessions that lost theirs, and ends those whose grace is over.
func (s *Service) sweepLost(ctx context.Context) error {
	now := s.Clock()
	losers, err := s.Store.WaitingSessions(ctx, models.AvatarLost, now, now, sweepBatch)
	if err != nil {
		return err
	}
	for _, row := range losers {
		if now.Sub(*row.Assignment.Since) < s.Timings.LostGrace {
			s.search(row, models.ActorSystem)
			continue
		}
		scope := models.Scope{AccountID: row.AccountID}
		if _, err := s.endAs(ctx, scope, row.ID, now, models.EndAvatarLost, models.ActorSystem); err != nil {
			return err
		}
	}
	return nil
}
