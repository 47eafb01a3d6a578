package journal

import "errors"

// ErrNoSpace is returned by Admit when the present file is full and the disk has no room for another one.
var ErrNoSpace = errors.New("no space for another journal file")

// maxHeadroomBytes, or an eighth of a file if that is less, is what Admit leaves for frames that are not admitted: these are small.
const maxHeadroomBytes = 256 << 10

// Admit keeps room for a frame with a payload of so many bytes, so that Append of it, with Admitted set, never waits for the
// disk to have space. It waits while more is on its way than the files at hand take. Withdraw gives the room back.
func (j *Journal) Admit(payload int64) error {
	if payload > j.MaxPayload() {
		return ErrTooLarge
	}
	size := admittedBytes(payload)
	j.mu.Lock()
	defer j.mu.Unlock()
	for {
		if err := j.usable(); err != nil {
			return err
		}
		if j.admitted+j.heldFrames+int64(len(j.pending))+j.inflight == 0 && j.next != nil || j.fits(size) {
			j.admitted += size
			return nil
		}
		if j.next == nil && j.noSpace {
			return ErrNoSpace
		}
		j.ready.Wait()
	}
}

// Withdraw gives back what Admit has kept.
func (j *Journal) Withdraw(payload int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.admitted -= admittedBytes(payload)
	j.ready.Broadcast()
}

// admittedBytes is what a frame takes at the most: whole blocks.
func admittedBytes(payload int64) int64 {
	return (payload + frameHeaderBytes + blockBytes - 1) / blockBytes * blockBytes
}

// fits says whether all that is on its way, and so many bytes more, fit into the present file, or else into the next one: of
// the present one's rest a commit may use nothing. The caller holds the lock.
func (j *Journal) fits(size int64) bool {
	owed := size + j.admitted + int64(len(j.pending)) + j.inflight + 2*blockBytes
	if j.heldFrames > 0 {
		owed += j.heldFrames + 2*blockBytes // those that are being synced come in a commit of their own
	}
	headroom := min(maxHeadroomBytes, j.cfg.FileBytes/8)
	if owed <= j.current.header.size-j.current.pos-headroom {
		return true
	}
	return j.next != nil && owed <= j.cfg.FileBytes-firstFrame-headroom
}

// foundNoSpace notes that the disk has no room for another file, and says whether that is new. A checkpoint may give files back.
func (j *Journal) foundNoSpace() (isNew bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	isNew, j.noSpace = !j.noSpace, true
	notify(j.due)
	j.ready.Broadcast()
	return isNew
}
