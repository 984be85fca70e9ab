package webhooks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"greenroom/db"
)

const (
	// keepFor is how long a finished delivery can be looked at and replayed.
	keepFor = 30 * 24 * time.Hour
	// tidyEvery is the time between two looks at what is old.
	tidyEvery = time.Minute
	// tidyBatch bounds one transaction that drops, tidyBatches one look.
	tidyBatch   = 500
	tidyBatches = 20
	// deleteAfter is how long a deleted endpoint is left alone: by then no transaction that saw it
	// alive can still write a delivery.
	deleteAfter = 5 * time.Minute
)

func (s *Service) tidy(ctx context.Context) {
	ticker := time.NewTicker(tidyEvery)
	defer ticker.Stop()
	for {
		if err := s.tidyOnce(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("drop old webhooks", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// tidyOnce drops what is old, a bounded amount of it.
func (s *Service) tidyOnce(ctx context.Context) error {
	now := s.Clock()
	deleted := now.Add(-deleteAfter)
	finished := s.dropAll(ctx, func(tx *db.Tx) (int, error) { return tx.DropWebhookDeliveries(now.Add(-keepFor), tidyBatch) })
	orphaned := s.dropAll(ctx, func(tx *db.Tx) (int, error) { return tx.DropDeliveriesOfDeletedWebhooks(deleted, tidyBatch) })
	rest := s.Store.Write(ctx, func(tx *db.Tx) error {
		return errors.Join(tx.DropWebhookSecrets(now), tx.DropWebhookEndpoints(deleted))
	})
	if err := errors.Join(finished, orphaned, rest); err != nil {
		return fmt.Errorf("drop old webhooks: %w", err)
	}
	return nil
}

// dropAll drops batch after batch. Others' writes come in between.
func (s *Service) dropAll(ctx context.Context, drop func(*db.Tx) (int, error)) error {
	for range tidyBatches {
		dropped := 0
		err := s.Store.Write(ctx, func(tx *db.Tx) (err error) {
			dropped, err = drop(tx)
			return err
		})
		if err != nil || dropped < tidyBatch {
			return err
		}
	}
	return nil
}
