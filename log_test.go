package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// raw sends a request as it is written, which a client library would not, and gives the answer
// without its body.
func (s *site) raw(request string) *reply {
	s.t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(s.url, "http://"), patience)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, request); err != nil {
		s.t.Fatal(err)
	}
	got, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = got.Body.Close()
	return &reply{status: got.StatusCode, header: got.Header}
}

// logged waits for the one line of a request.
func (s *site) logged(id string) map[string]any {
	s.t.Helper()
	var found []map[string]any
	until(s.t, "request "+id+" is logged", func() bool {
		found = nil
		for _, line := range s.lines() {
			if line["request"] == id {
				found = append(found, line)
			}
		}
		return len(found) > 0
	})
	if len(found) > 1 {
		s.t.Errorf("more than one line: %v", found)
	}
	return found[0]
}

func TestRequestLog(t *testing.T) {
	t.Parallel()
	s := serve(t)
	account := text(s.must(devKey, `{ viewer { account { id } } }`, nil), "viewer.account.id")
	t.Run("HasWhoAskedForWhat", func(t *testing.T) {
		t.Parallel()
		s := s.in(t)
		got := s.request("POST", "/graphql?secret=in-the-query", operation(`{ serverTime }`, nil), "X-Api-Key", devKey, "Content-Type", "application/json")
		line := s.logged(got.header.Get("X-Request-Id"))
		if line["msg"] != "request" || line["method"] != "POST" || line["path"] != "/graphql" || line["status"] != 200.0 ||
			line["account"] != account || line["credential"] != "API_KEY" || line["bytes"] != float64(len(got.body)) {
			t.Errorf("logged %v", line)
		}
	})
	t.Run("HasASocketWhenItHasEnded", func(t *testing.T) {
		t.Parallel()
		s := s.in(t)
		of := s.create(nil)
		c := s.connect(of.token)
		c.subscribe("1", watchSession, vars{"id": of.id})
		c.hear()
		_ = c.ws.CloseNow()
		var line map[string]any
		until(t, "the socket is logged", func() bool {
			for _, l := range s.lines() {
				if l["session"] == of.id && l["status"] == 101.0 {
					line = l
				}
			}
			return line != nil
		})
		if line["msg"] != "request" || line["method"] != "GET" || line["path"] != "/graphql" || line["credential"] != "ACCESS_TOKEN" || line["account"] != account {
			t.Errorf("logged %v", line)
		}
	})
	t.Run("GivesEveryRequestAnIDOfItsOwn", func(t *testing.T) {
		t.Parallel()
		s := s.in(t)
		seen := map[string]bool{}
		for range 3 {
			id := s.get("/healthz", "X-Request-Id", "chosen-by-the-client").header.Get("X-Request-Id")
			if id == "" || id == "chosen-by-the-client" || seen[id] {
				t.Errorf("request id %q", id)
			}
			seen[id] = true
		}
	})
	for name, request := range map[string]string{
		"ANewLineInThePath":   "GET /%0a%7B%22level%22:%22ERROR%22%7D%0d%0a HTTP/1.1",
		"ANSIInThePath":       "GET /%1b%5B2J%1b%5B31mred HTTP/1.1",
		"QuotesInThePath":     "GET /%22,%22level%22:%22ERROR HTTP/1.1",
		"NULInThePath":        "GET /a%00b HTTP/1.1",
		"NoUTF8InThePath":     "GET /%ff%fe HTTP/1.1",
		"ALineSeparator":      "GET /%e2%80%a8 HTTP/1.1",
		"DotsInThePath":       "GET /../../etc/passwd HTTP/1.1",
		"ALongPath":           "GET /" + strings.Repeat("a", 10_000) + " HTTP/1.1",
		"AQueryThatIsNoQuery": "GET /?%zz=%0a&;;; HTTP/1.1",
		"AnUnknownMethod":     "BREW /pot HTTP/1.1",
		"AForgedAddress":      "GET / HTTP/1.1\r\nX-Forwarded-For: \"}{\"level\":\"ERROR\"",
		"AForgedAgent":        "GET / HTTP/1.1\r\nUser-Agent: \t\"}\\n\xe2\x80\xa8",
		"AnAbsoluteTarget":    "GET http://evil.example/x HTTP/1.1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			got := s.raw(request + "\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
			line := s.logged(got.header.Get("X-Request-Id")) // every line is JSON, else this fails
			if line["level"] != "INFO" || line["status"] != float64(got.status) || !strings.HasPrefix(text(line, "remote"), "127.0.0.1:") {
				t.Errorf("logged %v", line)
			}
		})
	}
	t.Run("KeepsToOneLineAsTextToo", func(t *testing.T) {
		t.Parallel()
		s := serve(t, "--log-format=text")
		before := strings.Count(s.logs.String(), "\n")
		id := s.raw("GET /%0aforged%0d%1b%5B31m HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").header.Get("X-Request-Id")
		until(t, "it is logged", func() bool { return strings.Contains(s.logs.String(), id) })
		for _, line := range strings.Split(s.logs.String(), "\n")[before:] {
			if strings.HasPrefix(line, "forged") || strings.ContainsAny(line, "\r\x1b") {
				t.Errorf("logged %q", line)
			}
		}
	})
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trusted string
		hops    []string
		want    string
	}{
		"TheSocketWithoutAProxy":            {"", []string{"203.0.113.7"}, "127.0.0.1"},
		"TheSocketWhenItIsNotTrusted":       {"10.0.0.0/8", []string{"203.0.113.7"}, "127.0.0.1"},
		"TheSocketWhenTheProxySaysNothing":  {"127.0.0.1/32", nil, "127.0.0.1"},
		"WhatTheProxySays":                  {"127.0.0.1/32", []string{"203.0.113.7"}, "203.0.113.7"},
		"NotWhatTheClientWroteItself":       {"127.0.0.1/32", []string{"1.2.3.4, 203.0.113.7"}, "203.0.113.7"},
		"NotWhatTheClientWroteInItsOwnLine": {"127.0.0.1/32", []string{"1.2.3.4", "203.0.113.7"}, "203.0.113.7"},
		"WhatTheFirstOfTwoProxiesSays":      {"127.0.0.1/32,10.0.0.0/8", []string{"203.0.113.7, 10.1.2.3"}, "203.0.113.7"},
		"AnIPv6Address":                     {"127.0.0.1/32", []string{"2001:db8::7"}, "2001:db8::7"},
		"TheProxyWhenItWritesNoAddress":     {"127.0.0.1/32", []string{"203.0.113.7, unknown"}, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, "--trusted-proxies="+c.trusted)
			var header []string
			for _, hop := range c.hops {
				header = append(header, "X-Forwarded-For", hop)
			}
			line := s.logged(s.get("/healthz", header...).header.Get("X-Request-Id"))
			if host, _, err := net.SplitHostPort(text(line, "remote")); err != nil || host != c.want {
				t.Errorf("the request came from %v, want %s", line["remote"], c.want)
			}
		})
	}
}
