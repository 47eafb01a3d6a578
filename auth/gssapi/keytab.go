package gssapi

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/chronik-stream/chronik/auth/operatorfile"
)

// serviceKey is one key of the service. It is never printed.
type serviceKey struct {
	name name
	kvno uint32
	key  types.EncryptionKey
}

// keyring is what a keytab has of keys that tickets may be for, and when it was read. It is immutable.
type keyring struct {
	keys []serviceKey
	read time.Time
}

// find returns the keys that a ticket may be encrypted with; kvno 0 stands for every version.
func (k *keyring) find(service name, enctype int32, kvno int) []types.EncryptionKey {
	var found []types.EncryptionKey
	for i := range k.keys {
		e := &k.keys[i]
		if e.key.KeyType == enctype && (kvno == 0 || int64(kvno) == int64(e.kvno)) && e.name.equal(service) {
			found = append(found, e.key)
		}
	}
	return found
}

// wanted says which keys of a keytab count.
type wanted struct {
	// service is the first component of their names.
	service string
	// principal is a name that has to be there, "" components where any will do; without a realm it may be of any.
	principal name
	enctypes  enctypes
}

// readKeytab reads a file, whole and bounded.
func readKeytab(path string) ([]byte, error) {
	f, err := operatorfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("keytab: %w", err)
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, maxKeytabBytes+1))
	if err != nil {
		return nil, fmt.Errorf("keytab %s: %w", path, err)
	}
	if len(raw) > maxKeytabBytes {
		return nil, fmt.Errorf("%w: keytab %s: more than %d bytes", ErrBadConfig, path, maxKeytabBytes)
	}
	return raw, nil
}

// parseKeytab takes from a keytab's bytes the keys that are wanted. The library's errors hold the file, keys included, and are dropped.
func parseKeytab(path string, raw []byte, w wanted) (*keyring, error) {
	kt := keytab.New()
	if err := contain(func() error { return kt.Unmarshal(raw) }); err != nil {
		return nil, fmt.Errorf("%w: %s is no keytab, or cut off", ErrBadConfig, path)
	}
	ring := &keyring{}
	var others []string
	for i := range kt.Entries {
		e := &kt.Entries[i]
		n := name{e.Principal.Components, e.Principal.Realm}
		if len(n.components) > 0 && n.components[0] == w.service && w.enctypes.checkKey("key", e.Key) == nil {
			ring.keys = append(ring.keys, serviceKey{name: n, kvno: e.KVNO, key: e.Key})
			continue
		}
		others = append(others, fmt.Sprintf("%.255q (encryption type %d)", n, e.Key.KeyType))
	}
	if slices.ContainsFunc(ring.keys, func(k serviceKey) bool { return w.principal.covers(k.name) }) {
		return ring, nil
	}
	for i := range ring.keys {
		others = append(others, fmt.Sprintf("%.255q (encryption type %d)", ring.keys[i].name, ring.keys[i].key.KeyType))
	}
	return nil, fmt.Errorf("%w: keytab %s has no key of %s with an encryption type that is accepted; it has %s",
		ErrBadConfig, path, w, listed(others))
}

func (w wanted) String() string {
	if len(w.principal.components) == 0 {
		return w.service + "/..."
	}
	return w.principal.String()
}

// covers reports whether n is the name, or any name for one without components, of any realm for one without a realm.
func (n name) covers(o name) bool {
	return len(n.components) == 0 || slices.Equal(n.components, o.components) && (n.realm == "" || n.realm == o.realm)
}

func listed(names []string) string {
	slices.Sort(names)
	names = slices.Compact(names)
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > maxListedNames:
		return strings.Join(names[:maxListedNames], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}
