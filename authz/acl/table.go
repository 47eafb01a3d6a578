package acl

import (
	"bytes"
	"slices"
)

const (
	// levelBits is how many bits of a hash choose among the children of a node.
	levelBits = 6
	fan       = 1 << levelBits
	// lowest is the level where a leaf splits no more: the levels above it have used up the hash, but for the byte that is the tag.
	lowest = (64 - 8) / levelBits
	// leafRoom is how many entries a leaf has before it splits. With as many tags a node is as large as a line of the processor's caches.
	leafRoom = 32
	// leafAgain is how few entries become one leaf again, far enough below leafRoom that entries that come and go do not split it each time.
	leafAgain = leafRoom / 2
)

// table is a hash table that never changes: put returns another one, which shares all but one path with it. A look-up reads some six
// lines of memory, whatever the table holds. Who calls brings the hash of the key, by a seed that nobody outside can know, so that no choice
// of keys makes a table deep. The zero value is empty.
type table[K comparable, V any] struct {
	root *node[K, V]
}

// node is a leaf or, where it has children, an inner node.
type node[K comparable, V any] struct {
	children *[fan]*node[K, V]
	entries  []entry[K, V]
	// tags are a byte of each entry's hash: they are searched, and an entry is looked at only where its tag is the wanted one.
	tags [leafRoom]byte
}

type entry[K comparable, V any] struct {
	hash  uint64
	key   K
	value V
}

// slot is which child of an inner node at a level has the hash: the first level has the highest bits.
func slot(hash uint64, level int) uint64 { return hash << (levelBits * level) >> (64 - levelBits) }

func tag(hash uint64) byte { return byte(hash) } //nolint:gosec // the lowest byte is meant

// get returns the key's value, nil if it has none. The value must not be changed.
func (t table[K, V]) get(hash uint64, key K) *V {
	n := t.root
	for level := 0; n != nil && n.children != nil; level++ {
		n = n.children[slot(hash, level)]
	}
	if n == nil {
		return nil
	}
	i := n.find(hash, key)
	if i < 0 {
		return nil
	}
	return &n.entries[i].value
}

// find returns where a leaf has the key, or -1.
func (n *node[K, V]) find(hash uint64, key K) int {
	tagged := min(len(n.entries), leafRoom)
	for i := 0; i < tagged; i++ {
		next := bytes.IndexByte(n.tags[i:tagged], tag(hash))
		if next < 0 {
			break
		}
		i += next
		if e := &n.entries[i]; e.hash == hash && e.key == key {
			return i
		}
	}
	for i := tagged; i < len(n.entries); i++ {
		if e := &n.entries[i]; e.hash == hash && e.key == key {
			return i
		}
	}
	return -1
}

// put returns the table with another value for the key, without the key where there is no value.
func (t table[K, V]) put(hash uint64, key K, value *V) table[K, V] {
	if value == nil {
		return table[K, V]{root: t.root.without(hash, key, 0)}
	}
	return table[K, V]{root: t.root.with(entry[K, V]{hash: hash, key: key, value: *value}, 0)}
}

func newLeaf[K comparable, V any](entries []entry[K, V]) *node[K, V] {
	n := &node[K, V]{entries: entries}
	for i := range min(len(entries), leafRoom) {
		n.tags[i] = tag(entries[i].hash)
	}
	return n
}

// with returns the node at a level, nil for none, with the entry.
func (n *node[K, V]) with(e entry[K, V], level int) *node[K, V] {
	if n == nil {
		return newLeaf([]entry[K, V]{e})
	}
	if n.children != nil {
		children := *n.children
		at := slot(e.hash, level)
		children[at] = children[at].with(e, level+1)
		return &node[K, V]{children: &children}
	}
	if i := n.find(e.hash, e.key); i >= 0 {
		entries := slices.Clone(n.entries)
		entries[i] = e
		return &node[K, V]{entries: entries, tags: n.tags}
	}
	entries := make([]entry[K, V], 0, len(n.entries)+1)
	entries = append(append(entries, n.entries...), e)
	if len(entries) <= leafRoom || level == lowest {
		return newLeaf(entries)
	}
	split := &node[K, V]{children: new([fan]*node[K, V])}
	for _, e := range entries {
		at := slot(e.hash, level)
		split.children[at] = split.children[at].with(e, level+1)
	}
	return split
}

// without returns the node at a level without the key, nil where nothing is left.
func (n *node[K, V]) without(hash uint64, key K, level int) *node[K, V] {
	if n == nil {
		return nil
	}
	if n.children != nil {
		children := *n.children
		at := slot(hash, level)
		children[at] = children[at].without(hash, key, level+1)
		return join(&children)
	}
	i := n.find(hash, key)
	switch {
	case i < 0:
		return n
	case len(n.entries) == 1:
		return nil
	default:
		entries := make([]entry[K, V], 0, len(n.entries)-1)
		return newLeaf(append(append(entries, n.entries[:i]...), n.entries[i+1:]...))
	}
}

// join makes an inner node of the children, or one leaf where they have few entries.
func join[K comparable, V any](children *[fan]*node[K, V]) *node[K, V] {
	var few []entry[K, V]
	for _, child := range children {
		switch {
		case child == nil:
		case child.children != nil || len(few)+len(child.entries) > leafAgain:
			return &node[K, V]{children: children}
		default:
			few = append(few, child.entries...)
		}
	}
	return newLeaf(few)
}

// each calls visit for every key, in no order, until it returns false; it returns whether it has come to the end.
func (t table[K, V]) each(visit func(K, *V) bool) bool { return t.root.each(visit) }

func (n *node[K, V]) each(visit func(K, *V) bool) bool {
	if n == nil {
		return true
	}
	for i := range n.entries {
		if !visit(n.entries[i].key, &n.entries[i].value) {
			return false
		}
	}
	if n.children == nil {
		return true
	}
	for _, child := range n.children {
		if !child.each(visit) {
			return false
		}
	}
	return true
}
