package record

import (
	"errors"
	"math"
)

// Rules are what a topic asks of a client's batch.
type Rules struct {
	// MaxBytes is max.message.bytes.
	MaxBytes int
	// LogAppendTime is message.timestamp.type=LogAppendTime; Now is the append's time, in milliseconds.
	LogAppendTime bool
	Now           int64
	// BeforeMax and AfterMax are message.timestamp.before.max.ms and after.max.ms.
	BeforeMax, AfterMax int64
	// KeysRequired is for compacted topics.
	KeysRequired bool
	// HeaderOnly skips the records (chronik.record.validation=header): what they hold is then the producer's word. Batches that
	// are converted are decompressed, and checked, all the same.
	HeaderOnly bool
	// Compression is what the topic stores.
	Compression Compression
	// ZstdAllowed is false below Produce version 7.
	ZstdAllowed bool
}

// Validate checks a client's batch and returns it as the topic stores it: with the timestamp type and the largest timestamp that
// the topic asks for, and compressed as it asks for. That is b itself, changed, or a batch made of it; Release has to be called
// when it is no longer used. The errors are Refusals. The rules are those of Apache Kafka's LogValidator and DefaultRecordBatch.
// It refuses more than they do: attributes that clients do not set, offset deltas that do not count up, negative times and epochs,
// all of which Apache Kafka stores; and it answers INVALID_RECORD where records can not be decompressed, not UNKNOWN_SERVER_ERROR.
func (w *Walker) Validate(b Batch, rules Rules) (Stored, error) {
	if err := checkFrame(b, rules); err != nil {
		return Stored{}, err
	}
	if err := checkHeader(b, rules); err != nil {
		return Stored{}, err
	}
	if rules.Compression.converts(b) {
		return w.convertChecked(b, &rules)
	}
	maxTimestamp := b.MaxTimestamp()
	if !rules.HeaderOnly {
		c := rules.checker(b)
		if err := c.told(w.each(b, nil, c.check)); err != nil {
			return Stored{}, err
		}
		maxTimestamp = c.maxTimestamp
	}
	if rules.stamp(b, maxTimestamp) {
		b.sign()
	}
	return Stored{Batch: b}, nil
}

// stamp sets the times of a batch as the topic asks, and reports whether that changes it.
func (r *Rules) stamp(b Batch, maxTimestamp int64) (changed bool) {
	if r.LogAppendTime {
		return b.setTimes(true, r.Now)
	}
	return b.setTimes(false, maxTimestamp)
}

// checkFrame is about sizes and the checksum: is this one whole batch?
func checkFrame(b Batch, rules Rules) error {
	switch {
	case len(b) == 0:
		return refuse(Invalid, "there is no record batch")
	case len(b) < HeaderSize:
		return refuse(Invalid, "a record batch of %d bytes is shorter than its header", len(b))
	case b.Magic() < 0 || b.Magic() > 2: // no version that there is
		return refuse(Corrupt, "a record batch of version %d", b.Magic())
	case b.Magic() != 2:
		return refuse(Invalid, "record batches of version %d are not accepted, only of version 2", b.Magic())
	case b.Size() < HeaderSize:
		return refuse(Corrupt, "the record batch claims %d bytes, less than its header", b.Size())
	case b.Size() > int64(len(b)): // for Apache Kafka this is no batch at all
		return refuse(Invalid, "the record batch claims %d bytes, %d came", b.Size(), len(b))
	case b.Size() < int64(len(b)):
		return refuse(Invalid, "more than one record batch for a partition")
	case len(b) > rules.MaxBytes:
		return refuse(TooLarge, "the record batch of %d bytes is larger than max.message.bytes, %d", len(b), rules.MaxBytes)
	case b.CRC() != b.ComputeCRC():
		return refuse(Corrupt, "the record batch's checksum is %#x, computed %#x", b.CRC(), b.ComputeCRC())
	}
	return nil
}

func checkHeader(b Batch, rules Rules) error {
	switch {
	case b.Control():
		return refuse(Invalid, "clients do not write control batches")
	case b[attributesAt] != 0 || b.HasDeleteHorizon() || b[attributesAt+1]&0x80 != 0:
		return refuse(Invalid, "the record batch has attributes that clients do not set")
	case b.BaseOffset() != 0:
		return refuse(Invalid, "the record batch begins at offset %d, not 0", b.BaseOffset())
	case b.Count() <= 0 || b.LastOffsetDelta() < 0 || b.LastOffsetDelta() != b.Count()-1:
		return refuse(Invalid, "the record batch counts %d records and ends at offset delta %d", b.Count(), b.LastOffsetDelta())
	case !b.Codec().Known():
		return refuse(BadCodec, "unknown compression %s", b.Codec())
	case b.Codec() == Zstd && !rules.ZstdAllowed:
		return refuse(BadCodec, "zstd needs Produce version 7")
	case b.LogAppendTime() && rules.LogAppendTime && rules.HeaderOnly:
		return refuse(BadTimestamp, "%s", appendTimeByClient)
	}
	return checkProducer(b)
}

const appendTimeByClient = "clients do not set the timestamp type to LogAppendTime"

func checkProducer(b Batch) error {
	switch {
	case b.ProducerID() < -1:
		return refuse(Invalid, "producer id %d", b.ProducerID())
	case b.ProducerID() == -1 && b.Transactional():
		return refuse(Invalid, "a transactional record batch without producer id")
	case b.ProducerID() >= 0 && (b.BaseSequence() < 0 || b.ProducerEpoch() < 0):
		return refuse(Invalid, "producer %d sends sequence %d in epoch %d", b.ProducerID(), b.BaseSequence(), b.ProducerEpoch())
	}
	return nil
}

// checker looks at each record of a batch.
type checker struct {
	rules        *Rules
	batch        Batch
	maxTimestamp int64 // of the records so far
	refused      *Refusal
}

func (r *Rules) checker(b Batch) checker {
	return checker{rules: r, batch: b, maxTimestamp: math.MinInt64}
}

func (c *checker) check(i int32, v visit) error {
	at := c.batch.BaseTimestamp() + v.timestampDelta
	c.maxTimestamp = max(c.maxTimestamp, at)
	err := c.rules.checkRecord(i, v, at)
	if err == nil && c.rules.LogAppendTime && c.batch.LogAppendTime() {
		err = refuse(BadTimestamp, "%s", appendTimeByClient)
	}
	if err != nil {
		c.refused = c.refused.and(i, err)
	}
	return nil
}

// told is the outcome of a walk that has ended with an error or nil.
func (c *checker) told(err error) error {
	switch {
	case errors.Is(err, ErrTooLarge):
		return refuse(Invalid, "the record batch of %d bytes: %w", len(c.batch), err)
	case errors.Is(err, errFull):
		return refuse(TooLarge, "the record batch of %d bytes is larger than max.message.bytes, %d, as %s", len(c.batch), c.rules.MaxBytes, c.rules.Compression.Codec)
	case err != nil:
		return refuse(Invalid, "the record batch's %s records: %w", c.batch.Codec(), err)
	case c.refused != nil:
		return c.refused
	}
	return nil
}

func (r *Rules) checkRecord(index int32, v visit, at int64) *Refusal {
	if v.offsetDelta != index {
		return refuse(Invalid, "offset delta %d in place of %d", v.offsetDelta, index)
	}
	if r.KeysRequired && !v.hasKey {
		return refuse(Invalid, "a compacted topic takes no record without a key")
	}
	return r.checkTimestamp(at)
}

// noTimestamp is what records without a time carry; it is always allowed.
const noTimestamp = -1

func (r *Rules) checkTimestamp(at int64) *Refusal {
	switch {
	case r.LogAppendTime || at == noTimestamp:
		return nil
	case at < 0:
		return refuse(BadTimestamp, "timestamp %d is negative", at)
	case r.Now-at > r.BeforeMax:
		return refuse(BadTimestamp, "timestamp %d is more than %d ms before %d (message.timestamp.before.max.ms)", at, r.BeforeMax, r.Now)
	case at-r.Now > r.AfterMax:
		return refuse(BadTimestamp, "timestamp %d is more than %d ms after %d (message.timestamp.after.max.ms)", at, r.AfterMax, r.Now)
	}
	return nil
}
