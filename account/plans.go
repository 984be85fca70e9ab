package account

import (
	"context"

	"greenroom/models"
)

// maxHolders bounds the list of who holds the places.
const maxHolders = 100

// Plan is the account's limits. One that is no longer configured is logged once.
func (s *Service) Plan(a *models.Account) models.Plan {
	plan, ok := s.plans.Of(a)
	if !ok {
		if _, known := s.unknown.LoadOrStore(a.PlanKey, true); !known {
			s.log.Error("an account's plan is not configured: it may use nothing", "account", a.ID, "plan", a.PlanKey)
		}
	}
	return plan
}

// Concurrency is how many places the caller's account has and how many are taken.
func (s *Service) Concurrency(ctx context.Context, accountID string) (*models.Concurrency, error) {
	if err := own(ctx, accountID); err != nil {
		return nil, err
	}
	account, err := s.store.Account(ctx, accountID)
	if err != nil {
		return nil, err
	}
	current, err := s.store.CountLive(ctx, accountID, s.clock.Now(ctx))
	if err != nil {
		return nil, err
	}
	return &models.Concurrency{AccountID: accountID, Current: current, Max: s.Plan(account).MaxConcurrentSessions}, nil
}

// Holders are the sessions that hold the caller's account's places, oldest first, at most 100.
func (s *Service) Holders(ctx context.Context, accountID string) ([]*models.Session, error) {
	if err := own(ctx, accountID); err != nil {
		return nil, err
	}
	return s.store.Holders(ctx, accountID, s.clock.Now(ctx), maxHolders)
}
