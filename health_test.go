package main

import "testing"

func TestHealthCommand(t *testing.T) {
	t.Parallel()
	s := serve(t)
	if printed, err := command(t, nil, "health", s.url+"/readyz"); err != nil || text(printed, "0.url") != s.url+"/readyz" {
		t.Errorf("printed %v, %v", printed, err)
	}
	if printed, err := command(t, nil, "health", s.url+"/nowhere"); err == nil || len(printed) > 0 {
		t.Errorf("a server that does not answer well: %v, %v", printed, err)
	}
	s.stop()
	if printed, err := command(t, nil, "health", s.url+"/healthz"); err == nil || len(printed) > 0 {
		t.Errorf("a server that is gone: %v, %v", printed, err)
	}
}
