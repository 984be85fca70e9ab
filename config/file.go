package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/alecthomas/kong"
)

const environmentPrefix = "GREENROOM_"

// settingNames are the flag names of Config: the keys that a file may have. The commands that
// read a file share it, so each passes over settings it does not take.
var settingNames = sync.OnceValue(func() map[string]bool {
	parser := kong.Must(&Config{}, kong.Vars{"plans": "{}"})
	names := map[string]bool{}
	for _, flag := range parser.Model.Flags {
		names[flag.Name] = flag != parser.Model.HelpFlag
	}
	return names
})

// readFile gives the settings of the file that the command line or the environment names, once.
func (s *settings) readFile(kctx *kong.Context) map[string]string {
	if s.file != nil {
		return s.file
	}
	s.file = map[string]string{}
	for _, flag := range kctx.Flags() {
		if flag.Name != "config" {
			continue
		}
		path, _ := kctx.FlagValue(flag).(string)
		if path == "" {
			path = s.env[s.names[flag.Value]]
		}
		if path != "" {
			s.parseFile(path)
		}
	}
	return s.file
}

func (s *settings) parseFile(path string) {
	text, err := os.ReadFile(path) //nolint:gosec // G304: whoever starts the program chooses its file
	if err != nil {
		s.problems.add("read the file that --config names: %v", err)
		return
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if opening, err := decoder.Token(); err != nil || opening != json.Delim('{') {
		s.problems.add("%s is not a JSON object: set it as {\"public-url\": \"https://api.example.com\"}", path)
		return
	}
	for decoder.More() {
		if err := s.parseKey(path, decoder); err != nil {
			s.problems.add("%s is not JSON from byte %d on: %v", path, decoder.InputOffset(), err)
			return
		}
	}
	_, errClose := decoder.Token()
	if _, err := decoder.Token(); errClose != nil || !errors.Is(err, io.EOF) {
		s.problems.add("%s is not one JSON object: it is cut short, or something stands behind it", path)
	}
}

func (s *settings) parseKey(path string, decoder *json.Decoder) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	key, _ := token.(string)
	var raw json.RawMessage
	if err := decoder.Decode(&raw); err != nil {
		return err
	}
	if !settingNames()[key] {
		s.problems.add("%q in %s is not a setting%s", key, path, nearest(key, maps.Keys(settingNames())))
		return nil
	}
	if _, twice := s.file[key]; twice {
		s.problems.add("%q is in %s twice: keep one", key, path)
		return nil
	}
	value, err := flagText(raw)
	if err != nil {
		s.problems.add("%q in %s: %v", key, path, err)
		return nil
	}
	s.file[key] = value
	return nil
}

// flagText is a JSON value as it would be written on the command line: a list of strings
// divided by commas, and an object as its JSON.
func flagText(raw json.RawMessage) (string, error) {
	switch raw[0] {
	case 'n':
		return "", errors.New("null is no value: set one, or leave the key out")
	case '"':
		var text string
		err := json.Unmarshal(raw, &text)
		return text, err
	case '[':
		var list []string
		if err := json.Unmarshal(raw, &list); err != nil {
			return "", errors.New("want a list of strings")
		}
		return strings.Join(list, ","), nil
	}
	return string(raw), nil
}

// serviceLink is what Kubernetes puts into every container beside a Service named greenroom
// (kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
var serviceLink = regexp.MustCompile(`^GREENROOM_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$`)

// rejectUnknownEnvironment catches misspelt names, which would else be settings that silently
// do nothing.
func (s *settings) rejectUnknownEnvironment() {
	known := map[string]bool{}
	for _, name := range s.names {
		known[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(s.env)) {
		if strings.HasPrefix(name, environmentPrefix) && !known[name] && !serviceLink.MatchString(name) {
			s.problems.add("%s is not a setting%s", name, nearest(name, maps.Keys(known)))
		}
	}
}

// nearest suggests the name that was probably meant, if any is near.
func nearest(name string, names func(func(string) bool)) string {
	best, least := "", len(name)/3
	for _, candidate := range slices.Sorted(names) {
		if d := distance(name, candidate); d <= least {
			best, least = candidate, d-1
		}
	}
	if best == "" {
		return ": remove it"
	}
	return fmt.Sprintf(": did you mean %s?", best)
}

// distance counts the letters to insert, remove or replace to come from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
