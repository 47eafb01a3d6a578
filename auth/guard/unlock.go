package guard

import "github.com/hashicorp/golang-lru/v2/simplelru"

// Unlock lifts the locks of a user and forgets his failures, from all addresses, and returns how many locks those were. What addresses
// are held back for stays.
func (g *Guard) Unlock(user string) (locks int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range g.locks.Keys() {
		if k.user == user {
			g.locks.Remove(k)
			locks++
		}
	}
	for _, tallies := range []*simplelru.LRU[key, *tally]{g.pairs, g.accounts} {
		for _, k := range tallies.Keys() {
			if t, found := tallies.Peek(k); found && k.user == user {
				t.forgive()
				t.wake()
			}
		}
	}
	return locks
}
