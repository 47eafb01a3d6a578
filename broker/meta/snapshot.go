package meta

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/chronik-stream/chronik/authz"
)

// A snapshot is, in this order, all integers big-endian:
//
//	magic "CHRM" | version u16 | entries: (length u32, JSON of snapshotEntry)* | length 0 u32 | CRC-32C u32 of all before it
const (
	snapshotMagic    = "CHRM"
	snapshotVersion  = 1
	maxSnapshotEntry = 64 << 20 // a topic of 500,000 partitions
)

// ErrBadSnapshot is wrapped by the errors of ReadSnapshot.
var ErrBadSnapshot = errors.New("metadata snapshot")

// snapshotEntry is one thing; exactly one field is set.
type snapshotEntry struct {
	Head     *snapshotHead    `json:"head,omitempty"`
	Topic    *Topic           `json:"topic,omitempty"`
	Config   *snapshotConfig  `json:"config,omitempty"`
	ACL      *authz.Binding   `json:"acl,omitempty"`
	Scram    *ScramCredential `json:"scram,omitempty"`
	Token    *Token           `json:"token,omitempty"`
	Quotas   *Quotas          `json:"quotas,omitempty"`
	Approval *Approval        `json:"approval,omitempty"`
	Broker   *Broker          `json:"broker,omitempty"`
	Audit    *AuditRecord     `json:"audit,omitempty"`
	Created  *Created         `json:"created,omitempty"`
}

type snapshotHead struct {
	Index          uint64           `json:"index"`
	ClusterID      string           `json:"clusterId"`
	Features       map[string]int16 `json:"features"`
	NextProducerID int64            `json:"nextProducerId"`
	Secret         []byte           `json:"secret"`
	AuditFrom      int64            `json:"auditFrom"`
}

type snapshotConfig struct {
	Key    ResourceKey       `json:"key"`
	Values map[string]string `json:"values"`
}

// WriteSnapshot writes the image.
func (img *Image) WriteSnapshot(w io.Writer) error {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	buffered := bufio.NewWriter(w)
	s := &snapshotWriter{w: io.MultiWriter(buffered, sum)}
	s.raw([]byte(snapshotMagic))
	s.raw(binary.BigEndian.AppendUint16(nil, snapshotVersion))
	img.entries(func(e snapshotEntry) bool { s.entry(e); return s.err == nil })
	s.raw(make([]byte, 4))
	if s.err == nil {
		_, s.err = buffered.Write(binary.BigEndian.AppendUint32(nil, sum.Sum32()))
	}
	if s.err == nil {
		s.err = buffered.Flush()
	}
	if s.err != nil {
		return fmt.Errorf("write metadata snapshot at index %d: %w", img.index, s.err)
	}
	return nil
}

type snapshotWriter struct {
	w   io.Writer
	err error
}

func (s *snapshotWriter) raw(p []byte) {
	if s.err == nil {
		_, s.err = s.w.Write(p)
	}
}

func (s *snapshotWriter) entry(e snapshotEntry) {
	data, err := json.Marshal(e)
	if err != nil {
		s.err = err
		return
	}
	if len(data) > maxSnapshotEntry {
		s.err = fmt.Errorf("%w: entry of %d bytes, at most %d can be read", ErrBadSnapshot, len(data), maxSnapshotEntry)
		return
	}
	s.raw(binary.BigEndian.AppendUint32(nil, uint32(len(data)))) //nolint:gosec // checked above
	s.raw(data)
}

func (img *Image) entries(yield func(snapshotEntry) bool) {
	if !yield(snapshotEntry{Head: &snapshotHead{
		Index: img.index, ClusterID: img.clusterID, Features: img.features, NextProducerID: img.nextProducerID,
		Secret: img.secret, AuditFrom: img.auditFrom,
	}}) {
		return
	}
	img.Topics(func(t *Topic) bool { return yield(snapshotEntry{Topic: t}) })
	for _, kind := range []ConfigType{BrokerConfig, GroupConfig, UserConfig} {
		img.Configured(kind, func(k ResourceKey, v map[string]string) bool {
			return yield(snapshotEntry{Config: &snapshotConfig{Key: k, Values: v}})
		})
	}
	img.ACLs(func(b authz.Binding) bool { return yield(snapshotEntry{ACL: &b}) })
	img.scram.Root().Walk(func(_ []byte, c ScramCredential) bool { return !yield(snapshotEntry{Scram: &c}) })
	img.Tokens(func(t *Token) bool { return yield(snapshotEntry{Token: t}) })
	img.AllQuotas(func(q *Quotas) bool { return yield(snapshotEntry{Quotas: q}) })
	img.Approvals(func(a *Approval) bool { return yield(snapshotEntry{Approval: a}) })
	img.Brokers(func(b *Broker) bool { return yield(snapshotEntry{Broker: b}) })
	img.PendingAudit(func(r *AuditRecord) bool { return yield(snapshotEntry{Audit: r}) })
	img.created.Root().Walk(func(_ []byte, c Created) bool { return !yield(snapshotEntry{Created: &c}) })
}

// ReadSnapshot reads an image. A snapshot of a newer version, a wrong checksum or an unknown entry is an error.
func ReadSnapshot(r io.Reader) (*Image, error) {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	source := bufio.NewReader(r)
	in := io.TeeReader(source, sum)
	var head [6]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrBadSnapshot, err)
	}
	if string(head[:4]) != snapshotMagic {
		return nil, fmt.Errorf("%w: magic is %q", ErrBadSnapshot, head[:4])
	}
	if v := binary.BigEndian.Uint16(head[4:]); v != snapshotVersion {
		return nil, fmt.Errorf("%w: version %d, this broker reads %d", ErrBadSnapshot, v, snapshotVersion)
	}
	d := &draft{img: NewImage()}
	for first := true; ; first = false {
		data, err := readEntry(in)
		if err != nil {
			return nil, err
		}
		if data == nil && !first {
			break
		}
		if err := d.restore(data, first); err != nil {
			return nil, err
		}
	}
	if err := readEnd(source, sum.Sum32()); err != nil {
		return nil, err
	}
	return d.img, nil
}

// readEnd checks the checksum and that nothing follows it.
func readEnd(source io.Reader, want uint32) error {
	var stored [5]byte
	n, err := io.ReadFull(source, stored[:])
	switch {
	case n < 4:
		return fmt.Errorf("%w: checksum: %w", ErrBadSnapshot, err)
	case n > 4:
		return fmt.Errorf("%w: bytes after the end", ErrBadSnapshot)
	}
	if got := binary.BigEndian.Uint32(stored[:]); got != want {
		return fmt.Errorf("%w: checksum %#x, computed %#x", ErrBadSnapshot, got, want)
	}
	return nil
}

func readEntry(in io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return nil, fmt.Errorf("%w: length of an entry: %w", ErrBadSnapshot, err)
	}
	n := binary.BigEndian.Uint32(length[:])
	if n == 0 {
		return nil, nil
	}
	if n > maxSnapshotEntry {
		return nil, fmt.Errorf("%w: entry of %d bytes, at most %d", ErrBadSnapshot, n, maxSnapshotEntry)
	}
	var data bytes.Buffer // grows with what is really there: a damaged length costs no memory
	if _, err := io.CopyN(&data, in, int64(n)); err != nil {
		return nil, fmt.Errorf("%w: entry: %w", ErrBadSnapshot, err)
	}
	return data.Bytes(), nil
}

// restore takes one entry in. The head is the first of them, and no other.
func (d *draft) restore(data []byte, first bool) error {
	var e snapshotEntry
	if err := strict(data, &e); err != nil {
		return fmt.Errorf("%w: entry: %w", ErrBadSnapshot, err)
	}
	switch {
	case first != (e.Head != nil):
		return fmt.Errorf("%w: the head does not stand first, and there alone", ErrBadSnapshot)
	case e.Head != nil:
		d.img.index, d.img.clusterID, d.img.nextProducerID = e.Head.Index, e.Head.ClusterID, e.Head.NextProducerID
		d.img.secret, d.img.auditFrom = e.Head.Secret, e.Head.AuditFrom
		for name, level := range e.Head.Features {
			d.setFeature(name, level)
		}
	case e.Topic != nil:
		d.putTopic(e.Topic)
	case e.Config != nil:
		d.storeConfig(e.Config.Key, e.Config.Values)
	case e.ACL != nil:
		d.addACL(*e.ACL)
	case e.Scram != nil:
		d.img.scram, _, _ = d.img.scram.Insert(scramKey(e.Scram.User, e.Scram.Mechanism), *e.Scram)
	case e.Token != nil:
		d.putToken(e.Token)
	case e.Quotas != nil:
		d.putQuotas(e.Quotas.Entity, e.Quotas.Values)
	case e.Approval != nil:
		d.putApproval(e.Approval)
	case e.Broker != nil:
		d.img.brokers, _, _ = d.img.brokers.Insert(brokerKey(e.Broker.ID), e.Broker)
	case e.Audit != nil:
		d.img.audit, _, _ = d.img.audit.Insert(auditKey(e.Audit.Index, e.Audit.Seq), e.Audit)
	case e.Created != nil:
		d.img.created, _, _ = d.img.created.Insert(createdKey(e.Created.Minute, e.Created.Principal), *e.Created)
	default:
		return fmt.Errorf("%w: an entry with nothing in it", ErrBadSnapshot)
	}
	return nil
}
