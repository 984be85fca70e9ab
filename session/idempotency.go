package session

import (
	"context"
	"errors"
	"time"

	"greenroom/db"
	"greenroom/models"
)

const (
	// keptFor is how long an idempotency key is remembered.
	keptFor = 24 * time.Hour
	// awaitRoomEvery is how often a duplicate looks for the outcome of a create elsewhere.
	awaitRoomEvery = 100 * time.Millisecond

	maxKey = 128
)

func checkKey(key *string) error {
	if key == nil {
		return nil
	}
	return checkText(*key, maxKey, "idempotencyKey")
}

// replay answers what the order's key has made; nil when the key is free.
func (s *Service) replay(ctx context.Context, o *order) (*Created, error) {
	if o.key == nil {
		return nil, nil
	}
	bound, err := s.Store.IdempotencyKey(ctx, o.caller.AccountID, *o.key, o.now)
	if errors.Is(err, models.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if string(bound.Fingerprint) != string(o.fingerprint) {
		return nil, models.ErrMismatch
	}
	found, err := s.awaitRoom(ctx, o.caller.Scope(), bound.SessionID)
	if err != nil {
		return nil, err
	}
	return s.created(found, true), nil
}

// awaitRoom waits until the room of a session is made or given up.
func (s *Service) awaitRoom(ctx context.Context, scope models.Scope, id string) (*models.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timings.CreateWithin+time.Second)
	defer cancel()
	for {
		s.mu.Lock()
		outcome := s.creating[id] // nil, and never closed, when another replica makes it
		s.mu.Unlock()
		found, err := s.Store.Session(ctx, scope, id, s.Clock())
		switch {
		case err != nil:
			return nil, err
		case found.EndReason != nil && *found.EndReason == models.EndProvisionFailed:
			return nil, noRoom()
		case found.EndedAt != nil || found.Room.State != models.RoomCreating:
			return found, nil
		}
		select {
		case <-outcome:
		case <-time.After(awaitRoomEvery):
		case <-ctx.Done():
			return nil, models.Unavailable("the session with this idempotencyKey is still being made", time.Second)
		}
	}
}

// announce lets duplicates of a create wait for its outcome; the returned function tells it.
func (s *Service) announce(id string) func() {
	done := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.creating[id] = done
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.creating, id)
		close(done)
	}
}

func (s *Service) isBound(tx *db.Tx, o *order) (bool, error) {
	if o.key == nil {
		return false, nil
	}
	_, err := tx.IdempotencyKey(o.caller.AccountID, *o.key, o.now)
	if errors.Is(err, models.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
