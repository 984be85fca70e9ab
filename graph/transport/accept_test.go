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
