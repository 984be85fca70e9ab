package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"greenroom/db"
	"greenroom/models"
)

const (
	// orphanEvery is the time between two looks for rooms without a session, over all replicas.
	orphanEvery = 5 * time.Minute
	// orphanGrace is how old a room must be to be one: beyond the two deletions of a room that was
	// given up, and whatever two machines' clocks may differ by.
	orphanGrace = 10 * time.Minute
	// orphanPace is the time between two deletions, which leaves more than two thirds of Daily's
	// DELETE rate to rooms of sessions that end.
	orphanPace = 2 * time.Second
	// orphanBatch is how many rooms the database is asked about at once.
	orphanBatch = 500
)

// sweepOrphans looks for rooms of this installation at Daily that belong to no session, round
// after round: what came later than anybody waited for, and what a database that was put back has
// forgotten.
func (s *Service) sweepOrphans(ctx context.Context) {
	for {
		rest := orphanEvery + rand.N(orphanEvery/10) //nolint:gosec // G404: jitter, not a secret
		select {
		case <-ctx.Done():
			return
		case <-time.After(rest):
		}
		if err := s.sweepOrphansOnce(ctx, orphanPace); err != nil && ctx.Err() == nil {
			s.Log.Warn("look for rooms without a session", "error", err)
		}
	}
}

// sweepOrphansOnce does one round, if no other replica has done it lately. Should two do it at
// once all the same, the second finds the rooms gone.
func (s *Service) sweepOrphansOnce(ctx context.Context, pace time.Duration) error {
	now := s.Clock()
	var mine bool
	err := s.Store.Write(ctx, func(tx *db.Tx) (err error) {
		mine, err = tx.TakeTurn(db.SettingOrphanSweep, now, now.Add(orphanEvery))
		return err
	})
	if err != nil || !mine {
		return err
	}
	orphans, err := s.orphans(ctx, now)
	if err != nil {
		return err
	}
	var failed error
	for i, name := range orphans {
		if i > 0 && !rest(ctx, pace) {
			return ctx.Err()
		}
		// One room that Daily does not let go must not keep those behind it.
		if err := s.deleteOrphan(ctx, name, pace); err != nil {
			failed = errors.Join(failed, fmt.Errorf("delete room %s: %w", name, err))
		}
	}
	return failed
}

// orphans lists rooms at Daily by the names that this installation gives, that are old enough and
// that no session here answers for. The rooms are read before the sessions: a session is written
// before its room is made, and an ended one never lives again, so an orphan stays one.
func (s *Service) orphans(ctx context.Context, now models.Time) ([]string, error) {
	var names []string
	for room, err := range s.Daily.Rooms(ctx) {
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(room.Name, s.roomPrefix()) && now.Sub(room.CreatedAt) > orphanGrace {
			names = append(names, room.Name)
		}
	}
	var orphans []string
	for some := range slices.Chunk(names, orphanBatch) {
		inHand, err := s.Store.RoomsInHand(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, name := range some {
			if !inHand[name] {
				orphans = append(orphans, name)
			}
		}
	}
	return orphans, nil
}

// deleteOrphan deletes a room when no session's room waits for Daily's slow DELETE rate.
func (s *Service) deleteOrphan(ctx context.Context, name string, pace time.Duration) error {
	for {
		busy, err := s.Store.AnyRoomDue(ctx, []models.RoomState{models.RoomEjecting, models.RoomDeleting}, s.Clock().Add(deleteLease))
		if err != nil {
			return err
		}
		if !busy {
			break
		}
		if !rest(ctx, pace) {
			return ctx.Err()
		}
	}
	if err := s.Daily.DeleteRoom(ctx, name); err != nil {
		return err
	}
	s.Log.Warn("a room without a session was deleted", "room", name)
	s.ObserveOrphan()
	return nil
}

// rest waits; false when ctx ends first.
func rest(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
