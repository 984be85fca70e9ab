package session

import (
	"context"

	"greenroom/auth"
	"greenroom/avatarserver"
	"greenroom/db"
	"greenroom/models"
)

// A Speech is what an avatar is to say.
type Speech = avatarserver.Speech

// A CommandError is why an avatar did not carry out a command.
type CommandError = avatarserver.CommandError

// ErrRelayLost is a *CommandError, for errors.Is: the command did not reach the avatar, or its
// answer did not come back.
var ErrRelayLost = avatarserver.ErrRelayLost

// Speak sends a speech to the avatar of the caller's session, and waits for its confirmation:
// samples is its length at 16 kHz. The session is as [Service.Watch] told it last, so that a
// command costs no read. One that is not started is models.KindAvatarNotReady, an ended one
// models.ErrSessionEnded; what happens on the way to the avatar is a *CommandError.
func (s *Service) Speak(ctx context.Context, of *models.Session, speech Speech) (samples int, err error) {
	ref, err := s.commanded(ctx, of)
	if err != nil {
		return 0, err
	}
	return s.AvatarServers.Speak(ctx, ref, speech)
}

// Interrupt makes the avatar of the caller's session silent. It takes and answers what Speak
// does.
func (s *Service) Interrupt(ctx context.Context, of *models.Session) error {
	ref, err := s.commanded(ctx, of)
	if err != nil {
		return err
	}
	return s.AvatarServers.Interrupt(ctx, ref)
}

// commanded finds the avatar that takes the session's commands.
func (s *Service) commanded(ctx context.Context, of *models.Session) (avatarserver.Ref, error) {
	caller, err := auth.Require(ctx)
	if err != nil {
		return avatarserver.Ref{}, err
	}
	if caller.AccountID != of.AccountID || (caller.SessionID != "" && caller.SessionID != of.ID) {
		return avatarserver.Ref{}, models.NotFound("session")
	}
	present := *of
	present.Settle(s.Clock())
	switch present.Status() {
	case models.StatusEnded:
		return avatarserver.Ref{}, models.ErrSessionEnded
	case models.StatusCreated:
		return avatarserver.Ref{}, &models.Error{
			Kind: models.KindAvatarNotReady, RetryAfter: retryStart,
			Message: "the session has not been started, or its avatar is still on its way",
		}
	}
	return avatarserver.Ref{SessionID: of.ID, Generation: of.Assignment.Generation}, nil
}

// ClientConnected notes that the caller's stream was opened.
func (s *Service) ClientConnected(ctx context.Context, id string) error {
	return s.noteClient(ctx, id, models.EventClientConnected)
}

// ClientLeft notes that the caller's stream was closed, or its connection lost.
func (s *Service) ClientLeft(ctx context.Context, id string) error {
	return s.noteClient(ctx, id, models.EventClientLeft)
}

func (s *Service) noteClient(ctx context.Context, id string, what models.EventType) error {
	caller, err := auth.Require(ctx)
	if err != nil {
		return err
	}
	_, err = s.move(ctx, caller.Scope(), id, noteClient, func(tx *db.Tx, row *models.Session, now models.Time) error {
		row.Revision++
		return record(tx, row, what, now, caller.Actor())
	})
	return err
}
