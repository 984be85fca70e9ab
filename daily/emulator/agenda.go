package emulator

import (
	"cmp"
	"slices"
	"time"

	"greenroom/models"
)

// An agenda is what will happen by itself, soonest first and then in the order of planning.
type agenda []planned

type planned struct {
	at models.Time
	// do runs with mu held, for the planned time even if the emulator looks later.
	do func(at models.Time)
}

// plan has do happen at the given time. mu is held.
func (e *Emulator) plan(at models.Time, do func(at models.Time)) {
	// Behind everything of the same time.
	i, _ := slices.BinarySearchFunc(e.agenda, at+1, func(p planned, t models.Time) int { return cmp.Compare(p.at, t) })
	e.agenda = slices.Insert(e.agenda, i, planned{at, do})
	if i == 0 {
		e.arm(e.cfg.Clock())
	}
}

// settle makes everything happen that is due and gives the time at which it looked. mu is held.
func (e *Emulator) settle() models.Time {
	now := e.cfg.Clock()
	for len(e.agenda) > 0 && e.agenda[0].at <= now {
		due := e.agenda[0]
		e.agenda[0] = planned{}
		e.agenda = e.agenda[1:]
		due.do(due.at)
	}
	e.arm(now)
	return now
}

// minLook keeps a clock that stands still, or runs slowly, from keeping the machine busy.
const minLook = 5 * time.Millisecond

// arm sets the timer to the next planned thing. mu is held.
func (e *Emulator) arm(now models.Time) {
	if e.timer != nil {
		e.timer.Stop()
	}
	if e.closed || len(e.agenda) == 0 {
		return
	}
	wait := max(minLook, e.agenda[0].at.Sub(now))
	e.timer = time.AfterFunc(wait, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if !e.closed {
			e.settle()
		}
	})
}
