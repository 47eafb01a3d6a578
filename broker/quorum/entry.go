package quorum

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// An entry of the log is, integers big-endian: magic "CHRE" | version u8 | CRC-32C u32 of version and data | data. Its length is
// kept by raft's store, which has no checksum of its own.
const (
	entryMagic   = "CHRE"
	entryVersion = 1
	entryHeader  = 9
)

// ErrDamaged is wrapped by the errors on a metadata log that can not be read.
var ErrDamaged = errors.New("the metadata log is damaged")

func frame(data []byte) []byte {
	framed := make([]byte, entryHeader, entryHeader+len(data))
	copy(framed, entryMagic)
	framed[4] = entryVersion
	binary.BigEndian.PutUint32(framed[5:], entrySum(entryVersion, data))
	return append(framed, data...)
}

func unframe(framed []byte) ([]byte, error) {
	if len(framed) < entryHeader || string(framed[:4]) != entryMagic {
		return nil, fmt.Errorf("%w: an entry of %d bytes has no header", ErrDamaged, len(framed))
	}
	if v := framed[4]; v != entryVersion {
		return nil, fmt.Errorf("%w: an entry has version %d, this broker reads %d", ErrFormat, v, entryVersion)
	}
	data := framed[entryHeader:]
	if stored, computed := binary.BigEndian.Uint32(framed[5:]), entrySum(framed[4], data); stored != computed {
		return nil, fmt.Errorf("%w: an entry has the checksum %#x, computed %#x", ErrDamaged, stored, computed)
	}
	return data, nil
}

func entrySum(version byte, data []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum([]byte{version}, table), table, data)
}
