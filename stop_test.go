package main

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/config"
	"greenroom/graph"
	"greenroom/models"
	"greenroom/stream"
)

// A halting server has only what it takes to be stopped, on a pipe and in a bubble's time.
type halting struct {
	*server
	t *testing.T
	l *pipe
}

// TestStopKeepsToTheDrainTime stops servers that somebody or something holds up.
func TestStopKeepsToTheDrainTime(t *testing.T) {
	t.Parallel()
	const websocket = "GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Protocol: graphql-transport-ws\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	const body = `{"query": "subscription { accountUpdated { id } }"}`
	const events = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\nContent-Length: 51\r\n\r\n" + body
	for name, hold := range map[string]func(s *halting){
		"ByAnEventStreamThatIsNotRead": func(s *halting) { s.send(events) },
		"ByASocketThatIsNotRead": func(s *halting) {
			got, err := http.ReadResponse(bufio.NewReader(s.send(websocket)), nil) //nolint:bodyclose // there is none
			if err != nil || got.StatusCode != http.StatusSwitchingProtocols {
				s.t.Fatalf("answered %+v, %v", got, err)
			}
		},
		"ByARequestThatDoesNotEnd": func(s *halting) { s.send(strings.TrimSuffix(events, "}")) },
		"ByADatabaseThatDoesNotAnswer": func(s *halting) {
			s.touching.Go(func() { <-time.After(30 * time.Second) })
		},
		"ByAllOfThem": func(s *halting) {
			for range 3 {
				s.send(events)
				s.send(websocket)
				s.send(strings.TrimSuffix(events, "}"))
			}
			s.touching.Go(func() { <-time.After(30 * time.Second) })
		},
	} {
		for _, drain := range []time.Duration{10 * time.Second, 4 * time.Second, 100 * time.Millisecond} {
			t.Run(name+"/"+drain.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newHalting(t, drain)
					hold(s)
					synctest.Wait()
					began := time.Now()
					s.stop()
					if took := time.Since(began); took > drain {
						t.Errorf("took %s of %s", took, drain)
					}
					s.touching.Wait()
				})
			})
		}
	}
}

func newHalting(t *testing.T, drain time.Duration) *halting {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s := &halting{t: t, l: &pipe{conns: make(chan net.Conn), closed: make(chan struct{})}}
	s.server = &server{cfg: &config.Config{DrainTime: drain}, log: log, failed: make(chan error, 1)}
	s.graph = graph.New(graph.Config{Clock: models.SystemClock, Log: log})
	s.streams = stream.New(stream.Config{Clock: models.SystemClock, Log: log})
	s.public = s.serve(s.l, s.graph)
	return s
}

// send asks, and leaves reading the answer to the caller, who may not. The connection is the
// server's to close: the client stays until the test ends.
func (s *halting) send(request string) net.Conn {
	s.t.Helper()
	here, there := net.Pipe()
	s.l.conns <- there
	if _, err := io.WriteString(here, request); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = here.Close() })
	return here
}
