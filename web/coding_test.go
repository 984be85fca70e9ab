package web_test

import (
	"strings"
	"testing"

	"greenroom/web"
)

func TestAccepted(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"":                        "identity",
		"gzip, deflate, br, zstd": "br",
		"gzip":                    "gzip",
		"GZIP":                    "gzip",
		"br;q=0.5, gzip":          "gzip",
		"br ; q=0.5 , gzip;Q=0.4": "br",
		"br;q=0, gzip;q=0.001":    "gzip",
		"br;q=0, gzip;q=0":        "identity",
		"*":                       "br",
		"*;q=0.5, gzip":           "gzip",
		"br;q=0, *":               "gzip",
		"identity, gzip;q=0.5":    "identity",
		"identity;q=0.5, gzip":    "gzip",
		"identity":                "identity",
		"identity;q=0":            "identity",
		"deflate, zstd":           "identity",
		"br;q=2, gzip":            "gzip",
		"br;q=NaN, gzip;q=-1":     "identity",
		"br;q, gzip;level=9":      "identity",
		"brotli, xgzip":           "identity",
		",,;;=,q=1,*;q=" + strings.Repeat("9", 5000): "identity",
	} {
		if got := web.Accepted([]string{header}); got != want {
			t.Errorf("%.40q: %s, want %s", header, got, want)
		}
	}
	if got := web.Accepted([]string{"gzip;q=0.5", "br"}); got != "br" {
		t.Errorf("two headers: %s", got)
	}
}
