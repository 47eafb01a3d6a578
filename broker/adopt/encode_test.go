package adopt

import (
	"encoding/binary"
	"fmt"
	"path"
	"testing"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// encoder writes metadata records as Apache Kafka does.
type encoder struct{ b []byte }

// recordOf begins a record of a type and version.
func recordOf(kind, version uint64) *encoder {
	return (&encoder{}).uvarint(recordFrame).uvarint(kind).uvarint(version)
}

func (e *encoder) uvarint(v uint64) *encoder {
	e.b = binary.AppendUvarint(e.b, v)
	return e
}

func (e *encoder) int8(v int8) *encoder {
	e.b = append(e.b, byte(v))
	return e
}

func (e *encoder) int16(v int16) *encoder {
	e.b = binary.BigEndian.AppendUint16(e.b, uint16(v))
	return e
}

func (e *encoder) int32(v int32) *encoder {
	e.b = binary.BigEndian.AppendUint32(e.b, uint32(v))
	return e
}

func (e *encoder) int64(v int64) *encoder {
	e.b = binary.BigEndian.AppendUint64(e.b, uint64(v))
	return e
}

func (e *encoder) uuid(id [16]byte) *encoder {
	e.b = append(e.b, id[:]...)
	return e
}

func (e *encoder) text(s string) *encoder {
	e.uvarint(uint64(len(s)) + 1)
	e.b = append(e.b, s...)
	return e
}

func (e *encoder) int32s(list ...int32) *encoder {
	e.uvarint(uint64(len(list)) + 1)
	for _, v := range list {
		e.int32(v)
	}
	return e
}

// tag writes one tagged field.
func (e *encoder) tag(n uint64, value *encoder) *encoder {
	e.uvarint(n).uvarint(uint64(len(value.b)))
	e.b = append(e.b, value.b...)
	return e
}

// end writes that there are no tagged fields.
func (e *encoder) end() []byte { return e.uvarint(0).b }

func topicOf(name string, id meta.TopicID) []byte {
	return recordOf(topicRecord, 0).text(name).uuid(id).end()
}

// partitionOf is a partition of version 2, with directories and two tagged fields.
func partitionOf(id meta.TopicID, number, leader, epoch int32, isr ...int32) []byte {
	e := recordOf(partitionRecord, 2).int32(number).uuid(id).int32s(isr...).int32s(isr...).int32s().int32s().int32(leader).int32(epoch).int32(7)
	e.uvarint(2).uuid([16]byte{9}).uvarint(2)
	return e.tag(0, (&encoder{}).int8(1)).tag(1, (&encoder{}).int32s(3)).b
}

func configOf(kind meta.ConfigType, resource, name string, value *string) []byte {
	e := recordOf(configRecord, 0).int8(int8(kind)).text(resource).text(name)
	if value == nil {
		return e.uvarint(0).end()
	}
	return e.text(*value).end()
}

func aclOf(id byte, b authz.Binding) []byte {
	return recordOf(accessControl, 0).uuid([16]byte{id}).int8(int8(b.Type)).text(b.Name).int8(int8(b.Pattern)).text(b.Principal).text(b.Host).
		int8(int8(b.Operation)).int8(int8(b.Permission)).end()
}

func userOf(name string, mechanism int8) []byte {
	return recordOf(scramCredential, 0).text(name).int8(mechanism).text("salt").text("stored").text("server").int32(4096).end()
}

// batchOf is a batch of values at an offset.
func batchOf(base int64, values ...[]byte) record.Batch {
	var b record.Builder
	for _, v := range values {
		b.Add(1_700_000_000_000, nil, v)
	}
	batch := b.Batch()
	binary.BigEndian.PutUint64(batch, uint64(base))
	return batch
}

// controlOf is a control batch of one record.
func controlOf(base int64, kind int16) record.Batch {
	var b record.Builder
	b.Add(1_700_000_000_000, binary.BigEndian.AppendUint16([]byte{0, 0}, uint16(kind)), []byte{0, 0, 0})
	batch := b.Batch()
	batch[22] |= 1 << 5
	binary.BigEndian.PutUint32(batch[17:], batch.ComputeCRC())
	binary.BigEndian.PutUint64(batch, uint64(base))
	return batch
}

const kafkaDir = "/kafka"

// writeFile writes a file of the source.
func writeFile(t testing.TB, fsys vfs.FS, name string, parts ...[]byte) {
	t.Helper()
	if err := fsys.Mkdir(path.Dir(name)); err != nil {
		t.Fatal(err)
	}
	var data []byte
	for _, p := range parts {
		data = append(data, p...)
	}
	if err := vfs.ReplaceFile(fsys, name, data); err != nil {
		t.Fatal(err)
	}
}

func metadataSegment(base int64) string {
	return fmt.Sprintf("%s/%s/%020d.log", kafkaDir, metadataDir, base)
}

func metadataSnapshot(end int64) string {
	return fmt.Sprintf("%s/%s/%020d-%010d.checkpoint", kafkaDir, metadataDir, end, 3)
}

// transactional makes a batch one of a producer's transaction.
func transactional(b record.Batch, producer uint64) record.Batch {
	binary.BigEndian.PutUint64(b[43:], producer)
	binary.BigEndian.PutUint16(b[51:], 0)
	binary.BigEndian.PutUint32(b[53:], 0)
	b[22] |= 1 << 4
	binary.BigEndian.PutUint32(b[17:], b.ComputeCRC())
	return b
}
