package replica

import "testing"

// TestHeadersAloneAreNeverEnoughForCompaction: a record without a key would stop it.
func TestHeadersAloneAreNeverEnoughForCompaction(t *testing.T) {
	for _, c := range []struct{ headerOnly, compacted, want bool }{{false, false, false}, {true, false, true}, {true, true, false}, {false, true, false}} {
		s := Settings{HeaderOnly: c.headerOnly, Compacted: c.compacted}
		if r := s.rules(0, true); r.HeaderOnly != c.want || r.KeysRequired != c.compacted {
			t.Errorf("header %v on a compacted (%v) topic: %+v", c.headerOnly, c.compacted, r)
		}
	}
}
