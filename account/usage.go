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

// UsageReport is what the caller's account has used between from and to, by day and by avatar,
// by the same rule as Usage. INVALID_INPUT for an empty range and for one of over 366 days.
func (s *Service) UsageReport(ctx context.Context, a *models.Account, from, to models.Time) (*models.UsageReport, error) {
	if err := own(ctx, a.ID); err != nil {
		return nil, err
	}
	if err := models.CheckReport(from, to); err != nil {
		return nil, err
	}
	return s.store.UsageReport(ctx, a.ID, from, to, s.clock.Now(ctx))
}
