package daily_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/daily"
)

// net/http goes on connecting when the call for which it began is given up; it must not do so for
// ever.
func TestConnectingThatNobodyWaitsForEnds(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // it never shakes hands
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var taken, open atomic.Int64
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			taken.Add(1)
			open.Add(1)
			all.Go(func() {
				_, _ = io.Copy(io.Discard, conn) // until the other side closes
				_ = conn.Close()
				open.Add(-1)
			})
		}
	})
	client, err := daily.New(daily.Config{URL: "https://" + l.Addr().String(), Key: key, Timeout: 200 * time.Millisecond, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := client.Domain(t.Context()); err == nil {
			t.Error("it was answered")
		}
	}
	eventually(t, "all connections are closed", func() bool { return open.Load() == 0 })
	if taken.Load() == 0 {
		t.Error("nobody connected")
	}
	_ = l.Close()
	all.Wait()
	client.Close()
}
