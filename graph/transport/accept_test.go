package transport

import "testing"

func TestNegotiate(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"":                                  jsonMedia,
		" ":                                 jsonMedia,
		"*/*":                               jsonMedia,
		"application/*":                     jsonMedia,
		"application/json":                  jsonMedia,
		"APPLICATION/JSON":                  jsonMedia,
		"application/json; charset=utf-8":   jsonMedia,
		"application/graphql-response+json": graphQLResponse,
		"application/graphql-response+json, application/json;q=0.9":   graphQLResponse,
		"application/json, application/graphql-response+json":         graphQLResponse,
		"application/json;q=0.9, application/graphql-response+json":   graphQLResponse,
		"application/json, application/graphql-response+json;q=0.9":   jsonMedia,
		"application/graphql-response+json;q=0, */*":                  jsonMedia,
		"application/json;q=0, */*":                                   graphQLResponse,
		"text/html, */*;q=0.1":                                        jsonMedia,
		"text/html":                                                   "",
		"text/event-stream":                                           "",
		"application/json;q=0":                                        "",
		"*/*;q=0":                                                     "",
		"application/json; charset=utf-16":                            "",
		"application/json;q=NaN":                                      "",
		"application/json;q=2":                                        "",
		"nonsense":                                                    "",
		"application/graphql-response+json;q=0.5, application/*;q=.7": jsonMedia,
	} {
		media, ok := negotiate([]string{header})
		if !ok {
			media = ""
		}
		if media != want {
			t.Errorf("%q answers %q, want %q", header, media, want)
		}
	}
	if media, ok := negotiate([]string{"text/html", "application/graphql-response+json"}); !ok || media != graphQLResponse {
		t.Errorf("two headers answer %q, %v", media, ok)
	}
}

func TestNegotiateEvents(t *testing.T) {
	t.Parallel()
	const never, can, first = 0, 1, 2
	for header, want := range map[string]int{
		"":                                   never,
		"*/*":                                never,
		"application/json":                   never,
		"text/event-stream;q=0":              never,
		"text/event-stream; charset=utf-16":  never,
		"text/event-stream":                  first,
		"TEXT/EVENT-STREAM":                  first,
		"text/*":                             first,
		"text/event-stream, */*":             first,
		"text/event-stream, application/*":   first,
		"text/event-stream, multipart/mixed": first,
		"application/json;q=0.9, text/event-stream": first,
		"application/json, text/event-stream":       can,
		"text/*, */*;q=1":                           first,
		"text/*, application/json":                  can,
		"text/event-stream;q=0.5, */*":              can,
		"application/graphql-response+json, application/json, text/event-stream, multipart/mixed": can,
	} {
		readable, preferred := negotiateEvents([]string{header})
		got := never
		if readable {
			got = can
		}
		if preferred {
			got = first
		}
		if got != want {
			t.Errorf("%q is %d, want %d", header, got, want)
		}
	}
}
