package rego

import (
	"encoding/binary"
	"io/fs"
	"syscall"
	"time"
)

// changeOf is when a file was last changed in any way, and its number on this system.
func changeOf(info fs.FileInfo) (changed time.Time, number [16]byte, known bool) {
	s, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return time.Time{}, number, false
	}
	binary.BigEndian.PutUint64(number[:8], s.Dev)
	binary.BigEndian.PutUint64(number[8:], s.Ino)
	return time.Unix(s.Ctim.Unix()), number, true
}
