package transport

import (
	"testing"
	"time"
)

func TestDeadlineIsNotMovedAfterItsLast(t *testing.T) {
	t.Parallel()
	var at time.Time
	d := deadline{set: func(to time.Time) error { at = to; return nil }}
	now := time.Now()
	for i, c := range []struct {
		do   func()
		want time.Time
	}{
		{func() { _ = d.move(now.Add(10)) }, now.Add(10)},
		{func() { _ = d.move(time.Time{}) }, time.Time{}},
		{func() { d.end(now.Add(2)) }, now.Add(2)},
		{func() { _ = d.move(now.Add(20)) }, now.Add(2)},
		{func() { _ = d.move(time.Time{}) }, now.Add(2)},
		{func() { d.end(now.Add(30)) }, now.Add(2)},
	} {
		if c.do(); !at.Equal(c.want) {
			t.Errorf("step %d: %v, want %v", i, at, c.want)
		}
	}
}
