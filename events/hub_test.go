package events

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"greenroom/models"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const epoch models.Time = 1_790_000_000_000

func open(t *testing.T, url string) *Hub {
	t.Helper()
	h, err := Open(Config{URL: url, Environment: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// state is a session of account "a" at a revision.
func state(id string, revision int) *models.Session {
	return &models.Session{AccountID: "a", ID: id, Revision: revision}
}

// to is the change of a session that led to a revision.
func to(id string, revision int) *models.Change {
	c := &models.Change{AccountID: "a", After: state(id, revision)}
	if revision > 1 {
		c.Before = state(id, revision-1)
	}
	return c
}

// spans shows changes as id:before-after.
func spans(changes []models.Change) (shown []string) {
	for _, c := range changes {
		before := 0
		if c.Before != nil {
			before = c.Before.Revision
		}
		shown = append(shown, fmt.Sprintf("%s:%d-%d", c.After.ID, before, c.After.Revision))
	}
	return shown
}

func hasNews(news <-chan struct{}) bool {
	select {
	case <-news:
		return true
	default:
		return false
	}
}

func TestHub(t *testing.T) {
	t.Parallel()
	t.Run("CarriesWholeSessions", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h := open(t, "")
			defer h.Close()
			w := h.Session("s")
			defer w.Close()
			at, reason, who, most := epoch, models.EndExpired, "me", 60
			sent := &models.Session{
				AccountID: "a", ID: "s", AvatarID: "v", SessionType: models.WebRTCVideo, Metadata: `{"<":"\u2028 ö"}`, EndUserID: &who,
				CreatedAt: at, StartedAt: &at, EndedAt: &at, EndReason: &reason, Deadline: &at, DeadlineReason: &reason,
				Expiration: &at, WarnAt: &at, MaxDuration: &most, Revision: 7, Version: 9, AvatarState: models.AvatarGone, TokenGeneration: 2,
				Room:       models.Room{State: models.RoomEjecting, Name: "r", URL: "u", Exp: at, Fence: 3, Due: &at, Tries: 4},
				Assignment: models.Assignment{Generation: 5, Server: "x", Since: &at},
			}
			h.Publish(&models.Change{AccountID: "a", After: sent})
			<-w.News()
			got, doubts := w.Take()
			if diff := cmp.Diff(sent, got); diff != "" || doubts {
				t.Errorf("doubts %v\n%s", doubts, diff)
			}
		})
	})

	t.Run("KeepsTheNewestStateForASlowReader", func(t *testing.T) {
		t.Parallel()
		h := &Hub{sessions: map[string]map[*Watch]struct{}{}, accounts: map[string]*topic{}}
		w := h.Session("s")
		for _, revision := range []int{1, 2, 5, 3} {
			h.changed(to("s", revision))
		}
		h.changed(to("other", 9))
		if newest, doubts := w.Take(); newest.Revision != 5 || doubts {
			t.Errorf("%+v, %v", newest, doubts)
		}
		h.missed()
		if newest, doubts := w.Take(); newest != nil || !doubts {
			t.Errorf("%+v, %v", newest, doubts)
		}
		w.Close()
		if len(h.sessions) != 0 {
			t.Error("an empty place is kept")
		}
	})
}

func TestFeed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		changes []*models.Change
		want    []string
	}{
		"MergesASessionsNews":                {[]*models.Change{to("s", 1), to("r", 1), to("s", 2), to("s", 3)}, []string{"s:0-3", "r:0-1"}},
		"TellsTheOldestBeforeAndNewestAfter": {[]*models.Change{to("s", 3), to("s", 4)}, []string{"s:2-4"}},
		"PutsLateNewsInOrder":                {[]*models.Change{to("s", 4), to("s", 3)}, []string{"s:2-4"}},
		"LeavesOutTheAccountItself":          {[]*models.Change{{AccountID: "a"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &Hub{sessions: map[string]map[*Watch]struct{}{}, accounts: map[string]*topic{}}
			f := h.Feed("a")
			defer f.Close()
			for _, change := range c.changes {
				h.changed(change)
			}
			h.changed(&models.Change{AccountID: "b", After: state("x", 1)})
			changes, reset := f.Take(100)
			if diff := cmp.Diff(c.want, spans(changes)); diff != "" || reset {
				t.Errorf("reset %v\n%s", reset, diff)
			}
		})
	}

	setup := func() (*Hub, *Feed) {
		h := &Hub{sessions: map[string]map[*Watch]struct{}{}, accounts: map[string]*topic{}}
		return h, h.Feed("a")
	}
	t.Run("TellsLateNewsOfWhatWasTold", func(t *testing.T) {
		t.Parallel()
		h, f := setup()
		h.changed(to("s", 4))
		f.Take(100)
		// What it began from is news, where it led is not.
		h.changed(to("s", 3))
		if changes, _ := f.Take(100); cmp.Diff([]string{"s:2-4"}, spans(changes)) != "" {
			t.Error(spans(changes))
		}
	})
	t.Run("GivesALimitedNumberAtOnce", func(t *testing.T) {
		t.Parallel()
		h, f := setup()
		for i := range 5 {
			h.changed(to(fmt.Sprint(i), 1))
		}
		var got []string
		for hasNews(f.News()) {
			changes, _ := f.Take(2)
			got = append(got, spans(changes)...)
		}
		if diff := cmp.Diff([]string{"0:0-1", "1:0-1", "2:0-1", "3:0-1", "4:0-1"}, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("IsResetWhenTooMuchIsUnread", func(t *testing.T) {
		t.Parallel()
		h, f := setup()
		for i := range waiting + 1 {
			h.changed(to(fmt.Sprint(i), 1))
		}
		if changes, reset := f.Take(100); len(changes) > 0 || !reset {
			t.Error(len(changes), reset)
		}
		h.changed(to("s", 1))
		if changes, reset := f.Take(100); len(changes) != 1 || reset {
			t.Error(len(changes), reset)
		}
	})
	t.Run("IsResetByWhatNobodyTold", func(t *testing.T) {
		t.Parallel()
		h, f := setup()
		missed := &models.Change{AccountID: "a", After: state("s", 2), Missed: true}
		h.changed(missed)
		if _, reset := f.Take(100); !reset {
			t.Error("no reset")
		}
		h.changed(to("s", 2))
		f.Take(100)
		h.changed(missed) // it has been told by now
		if changes, reset := f.Take(100); len(changes) > 0 || reset {
			t.Error(changes, reset)
		}
	})
	t.Run("ForgetsAnAccountThatNobodyWatches", func(t *testing.T) {
		t.Parallel()
		h, f := setup()
		p := h.Account("a")
		f.Close()
		p.Close()
		if len(h.accounts) != 0 {
			t.Error("it is still there")
		}
	})
}

func TestPulse(t *testing.T) {
	t.Parallel()
	h := &Hub{sessions: map[string]map[*Watch]struct{}{}, accounts: map[string]*topic{}}
	p := h.Account("a")
	defer p.Close()
	started := to("s", 3)
	started.After.StartedAt = epoch.Ptr()
	for _, c := range []struct {
		what   string
		change *models.Change
		beats  bool
	}{
		{"a session is made", to("s", 1), true},
		{"metadata changes", to("s", 2), false},
		{"a session starts", started, true},
		{"a key is made", &models.Change{AccountID: "a"}, true},
		{"another account", &models.Change{AccountID: "b"}, false},
	} {
		h.changed(c.change)
		if hasNews(p.News()) != c.beats {
			t.Errorf("%s: beats is %v", c.what, !c.beats)
		}
	}
}

// natsServer is one that others reach over the network.
func natsServer(t *testing.T, port int) *server.Server {
	t.Helper()
	ns, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	if !ns.ReadyForConnections(time.Minute) {
		t.Fatal("no NATS server")
	}
	return ns
}

func TestBus(t *testing.T) {
	t.Parallel()
	t.Run("JoinsTheServersOfAnInstallation", func(t *testing.T) {
		t.Parallel()
		ns := natsServer(t, server.RANDOM_PORT)
		defer ns.Shutdown()
		one, two := open(t, ns.ClientURL()), open(t, ns.ClientURL())
		defer one.Close()
		defer two.Close()
		w := two.Session("s")
		// It may have to be told again: the other's subscription is not known to the server at once.
		for revision := 1; ; revision++ {
			one.Publish(to("s", revision))
			select {
			case <-w.News():
			case <-time.After(20 * time.Millisecond):
				continue
			}
			if newest, _ := w.Take(); newest != nil {
				return
			}
		}
	})

	t.Run("DoubtsAfterItWasAway", func(t *testing.T) {
		t.Parallel()
		ns := natsServer(t, server.RANDOM_PORT)
		h := open(t, ns.ClientURL())
		defer h.Close()
		w := h.Session("s")
		ns.Shutdown()
		ns.WaitForShutdown()
		doubts := false
		for !doubts { // while it is away, and when it is back
			<-w.News()
			_, doubts = w.Take()
		}
	})

	t.Run("NoticesALostMessage", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct {
			said []message
			lost bool
		}{
			"All":            {[]message{{Seq: 1, Change: to("s", 1)}, {Seq: 2, Change: to("s", 2)}, {Seq: 2}}, false},
			"InTheMiddle":    {[]message{{Seq: 1, Change: to("s", 1)}, {Seq: 3, Change: to("s", 2)}}, true},
			"TheLast":        {[]message{{Seq: 1, Change: to("s", 1)}, {Seq: 2}}, true},
			"TheFirst":       {[]message{{Seq: 2, Change: to("s", 1)}}, true},
			"BeforeAGoodbye": {[]message{{Seq: 1, Change: to("s", 1)}, {Seq: 2, Bye: true}}, true},
		} {
			b := &bus{publishers: map[string]*publisher{}}
			lost := false
			for _, m := range c.said {
				m.From = "x"
				lost = b.hear(m) || lost
			}
			if lost != c.lost {
				t.Errorf("%s: lost is %v", name, lost)
			}
		}
	})

	t.Run("DoubtsWhenAPublisherDies", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h := open(t, "")
			defer h.Close()
			w := h.Session("s")
			hear := func(m message) {
				h.bus.hearing.Lock()
				defer h.bus.hearing.Unlock()
				h.bus.hear(m)
			}
			hear(message{From: "left", Seq: 0})
			hear(message{From: "left", Bye: true})
			time.Sleep(2 * silence) //nolint:forbidigo // a bubble's time
			if hasNews(w.News()) {
				t.Fatal("a goodbye raised doubts")
			}
			hear(message{From: "killed", Seq: 0})
			time.Sleep(2 * silence) //nolint:forbidigo // a bubble's time
			if _, doubts := w.Take(); !doubts {
				t.Error("nobody noticed")
			}
		})
	})

	t.Run("CountsWhatItCouldNotQueue", func(t *testing.T) {
		t.Parallel()
		b := &bus{own: make(chan message, 1), outgoing: make(chan message, 1)}
		b.publish(to("s", 1))
		b.publish(to("s", 2)) // dropped
		for name, queue := range map[string]chan message{"own": b.own, "outgoing": b.outgoing} {
			b.publishers = map[string]*publisher{}
			lost := b.hear(<-queue)
			lost = b.hear(message{Seq: b.told(queue)}) || lost
			if !lost {
				t.Errorf("%s: a dropped change was not noticed", name)
			}
		}
	})

	t.Run("RefusesAURLWithoutRepeatingIt", func(t *testing.T) {
		t.Parallel()
		for _, url := range []string{"nats://user:hunter2@\x7f", "nats://user:hunter2@127.0.0.1:4222,ws://127.0.0.1:2"} {
			h, err := Open(Config{URL: url, Environment: "test", Log: slog.New(slog.DiscardHandler)})
			if err == nil || h != nil {
				t.Fatalf("%q was taken", url)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error(err)
			}
		}
	})
}
