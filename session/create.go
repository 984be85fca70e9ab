package session

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"greenroom/auth"
	"greenroom/daily"
	"greenroom/db"
	"greenroom/failpoint"
	"greenroom/models"
)

const (
	// lease is how long whoever claims a room may work on it before another may; a create has
	// it beyond CreateWithin.
	lease = 30 * time.Second
	// lateRoom is how long Daily may still make a room that we have given up; veryLateRoom is when
	// it is looked for once more after that.
	lateRoom     = 60 * time.Second
	veryLateRoom = 5 * time.Minute
	// retryCreate is what a caller is told to wait after Daily did not answer.
	retryCreate = 5 * time.Second

	maxEndUserID = 128
)

// CreateInput is what a caller asks of a new session.
type CreateInput struct {
	AvatarID       string
	Metadata       models.JSONObject
	EndUserID      *string
	MaxDuration    *int
	IdempotencyKey *string
}

// Created is a session with its access token, nil once it has ended.
type Created struct {
	Session     *models.Session
	AccessToken *string
	// Replayed says that the idempotency key had already made the session.
	Replayed bool
}

// Create takes a place and makes the room: first the row, then the room at Daily with no
// transaction open, then the outcome. A key that was used before answers the session that it
// made, waiting for it when it is still being made.
//
// Errors: what the caller can act on, and UNAVAILABLE when Daily does not make the room in
// time; the place is free again then, and the key unused.
func (s *Service) Create(ctx context.Context, in CreateInput) (*Created, error) {
	caller, err := auth.RequireAPIKey(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkKey(in.IdempotencyKey); err != nil {
		return nil, err
	}
	order, invalid := newOrder(caller, in, s.Clock.Now(ctx))
	if replay, err := s.replay(ctx, order); replay != nil || err != nil {
		return replay, err
	}
	if invalid != nil {
		return nil, invalid
	}
	if s.draining() {
		return nil, models.Unavailable("this server is shutting down", time.Second)
	}
	// From here on the caller may go: once the place is taken, the room will cost money.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Timings.CreateWithin)
	defer cancel()
	if err := s.knowDomain(ctx); err != nil {
		return nil, err
	}
	outcome := s.announce(order.id)
	defer outcome()
	intent, err := s.intend(ctx, order)
	if err != nil {
		return nil, err
	}
	if intent == nil {
		// Another caller has bound the key meanwhile; its create may have failed since.
		replay, err := s.replay(ctx, order)
		if replay == nil && err == nil {
			err = noRoom()
		}
		return replay, err
	}
	made, err := s.provide(ctx, intent)
	if err != nil {
		return nil, err
	}
	s.Observe("created", "")
	return s.created(made, false), nil
}

// An order is a checked CreateInput.
type order struct {
	caller      *auth.Caller
	id          string
	now         models.Time
	avatarID    string
	metadata    models.Metadata
	endUserID   *string
	maxDuration *int
	key         *string
	fingerprint []byte
}

// newOrder checks what can be checked without the database. The order of invalid input still
// has its key, which is looked up before anything else, and its fingerprint, which is empty, and so
// no other's, when the metadata cannot be stored.
func newOrder(caller *auth.Caller, in CreateInput, now models.Time) (*order, error) {
	o := &order{
		caller: caller, now: now, id: models.NewID(models.SessionPrefix, now),
		avatarID: in.AvatarID, endUserID: in.EndUserID, maxDuration: in.MaxDuration, key: in.IdempotencyKey,
	}
	var err error
	if o.metadata, err = models.NewMetadata(in.Metadata); err != nil {
		return o, err
	}
	text, err := json.Marshal([]any{o.avatarID, o.metadata, o.endUserID, o.maxDuration})
	if err != nil {
		return o, fmt.Errorf("fingerprint: %w", err)
	}
	sum := sha256.Sum256(text)
	o.fingerprint = sum[:]
	if o.endUserID != nil {
		if err := checkText(*o.endUserID, maxEndUserID, "endUserId"); err != nil {
			return o, err
		}
	}
	if !models.ValidID(models.AvatarPrefix, o.avatarID) {
		return o, noAvatar()
	}
	return o, nil
}

func noAvatar() error {
	return &models.Error{Kind: models.KindNotFound, Message: "no such avatar", Field: []string{"avatarId"}}
}

// checkText refuses what is not 1 to most characters, and what PostgreSQL could not store.
func checkText(text string, most int, field string) error {
	n := utf8.RuneCountInString(text)
	if n < 1 || n > most || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return models.Invalid(fmt.Sprintf("%s must be 1 to %d characters, without NUL", field, most), field)
	}
	return nil
}

// intend writes the session and its claim on the room, under the account's lock if there is anything
// to count or to bind. It answers nil when another caller has bound the key first.
func (s *Service) intend(ctx context.Context, o *order) (*models.Session, error) {
	var intent *models.Session
	err := s.Store.Write(ctx, func(tx *db.Tx) error {
		intent = nil
		account, err := tx.Account(o.caller.AccountID)
		if err == nil && (o.key != nil || s.counts(account)) {
			account, err = tx.LockAccount(o.caller.AccountID)
		}
		if err != nil {
			return err
		}
		if bound, err := s.isBound(tx, o); bound || err != nil {
			return err
		}
		row, err := s.newSession(tx, account, o)
		if err != nil {
			return err
		}
		intent = row
		failpoint.Hit(failpoint.CreateBeforeCommit)
		return s.insert(tx, row, o)
	})
	if err != nil {
		return nil, fmt.Errorf("create session: %w", err)
	}
	return intent, nil
}

// newSession checks the avatar and the plan's limits, and makes the session to be inserted.
func (s *Service) newSession(tx *db.Tx, account *models.Account, o *order) (*models.Session, error) {
	plan, _ := s.Plans.Of(account)
	avatar, err := tx.AvatarInUse(o.caller.Scope(), o.avatarID)
	switch {
	case errors.Is(err, models.ErrNotFound):
		return nil, noAvatar()
	case err != nil:
		return nil, err
	case avatar.ArchivedAt != nil:
		return nil, models.ErrAvatarArchived
	}
	granted, err := plan.Grant(o.maxDuration)
	if err != nil {
		return nil, err
	}
	if err := checkPlaces(tx, plan, account.ID, o.now); err != nil {
		return nil, err
	}
	if err := checkQuota(tx.UsedSeconds, plan, account.ID, o.now); err != nil {
		return nil, err
	}
	neverStarted := models.EndNeverStarted
	return &models.Session{
		AccountID: account.ID, ID: o.id, AvatarID: avatar.ID, SessionType: models.WebRTCVideo,
		Metadata: o.metadata, EndUserID: o.endUserID, CreatedAt: o.now,
		Deadline: o.now.Add(s.Timings.StartWindow).Ptr(), DeadlineReason: &neverStarted,
		MaxDuration: granted, Revision: 1, Version: 1, AvatarState: models.AvatarWaiting, TokenGeneration: 1,
		Room: models.Room{
			State: models.RoomCreating, Name: s.roomName(o.id), Exp: s.roomExp(o.now, granted),
			Fence: 1, Due: s.Clock().Add(s.Timings.CreateWithin + lease).Ptr(),
		},
	}, nil
}

func (s *Service) insert(tx *db.Tx, row *models.Session, o *order) error {
	if err := tx.InsertSession(row); err != nil {
		return err
	}
	token := s.Signer.AccessToken(row.ID, row.TokenGeneration)
	if err := tx.PutAccessToken(row, auth.Hash(token)); err != nil {
		return err
	}
	if err := record(tx, row, models.EventCreated, o.now, o.caller.Actor()); err != nil {
		return err
	}
	if o.key == nil {
		return nil
	}
	return tx.BindIdempotencyKey(&db.IdempotencyKey{
		AccountID: row.AccountID, Key: *o.key, Fingerprint: o.fingerprint,
		SessionID: row.ID, ExpiresAt: o.now.Add(keptFor),
	}, o.now)
}

// provide makes the room of a session whose claim the caller holds, and writes the outcome. When
// the claim was lost meanwhile, somebody else's outcome is the answer.
func (s *Service) provide(ctx context.Context, intent *models.Session) (*models.Session, error) {
	failpoint.Hit(failpoint.CreateAfterCommit)
	room, err := s.Daily.CreateRoom(ctx, daily.RoomSpec{Name: intent.Room.Name, Exp: intent.Room.Exp})
	failpoint.Hit(failpoint.CreateAfterRoom)
	ctx = context.WithoutCancel(ctx) // the outcome is written, however late it is
	if err == nil {
		made, err := s.roomReady(ctx, intent, room.URL)
		if err == nil && made.EndedAt == nil && made.Room.State == models.RoomCreating {
			return s.awaitRoom(ctx, models.Scope{AccountID: intent.AccountID}, intent.ID)
		}
		return made, err
	}
	s.Log.Warn("no room for a session", "session", intent.ID, "error", err)
	abandoned, err := s.abandon(ctx, intent)
	switch {
	case err != nil:
		return nil, err
	case !abandoned:
		return s.awaitRoom(ctx, models.Scope{AccountID: intent.AccountID}, intent.ID)
	default:
		return nil, noRoom()
	}
}

func noRoom() error {
	return models.Unavailable("the video room could not be made; no place is taken", retryCreate)
}

func (s *Service) created(made *models.Session, replayed bool) *Created {
	c := &Created{Session: made, Replayed: replayed}
	if made.EndedAt == nil {
		token := s.Signer.AccessToken(made.ID, made.TokenGeneration)
		c.AccessToken = &token
	}
	return c
}
