package main

import (
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"greenroom/config"
)

// readLines gives a file's lines that are not comments, each with the section that it is in.
func readLines(t *testing.T, file string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	section, lines := "", map[string][]string{}
	for line := range strings.Lines(string(text)) {
		switch line = strings.TrimSpace(line); {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			section = line
		default:
			lines[section] = append(lines[section], line)
		}
	}
	return lines
}

// TestUnit holds deploy/greenroom.service against the program. systemd passes over what stands in
// the wrong section with a warning that nobody reads.
func TestUnit(t *testing.T) {
	t.Parallel()
	unit := readLines(t, "deploy/greenroom.service")
	wrong := exitCode(&config.Error{}, io.Discard)
	for section, lines := range map[string][]string{
		"[Unit]": {"StartLimitIntervalSec=0"},
		// A panic ends a Go program with 2, and that must start again.
		"[Service]": {"Restart=always", "RestartPreventExitStatus=" + strconv.Itoa(wrong), "StateDirectory=greenroom"},
	} {
		for _, line := range lines {
			if !slices.Contains(unit[section], line) {
				t.Errorf("%s has no %s", section, line)
			}
		}
	}
	if wrong <= 2 {
		t.Errorf("settings that cannot work end with %d, as other things do", wrong)
	}
	// Operators' commands meet the same database, by the same rights.
	text, err := os.ReadFile("deploy/greenroom.service")
	if err != nil {
		t.Fatal(err)
	}
	_, command, _ := strings.Cut(string(text), "systemd-run")
	command, _, _ = strings.Cut(command, "account list")
	for _, line := range unit["[Service]"] {
		name, _, _ := strings.Cut(line, "=")
		shared := []string{"DynamicUser", "User", "StateDirectory", "WorkingDirectory", "UMask", "Environment", "EnvironmentFile"}
		if slices.Contains(shared, name) && !strings.Contains(command, "-p "+line+" ") {
			t.Errorf("systemd-run is not given %s", line)
		}
	}
}

// TestSettingsFile: the file is for systemd and for containers, so it says nothing that only one of
// them can keep to, and all that is in it is a setting.
func TestSettingsFile(t *testing.T) {
	t.Parallel()
	settings := map[string]string{}
	for _, line := range readLines(t, "deploy/greenroom.env")[""] {
		name, value, _ := strings.Cut(line, "=")
		settings[name] = value
	}
	for _, own := range []string{"GREENROOM_LISTEN", "GREENROOM_ADMIN_LISTEN", "GREENROOM_DATABASE"} {
		if value, said := settings[own]; said {
			t.Errorf("%s=%s overrides the image's own, or the unit's", own, value)
		}
	}
	settings["DAILY_API_KEY"] = "0123456789abcdef" // whoever installs it fills it in
	environ := make([]string, 0, len(settings))
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		environ = append(environ, name+"="+settings[name])
	}
	var cli commands
	if _, err := config.Parse(&cli, []string{"serve"}, environ, io.Discard); err != nil {
		t.Error(err)
	}
	if got := cli.Serve.Listen; got != "127.0.0.1:8080" {
		t.Errorf("it listens on %s", got)
	}
}
