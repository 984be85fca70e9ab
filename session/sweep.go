package session

import (
	"context"
	"errors"
	"fmt"
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
	// keepVigil is beyond every grace. A wait that goes on for longer is counted anew.
	keepVigil = 2 * time.Hour
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
	s.inBackground(func() { s.checkRooms(s.stopped) })
	s.inBackground(func() { s.pollPresence(s.stopped) })
	s.inBackground(func() { s.sweepOrphans(s.stopped) })
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
		started, err := s.Store.StartedSessions(ctx, after, s.Clock(), sweepBatch)
		if err != nil || len(started) == 0 {
			return err
		}
		for _, row := range started {
			ref := avatarserver.Ref{SessionID: row.ID, Generation: row.Assignment.Generation}
			if positionOf(row) == ready && !s.AvatarServers.Carries(ref) {
				s.Lost(ctx, row.Assignment.Server, ref)
			}
		}
		after = started[len(started)-1].ID
	}
}

func (s *Service) sweepForever(ctx context.Context) {
	forget := time.NewTicker(forgetEvery)
	defer forget.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-forget.C:
			s.forgetKeys(ctx)
			s.vigil.forget(keepVigil)
		case <-time.After(s.untilDue(ctx)):
			if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
				s.Log.Error("sweep", "error", err)
			}
		}
	}
}

// untilDue is how long the sweep may rest: until the next deadline, so that it is told at its
// instant, and never longer than the sweep's interval.
func (s *Service) untilDue(ctx context.Context) time.Duration {
	next, err := s.Store.NextDue(ctx)
	if err != nil || next == nil {
		return s.Timings.Sweep // a database that fails is reported by the sweep
	}
	if rest := next.Sub(s.Clock()); rest > 0 {
		return min(rest, s.Timings.Sweep)
	}
	// It came due while the last sweep ran, or that could not have it: somebody held the row.
	return s.Timings.Sweep
}

func (s *Service) forgetKeys(ctx context.Context) {
	err := s.Store.Write(ctx, func(tx *db.Tx) error { return tx.DropIdempotencyKeys(s.Clock()) })
	if err != nil && ctx.Err() == nil {
		s.Log.Error("forget idempotency keys", "error", err)
	}
}

// Sweep writes the ends of sessions whose deadline has passed, and looks after those that wait
// for an avatar. Due sessions read as ended already; what a reader can see of it is a warning.
func (s *Service) Sweep(ctx context.Context) error {
	return errors.Join(s.sweepDue(ctx), s.warn(ctx), s.sweepConnecting(ctx), s.sweepLost(ctx))
}

func (s *Service) sweepDue(ctx context.Context) error {
	for {
		ended, err := s.endDue(ctx)
		for _, row := range ended {
			s.after(row)
		}
		if err != nil {
			return errors.Join(err, s.sweepDueOneByOne(ctx))
		}
		if len(ended) < sweepBatch {
			return nil
		}
	}
}

// endDue ends many due sessions with one commit. Those that somebody holds are passed over: the
// next sweep finds them.
func (s *Service) endDue(ctx context.Context) ([]*models.Session, error) {
	var ended []*models.Session
	now := s.Clock()
	err := s.Store.Write(ctx, func(tx *db.Tx) error {
		due, err := tx.DueSessions(now, sweepBatch)
		if err != nil {
			return err
		}
		for _, row := range due {
			if _, err := settle(tx, row, now); err != nil {
				return err
			}
			if err := tx.Swap(row); err != nil {
				return err
			}
		}
		ended = due
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("end due sessions: %w", err)
	}
	return ended, nil
}

// sweepDueOneByOne is for a batch that failed: the one session at fault fails alone.
func (s *Service) sweepDueOneByOne(ctx context.Context) error {
	due, err := s.Store.DueSessions(ctx, s.Clock(), sweepBatch)
	if err != nil {
		return err
	}
	var failed error
	for _, row := range due {
		_, err := s.endAs(ctx, models.Scope{AccountID: row.AccountID}, row.ID, *row.DeadlineReason, models.ActorSystem)
		failed = errors.Join(failed, err)
	}
	return failed
}

// sweepConnecting gives up searches that nobody here carries on: their server died.
func (s *Service) sweepConnecting(ctx context.Context) error {
	now := s.Clock()
	stale, err := s.Store.WaitingSessions(ctx, models.AvatarConnecting, now.Add(-s.Timings.GiveUpAfter), now, sweepBatch)
	if err != nil {
		return err
	}
	var failed error
	for _, row := range stale {
		if s.isStarting(row.ID) || !s.lasted(row, now, s.Timings.GiveUpAfter) {
			continue
		}
		s.releaseAvatar(row)
		failed = errors.Join(failed, s.giveUp(row, row.Assignment.Generation))
	}
	return failed
}

// sweepLost seeks avatars for sessions that lost theirs, and ends those whose grace is over.
func (s *Service) sweepLost(ctx context.Context) error {
	now := s.Clock()
	losers, err := s.Store.WaitingSessions(ctx, models.AvatarLost, now, now, sweepBatch)
	if err != nil {
		return err
	}
	var failed error
	for _, row := range losers {
		held := s.vigil.held(wait{row.ID, *row.Assignment.Since})
		if held < s.Timings.LostGrace || !s.lasted(row, now, s.Timings.LostGrace) {
			s.search(row, models.ActorSystem)
			continue
		}
		failed = errors.Join(failed, s.endLost(ctx, row))
	}
	return failed
}

// lasted tells whether a session has waited for an avatar for so long, by the clock that wrote since
// when. Where that is yet to come, the clock has been set back, and what this process has seen
// counts.
func (s *Service) lasted(row *models.Session, now models.Time, long time.Duration) bool {
	since := *row.Assignment.Since
	if since > now {
		return s.vigil.held(wait{row.ID, since}) >= long
	}
	return now.Sub(since) >= long
}

// endLost ends a session that has been lost for too long, unless it has recovered meanwhile.
func (s *Service) endLost(ctx context.Context, seen *models.Session) error {
	after, err := s.move(ctx, models.Scope{AccountID: seen.AccountID}, seen.ID, end, func(tx *db.Tx, row *models.Session, now models.Time) error {
		if positionOf(row) != lost || *row.Assignment.Since != *seen.Assignment.Since {
			return models.ErrConflict
		}
		return finish(tx, row, now, now, models.EndAvatarLost, models.ActorSystem)
	})
	switch {
	case err == nil:
		s.after(after)
		return nil
	case errors.Is(err, models.ErrConflict), errors.Is(err, models.ErrSessionEnded):
		return nil
	default:
		return err
	}
}
