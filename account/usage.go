package account

import (
	"context"

	"greenroom/models"
)

// Usage is what the caller's account has used in the present calendar month (UTC), running
// sessions included, in whole seconds a session.
func (s *Service) Usage(ctx context.Context, a *models.Account) (*models.Usage, error) {
	if err := own(ctx, a.ID); err != nil {
		return nil, err
	}
	now := s.clock.Now(ctx)
	start, end := now.Month()
	used, err := s.store.UsedSeconds(ctx, a.ID, start, end, now)
	if err != nil {
		return nil, err
	}
	usage := &models.Usage{PeriodStart: start, PeriodEnd: end, UsedSeconds: used}
	if included := s.Plan(a).Included(); included != nil {
		left := max(0, int(included.Seconds())-used)
		usage.RemainingSeconds = &left
	}
	return usage, nil
}
