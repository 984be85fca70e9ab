package config

import (
	"errors"
	"fmt"
	"strings"
)

// An Error is everything that is wrong with a configuration, each a sentence that says what
// to set. None repeats a secret.
type Error struct{ Problems []string }

func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return e.Problems[0]
	}
	return fmt.Sprintf("%d problems with the configuration:\n  %s", len(e.Problems), strings.Join(e.Problems, "\n  "))
}

// problems gathers what is wrong, so that one start shows it all.
type problems []string

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

// err is an *Error of what was gathered; nil when nothing was.
func (p *problems) err() error {
	if len(*p) == 0 {
		return nil
	}
	return &Error{*p}
}

// join adds another error, unpacked when it is an Error itself.
func (p *problems) join(err error) {
	if err == nil {
		return
	}
	if many, ok := errors.AsType[*Error](err); ok {
		*p = append(*p, many.Problems...)
		return
	}
	*p = append(*p, err.Error())
}
