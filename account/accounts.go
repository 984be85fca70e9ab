// Package account is what an account owns and may use: its plan and places, its avatars, its
// keys and its minutes. Methods find their caller in the context and refuse or narrow by it,
// except those named Operator…, which are for whoever runs this server.
package account

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"greenroom/auth"
	"greenroom/db"
	"greenroom/events"
	"greenroom/models"
)

// MaxName is the most characters of a name.
const MaxName = 128

// A Service answers for all accounts of this installation.
type Service struct {
	store *db.Store
	hub   *events.Hub
	plans models.Plans
	clock models.Clock
	log   *slog.Logger
	// unknown are the plan keys already complained about.
	unknown sync.Map
}

// New makes a service; hub may be nil for operators' commands, which watch nothing. Plans are the configured ones by key.
func New(store *db.Store, hub *events.Hub, plans models.Plans, clock models.Clock, log *slog.Logger) *Service {
	return &Service{store: store, hub: hub, plans: plans, clock: clock, log: log}
}

// Account is the caller's account; models.ErrForbidden for an access token.
func (s *Service) Account(ctx context.Context) (*models.Account, error) {
	caller, err := auth.RequireAPIKey(ctx)
	if err != nil {
		return nil, err
	}
	return s.store.Account(ctx, caller.AccountID)
}

// OperatorCreateAccount makes an account on a configured plan.
func (s *Service) OperatorCreateAccount(ctx context.Context, name, plan string) (*models.Account, error) {
	name, err := cleanName(name)
	if err != nil {
		return nil, err
	}
	if _, ok := s.plans[plan]; !ok {
		known := strings.Join(slices.Sorted(maps.Keys(s.plans)), ", ")
		return nil, models.Invalid(fmt.Sprintf("the configuration has no plan %q: it has %s", plan, known), "plan")
	}
	now := s.clock.Now(ctx)
	made := &models.Account{ID: models.NewID(models.AccountPrefix, now), Name: name, PlanKey: plan, CreatedAt: now}
	if err := s.store.Write(ctx, func(tx *db.Tx) error { return tx.InsertAccount(made) }); err != nil {
		return nil, fmt.Errorf("create account: %w", err)
	}
	return made, nil
}

// own checks that the caller holds an API key of the account. Somebody else's is not found.
func own(ctx context.Context, accountID string) error {
	caller, err := auth.RequireAPIKey(ctx)
	if err != nil {
		return err
	}
	if caller.AccountID != accountID {
		return models.NotFound("account")
	}
	return nil
}

// cleanName trims a name and refuses what people could not tell apart or read: none, a very
// long one, control characters, and text that is not UTF-8.
func cleanName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n < 1 || n > MaxName {
		return "", models.Invalid(fmt.Sprintf("a name is 1 to %d characters", MaxName), "name")
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return "", models.Invalid("a name is text without control characters", "name")
	}
	return name, nil
}
