package plain

import (
	"crypto/fips140"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/magiconair/properties"

	"github.com/chronik-stream/chronik/auth"
)

// ErrBadUserFile is wrapped by ReadUsers' errors. They name users, never passwords.
var ErrBadUserFile = errors.New("bad file of PLAIN users")

// Users are the credentials of a file. It is immutable.
type Users struct {
	byName map[string]Credential
	// mechanism and iterations are what most of them have.
	mechanism  string
	iterations int
}

// ReadUsers reads a properties file with a line user=password for each user. A password may stand hashed instead, as
// SCRAM-SHA-512$iterations:salt$StoredKey:ServerKey (RFC 5803, base64; SCRAM-SHA-256 as well); those in clear are hashed here
// and forgotten. Backslashes are doubled, as the format wants them. check returns why a password in clear is not taken; nil takes
// all.
func ReadUsers(r io.Reader, check func(user, password string) error) (*Users, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read a file of PLAIN users: %w", err)
	}
	if len(text) > maxFileBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrBadUserFile, maxFileBytes)
	}
	loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	lines, err := loader.LoadBytes(text)
	if err != nil {
		return nil, fmt.Errorf("%w: it is no properties file", ErrBadUserFile) // the cause may hold a password
	}
	users := &Users{byName: make(map[string]Credential, lines.Len())}
	clear := map[string]string{}
	for _, name := range lines.Keys() { // in the order of the file: the first bad one is told, each time
		value, _ := lines.Get(name)
		if name == "" || len(name) > auth.MaxNameBytes || value == "" || len(value) > auth.MaxPasswordBytes {
			return nil, fmt.Errorf("%w: user %q has no name or no password, or one that is too long", ErrBadUserFile, name)
		}
		if !strings.HasPrefix(value, "SCRAM-SHA-") {
			if check != nil {
				if err := check(name, value); err != nil {
					return nil, fmt.Errorf("%w: user %q: %w", ErrBadUserFile, name, err)
				}
			}
			clear[name] = value
			continue
		}
		if users.byName[name], err = parseHashed(value); err != nil {
			return nil, fmt.Errorf("%w: user %q: %w", ErrBadUserFile, name, err)
		}
	}
	if len(clear) > maxClearUsers {
		return nil, fmt.Errorf("%w: %d passwords in clear, allowed are %d: hash them", ErrBadUserFile, len(clear), maxClearUsers)
	}
	if err := users.addClear(clear); err != nil {
		return nil, err
	}
	users.settle()
	return users, nil
}

// Lookup returns a user's credential; it is a StoredConfig.Lookup.
func (u *Users) Lookup(user string) (Credential, bool) {
	c, found := u.byName[user]
	return c, found
}

// Usual is what most users' passwords cost to check, of equally many the cheapest; it is a StoredConfig.Usual.
func (u *Users) Usual() (mechanism string, iterations int) { return u.mechanism, u.iterations }

// settle finds out what Usual returns.
func (u *Users) settle() {
	type cost struct {
		mechanism  string
		iterations int
	}
	counts, most := map[cost]int{}, 0
	for _, c := range u.byName {
		counts[cost{c.Mechanism, c.Iterations}]++
	}
	for c, n := range counts {
		if n > most || n == most && (c.iterations < u.iterations || c.iterations == u.iterations && c.mechanism < u.mechanism) {
			u.mechanism, u.iterations, most = c.mechanism, c.iterations, n
		}
	}
}

// Len is the number of users.
func (u *Users) Len() int { return len(u.byName) }

// addClear hashes passwords on all processors.
func (u *Users) addClear(passwords map[string]string) error {
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		fails []error
		turns = make(chan struct{}, runtime.GOMAXPROCS(0))
	)
	for name, password := range passwords {
		turns <- struct{}{}
		group.Go(func() {
			defer func() { <-turns }()
			c := Credential{Mechanism: defaultMechanism, Salt: randomSalt(), Iterations: defaultIterations}
			var err error
			c.StoredKey, err = storedKey(c.Mechanism, password, c.Salt, c.Iterations)
			mu.Lock()
			defer mu.Unlock()
			u.byName[name] = c
			if err != nil {
				fails = append(fails, fmt.Errorf("hash the password of %q: %w", name, err))
			}
		})
	}
	group.Wait()
	return errors.Join(fails...)
}

// parseHashed reads SCHEME$iterations:salt$StoredKey:ServerKey (RFC 5803 section 2).
func parseHashed(s string) (Credential, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 3 {
		return Credential{}, fmt.Errorf("%w: want SCHEME$iterations:salt$StoredKey:ServerKey", ErrUnusable)
	}
	h, err := hashOf(parts[0])
	if err != nil {
		return Credential{}, err
	}
	count, salt, _ := strings.Cut(parts[1], ":")
	stored, _, _ := strings.Cut(parts[2], ":")
	c := Credential{Mechanism: parts[0]}
	var errs [3]error
	c.Iterations, errs[0] = strconv.Atoi(count)
	c.Salt, errs[1] = base64.StdEncoding.DecodeString(salt)
	c.StoredKey, errs[2] = base64.StdEncoding.DecodeString(stored)
	if errors.Join(errs[:]...) != nil || len(c.Salt) == 0 || len(c.StoredKey) != h().Size() {
		return Credential{}, fmt.Errorf("%w: iterations, salt or key do not parse", ErrUnusable)
	}
	if fips140.Enabled() && len(c.Salt) < minFIPSSalt {
		return Credential{}, fmt.Errorf("%w: salt of %d bytes, in FIPS 140-3 mode at least %d are needed: hash the password again", ErrUnusable, len(c.Salt), minFIPSSalt)
	}
	if c.Iterations < minIterations || c.Iterations > maxIterations {
		return Credential{}, fmt.Errorf("%w: %d iterations, allowed are %d to %d", ErrUnusable, c.Iterations, minIterations, maxIterations)
	}
	return c, nil
}
