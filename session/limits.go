package session

import (
	"fmt"

	"greenroom/db"
	"greenroom/models"
)

// counts tells whether the account's plan limits anything that creates count.
func (s *Service) counts(account *models.Account) bool {
	plan, _ := s.Plans.Of(account)
	return plan.MaxConcurrentSessions != nil || plan.IncludedMinutes != nil
}

// checkPlaces refuses when the plan's places are all taken. The caller holds the account's
// lock, so that two creates cannot take the last place both.
func checkPlaces(tx *db.Tx, plan models.Plan, accountID string, now models.Time) error {
	if plan.MaxConcurrentSessions == nil {
		return nil
	}
	live, err := tx.CountLive(accountID, now)
	if err != nil {
		return err
	}
	if live >= *plan.MaxConcurrentSessions {
		return &models.Error{
			Kind:    models.KindConcurrencyLimit,
			Message: fmt.Sprintf("the plan's places are taken, all %d of them: end a session first", *plan.MaxConcurrentSessions),
		}
	}
	return nil
}

// quotaDeadline is when a session that starts now alone would have used up the month's included
// minutes; nil when they are unlimited. It is now or earlier when nothing is left. Sessions that
// run side by side each count on the whole rest: that overrun is accepted.
func quotaDeadline(used usedSeconds, plan models.Plan, accountID string, now models.Time) (*models.Time, error) {
	included := plan.Included()
	if included == nil {
		return nil, nil
	}
	from, to := now.Month()
	seconds, err := used(accountID, from, to, now)
	if err != nil {
		return nil, err
	}
	left := included.Milliseconds() - int64(seconds)*1000
	deadline := now + models.Time(left)
	if left > 0 && deadline >= to {
		// The next month brings new minutes while the session runs.
		deadline = to.Add(*included)
	}
	return &deadline, nil
}

// usedSeconds is db's, of a transaction or of the readers.
type usedSeconds func(accountID string, from, to, now models.Time) (int, error)

// checkQuota refuses when the month's included minutes are used up.
func checkQuota(used usedSeconds, plan models.Plan, accountID string, now models.Time) error {
	deadline, err := quotaDeadline(used, plan, accountID, now)
	if err != nil {
		return err
	}
	if deadline != nil && *deadline <= now {
		_, next := now.Month()
		return &models.Error{
			Kind:       models.KindQuotaExhausted,
			Message:    "the month's included minutes are used up; they come back at " + next.String(),
			RetryAfter: next.Sub(now),
		}
	}
	return nil
}
