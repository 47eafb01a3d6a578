package meta

import (
	"encoding/binary"
	"time"
)

// createdMinutes is how long it is remembered who created topics: an hour.
const createdMinutes = 60

// Created is how many topics a principal has created in one minute.
type Created struct {
	// Minute counts from 1970.
	Minute    uint64 `json:"minute"`
	Principal string `json:"principal"`
	Topics    int    `json:"topics"`
}

// TopicsCreated is how many topics a principal has created in the hour before a time, to the minute; topics that are deleted by now count.
func (img *Image) TopicsCreated(principal string, now time.Time) int {
	last, sum := minuteOf(now), 0
	for minute := last - min(last, createdMinutes); minute <= last; minute++ {
		c, _ := img.created.Get(createdKey(minute, principal))
		sum += c.Topics
	}
	return sum
}

func minuteOf(t time.Time) uint64 { return uint64(max(t.Unix(), 0)) / 60 } //nolint:gosec // not negative

// createdKey orders by time, so that what is over stands first.
func createdKey(minute uint64, principal string) []byte {
	return append(binary.BigEndian.AppendUint64(nil, minute), principal...)
}

// countCreated counts topics for whoever created them, and forgets what is over. The time is the command's, so that each node has the same.
func (d *draft) countCreated(o Origin, topics int) {
	if topics == 0 || o.Principal == "" {
		return
	}
	now := minuteOf(o.Time)
	txn := d.img.created.Txn()
	over := d.img.created.Root().Iterator()
	for key, c, more := over.Next(); more && c.Minute+createdMinutes < now; key, c, more = over.Next() {
		txn.Delete(key)
	}
	key := createdKey(now, o.Principal)
	c, _ := txn.Get(key)
	txn.Insert(key, Created{Minute: now, Principal: o.Principal, Topics: c.Topics + topics})
	d.img.created = txn.Commit()
}
