package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// tolerant reports a value that cannot be read, under the name it was given by, and goes on
// with the default, so that the next one is looked at too.
type tolerant struct {
	kong.Mapper
	settings *settings
}

// Decode is Kong's; it never fails.
func (t tolerant) Decode(kctx *kong.DecodeContext, target reflect.Value) error {
	missing := !t.IsBool() && kctx.Scan.Peek().IsEOL()
	err := t.Mapper.Decode(kctx, target)
	if err == nil {
		return nil
	}
	if missing {
		err = errors.New("it has no value")
	}
	origin := t.settings.origin[kctx.Value]
	if origin == "" {
		origin = kctx.Value.ShortSummary()
	}
	t.settings.problems.add("%s %s", origin, wanted(target, err))
	target.SetZero()
	if kctx.Value.HasDefault {
		return t.Mapper.Decode(given(kctx.Value, kctx.Value.Default), target)
	}
	return nil
}

// wanted says what is wrong with a value and what to set.
func wanted(target reflect.Value, err error) string {
	switch target.Interface().(type) {
	case time.Duration:
		return "is no duration: set a number with its unit, such as 500ms, 30s or 10m"
	case []netip.Prefix:
		return "names no networks: set each as 10.0.0.0/8 or 192.0.2.7/32"
	case int:
		return "is no whole number: set one, such as 100"
	case slog.Level:
		return "is no level: set debug, info, warn or error"
	case Secret, DSN: // the error may repeat the text
		return "cannot be read: set it again"
	default:
		return fmt.Sprintf("cannot be read: %v", err)
	}
}

// IsBool tells Kong whether the flag stands without a value.
func (t tolerant) IsBool() bool {
	mapper, ok := t.Mapper.(kong.BoolMapper)
	return ok && mapper.IsBool()
}

func given(value *kong.Value, text string) *kong.DecodeContext {
	return &kong.DecodeContext{Value: value, Scan: kong.ScanFromTokens(kong.Token{Type: kong.FlagValueToken, Value: text})}
}

// describe puts a flag's default and environment name behind its help.
func (s *settings) describe(value *kong.Value) string {
	name, ok := s.names[value]
	if !ok {
		return value.Help
	}
	var notes []string
	if _, isPlans := value.Target.Interface().(Plans); value.HasDefault && !isPlans {
		notes = append(notes, "default "+value.Default)
	}
	if value.Tag.Has("dev") {
		notes = append(notes, "with --dev "+value.Tag.Get("dev"))
	}
	return fmt.Sprintf("%s (%s)", value.Help, strings.Join(append(notes, "$"+name), "; "))
}
