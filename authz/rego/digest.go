package rego

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// digestForm names what follows in the digest of a directory; docs/formats.md has it. Other brokers and people keep such digests: another order
// or another part needs another name.
const digestForm = "chronik-policies-1"

// digest is the digest of a directory's policies: of texts, each after its length.
type digest struct{ hash hash.Hash }

func newDigest() digest {
	d := digest{sha256.New()}
	d.text([]byte(digestForm))
	return d
}

func (d digest) text(b []byte) {
	d.hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
	d.hash.Write(b)
}

func (d digest) sum() (sum [sha256.Size]byte) {
	d.hash.Sum(sum[:0])
	return sum
}
