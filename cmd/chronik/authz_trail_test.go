package main

import (
	"errors"
	"testing"
	"time"
)

func TestParseSince(t *testing.T) {
	now := time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"7d": now.AddDate(0, 0, -7), "12h": now.Add(-12 * time.Hour), "30m": now.Add(-30 * time.Minute), "2030-01-01T00:00:00Z": now.AddDate(0, 0, -30).Add(-12 * time.Hour),
	} {
		if got, err := parseSince(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "0d", "-1h", "-3d", "99999999d", "soon", "2030-02-01T00:00:00Z", "2030-01-01"} {
		if got, err := parseSince(text, now); !errors.Is(err, errBadSince) {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
}
