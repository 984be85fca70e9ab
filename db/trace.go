package db

import (
	"context"
	"time"

	"gorm.io/gorm/logger"
)

// newTracer is GORM's logger: it logs nothing, because errors are returned, and logged once, by
// whoever handles them.
func newTracer(trace func(context.Context)) logger.Interface {
	if trace == nil {
		return logger.Discard
	}
	return tracer{logger.Discard, trace}
}

type tracer struct {
	logger.Interface
	told func(context.Context)
}

// LogMode is GORM's.
func (t tracer) LogMode(logger.LogLevel) logger.Interface { return t }

// Trace tells of one statement.
func (t tracer) Trace(ctx context.Context, _ time.Time, _ func() (string, int64), _ error) {
	t.told(ctx)
}
