package config

import (
	"slices"
	"strings"
	"testing"
)

func TestCordonedDirectoriesAreLogDirectories(t *testing.T) {
	const dirs = loopback + "log.dirs=/a,/b\n"
	for text, want := range map[string][]string{"": nil, "*": {"/a", "/b"}, "/b": {"/b"}} {
		c := mustLoad(t, dirs+"cordoned.log.dirs="+text)
		if got := c.Storage.CordonedDirs; !slices.Equal(got, want) {
			t.Errorf("%q: %v", text, got)
		}
	}
	if _, _, err := load(t, dirs+"cordoned.log.dirs=/c"); err == nil || !strings.Contains(err.Error(), "/c is not one of log.dirs") {
		t.Errorf("a directory that is none: %v", err)
	}
}
