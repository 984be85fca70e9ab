package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"greenroom/db"
	"greenroom/models"
)

// WarnBefore is how long before its end a running session's timeline and stream tell of it.
const WarnBefore = time.Minute

// warn puts on the timelines that an end is near.
func (s *Service) warn(ctx context.Context) error {
	for {
		warned, err := s.warnSome(ctx)
		if err != nil {
			return errors.Join(err, s.warnOneByOne(ctx))
		}
		if warned < sweepBatch {
			return nil
		}
	}
}

// warnSome warns many sessions with one commit, and tells how many.
func (s *Service) warnSome(ctx context.Context) (warned int, err error) {
	now := s.Clock()
	err = s.Store.Write(ctx, func(tx *db.Tx) error {
		rows, err := tx.SessionsToWarn(now, sweepBatch)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := warnOne(tx, row, now); err != nil {
				return err
			}
		}
		warned = len(rows)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("warn of ends: %w", err)
	}
	return warned, nil
}

func warnOne(tx *db.Tx, row *models.Session, now models.Time) error {
	row.WarnAt = nil
	row.Revision++
	return errors.Join(record(tx, row, models.EventExpiring, now, models.ActorSystem), tx.Swap(row))
}

// warnOneByOne is for a batch that failed: the one session at fault fails alone.
func (s *Service) warnOneByOne(ctx context.Context) error {
	now := s.Clock()
	var rows []*models.Session
	err := s.Store.Write(ctx, func(tx *db.Tx) (err error) {
		rows, err = tx.SessionsToWarn(now, sweepBatch)
		return err
	})
	if err != nil {
		return fmt.Errorf("warn of ends: %w", err)
	}
	var failed error
	for _, seen := range rows {
		err := s.Store.Write(ctx, func(tx *db.Tx) error {
			row, err := tx.Session(models.Scope{AccountID: seen.AccountID}, seen.ID)
			if err != nil || row.EndedAt != nil || row.WarnAt == nil {
				return err
			}
			return warnOne(tx, row, now)
		})
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("warn of the end of session %s: %w", seen.ID, err))
		}
	}
	return failed
}
