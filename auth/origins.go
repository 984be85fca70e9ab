package auth

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Origins are the web pages that may open a socket from a browser, each as scheme://host[:port],
// besides pages of the host that is asked.
type Origins []string

// Allow tells whether a request comes from a page that may connect, or from no page: programs
// send no Origin. A browser lets any page open a socket to anywhere, and says only where the page
// is from. What is written differently from how browsers write it is a stranger's.
func (o Origins) Allow(r *http.Request) bool {
	sent := r.Header.Values("Origin")
	if len(sent) != 1 {
		return len(sent) == 0
	}
	if slices.Contains(o, sent[0]) {
		return true
	}
	page, err := url.Parse(sent[0])
	return err == nil && (page.Scheme == "https" || page.Scheme == "http") && page.Scheme+"://"+page.Host == sent[0] &&
		strings.EqualFold(page.Host, r.Host)
}
