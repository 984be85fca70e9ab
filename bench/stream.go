package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A speech is 100 ms at 16 kHz.
const (
	speechRate  = 16_000
	speechBytes = speechRate / 10 * 2
)

// A streamBench is sessions, each with a client on its stream and an avatar at the other end.
// Clients speak at a constant rate, whether they have been answered or not, and every delay
// counts from the moment at which a speech was due: a server that stalls is charged for all that
// would have been sent meanwhile.
type streamBench struct {
	Pairs         int           `default:"1000" help:"Sessions, each with a client and an avatar." json:"pairs"`
	Interval      time.Duration `default:"100ms" help:"Time between two speeches of a client; each is 100 ms at 16 kHz." json:"interval"`
	AvatarServers int           `default:"10" help:"Avatar servers that carry the sessions." json:"avatarServers"`
	WarmUp        time.Duration `default:"5s" help:"How long to speak before measuring." json:"warmUp"`
	For           time.Duration `default:"30s" help:"How long to measure." json:"for"`
}

// A streamLoad is one measurement under way. Times count from its beginning.
type streamLoad struct {
	*streamBench
	began time.Time
	// late is from due to the call of the socket's write, the load's own share of what follows;
	// heard until the avatar server has all of a speech, confirmed until the client knows.
	late, heard, confirmed samples
	// sent and answered count all speeches, those of the warm-up too.
	sent, answered atomic.Int64
	refused        atomic.Int64
}

// take notes a delay when its speech is in the measured span.
func (l *streamLoad) take(to *samples, due time.Duration) {
	if due >= l.WarmUp {
		to.add(time.Since(l.began) - due)
	}
}

func (b *streamBench) measure(ctx context.Context, p *plant) (_ []figure, err error) {
	l := &streamLoad{streamBench: b}
	bank, err := dialAvatars(ctx, p, b.AvatarServers, b.Pairs, func(head []byte) { l.take(&l.heard, stamped(head)) })
	if err != nil {
		return nil, fmt.Errorf("dial avatar servers: %w", err)
	}
	defer func() { err = errors.Join(err, bank.close()) }()
	before, err := p.settled()
	if err != nil {
		return nil, err
	}
	speakers := make([]*speaker, b.Pairs)
	defer func() { closeAll(speakers) }()
	opening := time.Now()
	err = each(ctx, b.Pairs, func(ctx context.Context, i int) (err error) {
		speakers[i], err = dialSpeaker(ctx, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open pairs: %w", err)
	}
	opened := time.Since(opening)
	idle, err := p.settled()
	if err != nil {
		return nil, err
	}
	busy, err := l.speak(ctx, p, speakers)
	if err != nil {
		return nil, err
	}
	return slices.Concat(
		[]figure{{"pairs opened", float64(b.Pairs) / opened.Seconds(), "1/s"}},
		busy.figures(l, before), perEach("a pair, idle", before, idle, b.Pairs),
	), nil
}

// speak has all clients speak for the warm-up and the measured span, and waits for what is still
// under way.
func (l *streamLoad) speak(ctx context.Context, p *plant, speakers []*speaker) (*busySpan, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var listening, speaking sync.WaitGroup
	l.began = time.Now()
	for i, s := range speakers {
		first := time.Duration(i) * l.Interval / time.Duration(len(speakers))
		listening.Go(func() { s.listen(ctx, l, cancel) })
		speaking.Go(func() { s.speak(ctx, l, first, cancel) })
	}
	busy, err := l.watch(ctx, p)
	speaking.Wait()
	// What has been sent is answered soon, or counted as lost.
	ended := time.After(10 * time.Second)
	for waiting := true; waiting && l.answered.Load() < l.sent.Load() && ctx.Err() == nil; {
		select {
		case <-ended:
			waiting = false
		case <-time.After(10 * time.Millisecond):
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	cancel(nil)
	listening.Wait()
	if err == nil && min(l.late.count(), l.heard.count(), l.confirmed.count()) == 0 {
		err = fmt.Errorf("nothing was measured: %d speeches sent, %d confirmed", l.sent.Load(), l.answered.Load())
	}
	return busy, err
}

// A busySpan is what was used in the measured span.
type busySpan struct {
	span       float64 // s.span
	cpu        float64 // s.span of the server; of this process; and of the whole machine
	own, all   float64
	allocated  float64 // bytes, in all
	rss        float64 // the most, in bytes
	goroutines float64 // the most
	answered   int64   // speeches that were answered in it, whenever they were due
}

// watch looks at the server every second of the measured span.
func (l *streamLoad) watch(ctx context.Context, p *plant) (*busySpan, error) {
	if err := await(ctx, l.WarmUp-time.Since(l.began)); err != nil {
		return nil, err
	}
	first, err := p.usage()
	began := time.Now()
	own, all, answered := ownCPU(), machineCPU(), l.answered.Load()
	busy, last := &busySpan{}, first
	for end := l.WarmUp + l.For; err == nil; last, err = p.usage() {
		busy.rss, busy.goroutines = max(busy.rss, last.rss), max(busy.goroutines, last.goroutines)
		left := end - time.Since(l.began)
		if left <= 0 {
			break
		}
		if err := await(ctx, min(left, time.Second)); err != nil {
			return nil, err
		}
	}
	busy.span = time.Since(began).Seconds()
	busy.cpu, busy.own, busy.all = last.cpu-first.cpu, ownCPU()-own, machineCPU()-all
	busy.answered, busy.allocated = l.answered.Load()-answered, last.allocated-first.allocated
	return busy, err
}

func await(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

func (s *busySpan) figures(l *streamLoad, before usage) []figure {
	pairs := float64(l.Pairs)
	return slices.Concat(
		[]figure{
			{"speeches due", pairs / l.Interval.Seconds(), "1/s"},
			{"speeches answered", float64(s.answered) / s.span, "1/s"},
			{"speeches refused", float64(l.refused.Load()), ""},
			{"speeches never answered", float64(l.sent.Load() - l.answered.Load()), ""},
		},
		l.late.quantiles("due → client writes it", 50, 99, 99.9),
		l.heard.quantiles("due → avatar server has it", 50, 99, 99.9, 100),
		l.confirmed.quantiles("due → client has its confirmation", 50, 99, 99.9, 100),
		[]figure{
			{"server's CPU", s.cpu / s.span, "cores"},
			{"server's CPU a speech", 1e6 * s.cpu / float64(max(s.answered, 1)), "µs"},
			{"server allocates a speech", s.allocated / float64(max(s.answered, 1)) / 1000, "kB"},
			{"load's CPU", s.own / s.span, "cores"},
			{"CPU of all else on this machine", max(0, s.all-s.own-s.cpu) / s.span, "cores"},
			{"resident memory a pair, speaking", (s.rss - before.rss) / pairs / 1000, "kB"},
			{"goroutines a pair, speaking, at most", (s.goroutines - before.goroutines) / pairs, ""},
		},
	)
}
