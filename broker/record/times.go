package record

import "errors"

// errEnough ends a walk early.
var errEnough = errors.New("enough")

// Times calls yield with the offset and the timestamp (in milliseconds) of each record of a batch until it returns false. It
// needs no memory for the records, however far they expand.
func (w *Walker) Times(b Batch, yield func(offset, timestamp int64) bool) error {
	base, first := b.BaseOffset(), b.BaseTimestamp()
	stamped, stamp := b.LogAppendTime(), b.MaxTimestamp()
	err := w.each(b, nil, func(_ int32, v visit) error {
		at := first + v.timestampDelta
		if stamped {
			at = stamp
		}
		if !yield(base+int64(v.offsetDelta), at) {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}
