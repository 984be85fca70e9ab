package auth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"greenroom/auth"
)

func TestOrigins(t *testing.T) {
	t.Parallel()
	origins := auth.Origins{"https://app.example"}
	for name, c := range map[string]struct {
		sent    []string
		allowed bool
	}{
		"OfNoPage":               {nil, true},
		"OfAPageThatIsNamed":     {[]string{"https://app.example"}, true},
		"OfThisHost":             {[]string{"http://greenroom.example"}, true},
		"OfThisHostBehindAProxy": {[]string{"https://greenroom.example"}, true},
		"OfThisHostInCapitals":   {[]string{"http://GREENROOM.example"}, true},
		"OfAnotherPort":          {[]string{"http://greenroom.example:81"}, false},
		"OfAnotherScheme":        {[]string{"ftp://greenroom.example"}, false},
		"OfAnExtension":          {[]string{"chrome-extension://greenroom.example"}, false},
		"WithASchemeInCapitals":  {[]string{"HTTPS://greenroom.example"}, false},
		"WithAPath":              {[]string{"http://greenroom.example/"}, false},
		"WithAUser":              {[]string{"http://greenroom.example@evil.example"}, false},
		"OfALongerHost":          {[]string{"https://app.example.evil.example"}, false},
		"OfANamedHostByHTTP":     {[]string{"http://app.example"}, false},
		"OfAFile":                {[]string{"null"}, false},
		"Empty":                  {[]string{""}, false},
		"Twice":                  {[]string{"https://app.example", "https://app.example"}, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://greenroom.example/", nil)
		r.Header["Origin"] = c.sent
		if origins.Allow(r) != c.allowed {
			t.Errorf("%s: %q allowed: %t", name, c.sent, !c.allowed)
		}
	}
}
