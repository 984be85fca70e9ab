package config

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// A Rate is so many in a time, written as `100/5s`.
type Rate struct {
	Count int
	Per   time.Duration
}

var errRate = errors.New("want a count and a time, such as 100/5s")

// UnmarshalText reads `100/5s`: at least 1, in 1 ms to 24 h.
func (r *Rate) UnmarshalText(text []byte) error {
	count, per, ok := strings.Cut(string(text), "/")
	if !ok {
		return errRate
	}
	n, errCount := strconv.Atoi(count)
	d, errPer := time.ParseDuration(per)
	if errCount != nil || errPer != nil || n < 1 || d < time.Millisecond || d > 24*time.Hour {
		return errRate
	}
	*r = Rate{Count: n, Per: d}
	return nil
}
