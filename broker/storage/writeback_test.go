package storage

import "testing"

// TestPacerGivesTheOldest: who has paceBytes comes first, then, one by one and only beyond the limit, whoever has waited the longest. What a
// sync has given does not count any more, and who comes again is the newest.
func TestPacerGivesTheOldest(t *testing.T) {
	p := newPacer(paceShare * 100 * pageBytes)
	segments := make([]*segment, 3)
	for i := range segments {
		segments[i] = &segment{}
	}
	grow := func(i int, pages int64) {
		segments[i].size.Add(pages * pageBytes)
		p.wrote(segments[i], pages*pageBytes)
	}
	expect := func(what string, want int, from, pages int64) {
		t.Helper()
		s, at, size := p.next()
		if want < 0 {
			if s != nil {
				t.Fatalf("%s: %d bytes are given, want none", what, size)
			}
			return
		}
		if s != segments[want] || at != from*pageBytes || size != pages*pageBytes {
			t.Fatalf("%s: %d bytes at %d are given, want %d pages at page %d of segment %d", what, size, at, pages, from, want)
		}
	}
	grow(0, 40)
	grow(1, 30)
	grow(2, 30)
	expect("at the limit", -1, 0, 0)
	grow(2, 1)
	expect("beyond the limit", 0, 0, 40)
	expect("below it again", -1, 0, 0)
	grow(0, 30)
	grow(2, 10)
	p.given(segments[1]) // 71 pages are left
	grow(1, 32)
	expect("the oldest", 2, 0, 41)
	grow(1, paceBytes/pageBytes-32)
	expect("a full one", 1, 30, paceBytes/pageBytes)
	expect("little left", -1, 0, 0)
	p.given(segments[0])
	if p.bytes != 0 || p.oldest != nil || p.newest != nil {
		t.Fatalf("%d bytes are left where all is given", p.bytes)
	}
}
