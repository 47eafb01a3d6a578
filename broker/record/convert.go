package record

// Compression is a topic's compression.type. The zero value keeps what the producer has chosen.
type Compression struct {
	// Fixed asks for Codec, whatever the producer has chosen.
	Fixed bool
	Codec Codec
	// Level is that of the codec's own configuration; see Levels.
	Level int
}

// converts reports whether a batch is to be compressed anew. As in Apache Kafka a batch of the right codec stays as it is, at
// whatever level, and control batches are not compressed.
func (c Compression) converts(b Batch) bool { return c.Fixed && c.Codec != b.Codec() && !b.Control() }

// Stored is a batch as a topic stores it.
type Stored struct {
	Batch Batch
	// Converted reports whether Batch is another one than came.
	Converted bool

	walker *Walker
	memory *sink
}

// Release gives back the memory of a batch that was converted: Batch must not be used afterwards.
func (s *Stored) Release() {
	if s.memory != nil && cap(s.memory.b) <= maxKept {
		s.walker.sinks.Put(s.memory)
	}
	s.memory = nil
}

// Convert returns a batch of the broker's own as the topic stores it, in at most so many bytes. Release has to be called when it is
// no longer used. Of the batch only codec, length and checksum change.
func (w *Walker) Convert(b Batch, c Compression, most int) (Stored, error) {
	if !c.converts(b) {
		return Stored{Batch: b}, nil
	}
	rules := Rules{MaxBytes: most, Compression: c}
	check := rules.checker(b)
	out, err := w.convert(b, &rules, func(int32, visit) error { return nil })
	if err := check.told(err); err != nil {
		out.Release()
		return Stored{}, err
	}
	out.Batch.sign()
	return out, nil
}

// convertChecked is Validate for a batch that is compressed anew.
func (w *Walker) convertChecked(b Batch, rules *Rules) (Stored, error) {
	c := rules.checker(b)
	out, err := w.convert(b, rules, c.check)
	if err := c.told(err); err != nil {
		out.Release()
		return Stored{}, err
	}
	rules.stamp(out.Batch, c.maxTimestamp)
	out.Batch.sign()
	return out, nil
}

// convert decompresses, visits and compresses the records in one go: it needs memory for what it makes alone, at most MaxBytes,
// however far the records expand on the way. The records themselves stay as they are, so that all of the header does that is not
// about the codec. The result has no checksum yet.
func (w *Walker) convert(b Batch, rules *Rules, visited func(int32, visit) error) (Stored, error) {
	codec, level := rules.Compression.Codec, rules.Compression.Level
	e, err := w.codecs.encoder(codec, level)
	if err != nil {
		return Stored{}, err
	}
	defer w.codecs.releaseEncoder(codec, level, e)
	out, ok := w.sinks.Get().(*sink)
	if !ok {
		out = &sink{}
	}
	stored := Stored{Converted: true, walker: w, memory: out}
	out.b, out.most = append(out.b[:0], b[:HeaderSize]...), rules.MaxBytes
	e.Reset(out)
	if err := w.each(b, e, visited); err != nil {
		return stored, err
	}
	if err := e.Close(); err != nil {
		return stored, err
	}
	stored.Batch = out.b
	stored.Batch.setSize(codec)
	return stored, nil
}
