package web

import (
	"strconv"
	"strings"
)

// Content codings, as RFC 9110 (section 8.4.1) names them.
const (
	brotli   = "br"
	gzipped  = "gzip"
	identity = "identity"
)

// accepted chooses the coding that a client likes best by its Accept-Encoding (RFC 9110, section
// 12.5.3), and of those that it likes alike the smallest. A client that says nothing, or nothing
// that can be done, has the content as it is.
func accepted(headers []string) string {
	quality := map[string]float64{}
	for element := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		coding, parameter, _ := strings.Cut(element, ";")
		quality[strings.ToLower(strings.TrimSpace(coding))] = weight(parameter)
	}
	best, most := identity, 0.0
	for _, coding := range []string{brotli, gzipped, identity} {
		q, named := quality[coding]
		if !named {
			q = quality["*"]
		}
		if q > most {
			best, most = coding, q
		}
	}
	return best
}

// weight is a coding's q-value; 1 when there is none, and 0, which is "not", when it is none of
// those that are allowed.
func weight(parameter string) float64 {
	name, value, given := strings.Cut(strings.TrimSpace(parameter), "=")
	if !given && name == "" {
		return 1
	}
	q, err := strconv.ParseFloat(value, 64)
	if !strings.EqualFold(strings.TrimSpace(name), "q") || err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}
