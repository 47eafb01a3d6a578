package ldap

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// memory has the right log-ins of a short time, by an HMAC of name and password under a key of this process.
type memory struct {
	hold time.Duration
	key  [sha256.Size]byte
	seen *lru.Cache[[sha256.Size]byte, remembered]
}

type remembered struct {
	until  time.Time
	groups []string
}

func newMemory(hold time.Duration) (*memory, error) {
	seen, err := lru.New[[sha256.Size]byte, remembered](maxRemembered)
	if err != nil {
		return nil, fmt.Errorf("make the memory of log-ins: %w", err)
	}
	m := &memory{hold: hold, seen: seen}
	_, _ = rand.Read(m.key[:]) // crypto/rand.Read never fails: it ends the program instead
	return m, nil
}

func (m *memory) recall(user, password string) (groups []string, known bool) {
	if m.hold <= 0 {
		return nil, false
	}
	r, known := m.seen.Get(m.print(user, password))
	return r.groups, known && time.Now().Before(r.until)
}

func (m *memory) keep(user, password string, groups []string) {
	if m.hold > 0 {
		m.seen.Add(m.print(user, password), remembered{until: time.Now().Add(m.hold), groups: groups})
	}
}

func (m *memory) print(user, password string) [sha256.Size]byte {
	h := hmac.New(sha256.New, m.key[:])
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(user))))
	h.Write([]byte(user))
	h.Write([]byte(password))
	return [sha256.Size]byte(h.Sum(nil))
}
