package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"greenroom/auth"
	"greenroom/avatarserver"
	"greenroom/db"
	"greenroom/failpoint"
	"greenroom/models"
)

// retryStart is what a caller is told to wait before it joins the wait again.
const retryStart = 2 * time.Second

// Started is a session and where its commands go.
type Started struct {
	Session *models.Session
	WSURI   *string
}

// A start is one search for an avatar, which every caller of startSession waits on.
type start struct {
	cancel context.CancelFunc
	done   chan struct{}
	// err is set before done is closed.
	err error
}

// Start waits for the avatar, at most StartWithin. Once asked, the search goes on without its
// caller, and asking again joins it. A session that has started answers the same wsUri.
//
// With a refusal it also answers the session as it is then.
func (s *Service) Start(ctx context.Context, id string) (*Started, error) {
	caller, err := auth.Require(ctx)
	if err != nil {
		return nil, err
	}
	found, err := s.read(ctx, caller.Scope(), id)
	if err != nil {
		return nil, err
	}
	if found.Status() == models.StatusEnded {
		// It may only be due: then its end is written now.
		ended, err := s.move(ctx, caller.Scope(), id, handOver, func(*db.Tx, *models.Session, models.Time) error { return models.ErrSessionEnded })
		if errors.Is(err, models.ErrSessionEnded) {
			return &Started{Session: ended}, err
		}
		return nil, err
	}
	if found.Status() == models.StatusCreated {
		if err := s.mayStart(ctx, found); err != nil {
			return &Started{Session: found}, err
		}
		err = s.await(ctx, s.search(found, caller.Actor()))
		if found, err = s.reread(ctx, found, err); found == nil {
			return nil, err
		}
	}
	switch {
	case found.Status() == models.StatusEnded:
		return &Started{Session: found}, models.ErrSessionEnded
	case found.Status() == models.StatusStarted:
		uri := s.wsURI(id)
		return &Started{Session: found, WSURI: &uri}, nil
	default:
		return &Started{Session: found}, err
	}
}

// mayStart refuses a start that could not last, before any avatar server hears of it.
func (s *Service) mayStart(ctx context.Context, of *models.Session) error {
	if s.draining() {
		return models.Unavailable("this server is shutting down", time.Second)
	}
	if of.Room.State != models.RoomReady {
		return &models.Error{
			Kind: models.KindAvatarNotReady, RetryAfter: retryStart,
			Message: "the session's room is still being made",
		}
	}
	account, err := s.Store.Account(ctx, of.AccountID)
	if err != nil {
		return err
	}
	plan, _ := s.Plans.Of(account)
	used := func(accountID string, from, to, now models.Time) (int, error) {
		return s.Store.UsedSeconds(ctx, accountID, from, to, now)
	}
	return checkQuota(used, plan, of.AccountID, s.Clock.Now(ctx))
}

// await waits for a search, within the caller's patience and ours.
func (s *Service) await(ctx context.Context, search *start) error {
	patience := time.NewTimer(s.Timings.StartWithin)
	defer patience.Stop()
	select {
	case <-search.done:
		return search.err
	case <-patience.C:
	case <-s.drained:
	case <-ctx.Done():
	}
	return &models.Error{
		Kind: models.KindAvatarNotReady, RetryAfter: retryStart,
		Message: "the avatar is on its way; ask again to join the wait",
	}
}

// reread gives the session as it is after the wait. The wait's own error is passed on.
func (s *Service) reread(ctx context.Context, of *models.Session, waited error) (*models.Session, error) {
	s.Clock.Renew(ctx)
	found, err := s.Store.Session(context.WithoutCancel(ctx), models.Scope{AccountID: of.AccountID}, of.ID, s.Clock())
	if err != nil {
		return nil, fmt.Errorf("start session %s: %w", of.ID, err)
	}
	return found, waited
}

// search joins the search for a session's avatar, or begins one.
func (s *Service) search(of *models.Session, by models.Actor) *start {
	s.mu.Lock()
	defer s.mu.Unlock()
	if running, ok := s.starting[of.ID]; ok {
		return running
	}
	ctx, cancel := context.WithTimeout(s.stopped, s.Timings.GiveUpAfter)
	search := &start{cancel: cancel, done: make(chan struct{})}
	begun := s.inBackground(func() {
		defer cancel()
		search.err = s.bringUp(ctx, of, by)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.starting, of.ID)
		close(search.done)
	})
	if !begun {
		cancel()
		search.err = models.Unavailable("this server is shutting down", time.Second)
		close(search.done)
		return search
	}
	s.starting[of.ID] = search
	return search
}

// isStarting tells whether a search for the session's avatar is under way here.
func (s *Service) isStarting(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.starting[id] != nil
}

// cancelStart ends the search for the avatar of a session that has ended.
func (s *Service) cancelStart(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if running, ok := s.starting[id]; ok {
		running.cancel()
	}
}

// bringUp finds an avatar server for the session and waits until it is ready.
func (s *Service) bringUp(ctx context.Context, of *models.Session, by models.Actor) error {
	avatar, err := s.Store.Avatar(ctx, models.Scope{AccountID: of.AccountID}, of.AvatarID)
	if err != nil {
		return err
	}
	handed := 0 // the last generation, 0 while no server was asked
	_, err = s.AvatarServers.Dispatch(ctx, of.ID, of.AvatarID, func(ctx context.Context, server string) (avatarserver.Assignment, error) {
		row, err := s.handOver(ctx, of, server, by, handed == 0)
		if err != nil {
			return avatarserver.Assignment{}, err
		}
		failpoint.Hit(failpoint.StartAfterCommit)
		handed = row.Assignment.Generation
		return s.assignment(row, avatar)
	})
	if err == nil {
		return nil
	}
	if err := s.giveUp(of, handed); err != nil {
		return err
	}
	switch models.KindOf(err) {
	case models.KindNoAvatarServer:
		return &models.Error{
			Kind: models.KindNoAvatarServer, RetryAfter: retryCreate,
			Message: "no avatar server can take the session now",
		}
	case models.KindSessionEnded, models.KindUnavailable:
		return err
	}
	s.Log.Info("a search for an avatar ended without one", "session", of.ID, "error", err)
	return &models.Error{
		Kind: models.KindAvatarNotReady, RetryAfter: retryStart,
		Message: "the avatar did not come; ask again to start over",
	}
}

// handOver records that server is given the session, before the server hears of it.
func (s *Service) handOver(ctx context.Context, of *models.Session, server string, by models.Actor, first bool) (*models.Session, error) {
	return s.move(ctx, models.Scope{AccountID: of.AccountID}, of.ID, handOver, func(tx *db.Tx, row *models.Session, now models.Time) error {
		row.Assignment.Generation++
		row.Assignment.Server = server
		at := positionOf(row)
		if first && at != lost { // the grace of a lost one counts from its loss
			row.Assignment.Since = now.Ptr()
		}
		if at != waiting {
			return nil // the next server's try at the same wait: nothing that a client can see
		}
		// A start that was asked for in time may take its time.
		deadline := max(*row.Deadline, now.Add(s.Timings.GiveUpAfter))
		row.Deadline = &deadline
		row.Revision++
		failpoint.Hit(failpoint.StartBeforeCommit)
		return record(tx, row, models.EventStartRequested, now, by)
	})
}

// assignment is what an avatar server is told.
func (s *Service) assignment(row *models.Session, avatar *models.Avatar) (avatarserver.Assignment, error) {
	token, ok := s.roomToken(row, row.AvatarUserID(), s.Clock())
	if !ok {
		return avatarserver.Assignment{}, models.Unavailable("the room provider has not answered yet", retryCreate)
	}
	return avatarserver.Assignment{
		Generation: row.Assignment.Generation,
		Avatar:     avatarserver.Avatar{ID: avatar.ID, Name: avatar.Name, URL: avatar.URL},
		Room: avatarserver.Room{
			URL: row.Room.URL, Name: row.Room.Name, Token: string(token.AppendTo(nil)), UserID: row.AvatarUserID(),
		},
	}, nil
}

// giveUp puts a session for which no avatar was found back to waiting, unless it has been handed
// over anew since the given generation. A session that is lost stays so: the sweep seeks on
// until its grace is over.
func (s *Service) giveUp(of *models.Session, generation int) error {
	_, err := s.move(context.Background(), models.Scope{AccountID: of.AccountID}, of.ID, giveUp,
		func(_ *db.Tx, row *models.Session, _ models.Time) error {
			if row.Assignment.Generation != generation {
				return models.ErrConflict
			}
			row.Deadline = row.CreatedAt.Add(s.Timings.StartWindow).Ptr()
			row.Assignment.Server, row.Assignment.Since = "", nil
			row.Assignment.Generation++ // a late ready is stale
			row.Revision++
			return nil
		})
	if errors.Is(err, models.ErrConflict) || errors.Is(err, models.ErrSessionEnded) {
		return nil
	}
	return err
}

// wsURI is the stream of a session: steady for its life.
func (s *Service) wsURI(id string) string {
	u := *s.PublicURL
	u.Scheme = map[string]string{"http": "ws", "https": "wss"}[u.Scheme]
	return u.JoinPath("v1", "sessions", id, "stream").String()
}
