package record

import (
	"errors"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Levels says how hard each codec that has levels tries. They are those of Apache Kafka's configuration.
type Levels struct {
	// Gzip is compression.gzip.level: 1 to 9, or -1 for the library's default.
	Gzip int
	// LZ4 is compression.lz4.level: 1 to 17.
	LZ4 int
	// Zstd is compression.zstd.level: -131072 to 22.
	Zstd int
}

// DefaultLevels are the defaults of Apache Kafka.
func DefaultLevels() Levels { return Levels{Gzip: -1, LZ4: 9, Zstd: 3} }

// Of is the level of a codec, 0 for one without levels.
func (l *Levels) Of(c Codec) int {
	switch c {
	case Gzip:
		return l.Gzip
	case LZ4:
		return l.LZ4
	case Zstd:
		return l.Zstd
	case None, Snappy:
	}
	return 0
}

// Compress appends to dst the compressed form of the records of one batch, plain. It is what Java's client writes: gzip; blocks of
// snappy in the framing of snappy-java; an lz4 frame of independent blocks of 64 KiB without checksums of the content, which the
// batch's own covers; one zstd frame, without checksum. Levels beyond those of a codec are its nearest ones; codecs without levels
// ignore it. The error is that of an unknown codec.
func (c *Codecs) Compress(codec Codec, level int, dst, plain []byte) ([]byte, error) {
	e, err := c.encoder(codec, level)
	if err != nil {
		return dst, err
	}
	defer c.releaseEncoder(codec, level, e)
	out := sink{b: dst, most: math.MaxInt}
	e.Reset(&out)
	if _, err := e.Write(plain); err != nil {
		return dst, fmt.Errorf("compress with %s: %w", codec, err)
	}
	if err := e.Close(); err != nil {
		return dst, fmt.Errorf("compress with %s: %w", codec, err)
	}
	return out.b, nil
}

// encoder compresses a stream with one codec at one level, and another one after Reset.
type encoder interface {
	io.WriteCloser
	Reset(to io.Writer)
}

// encoders keeps idle encoders, by what the libraries know as levels: they are few, whatever is asked for.
type encoders struct {
	plain, snappy sync.Pool
	gzip          [gzip.BestCompression + 1]sync.Pool
	lz4           [lz4Levels]sync.Pool
	zstd          [zstd.SpeedBestCompression + 1]sync.Pool
}

// encoder takes an encoder, which has to be given back by releaseEncoder.
func (c *Codecs) encoder(codec Codec, level int) (encoder, error) {
	pool := c.encoders.pool(codec, level)
	if pool == nil {
		return nil, fmt.Errorf("compress: unknown %s", codec)
	}
	if e, ok := pool.Get().(encoder); ok {
		return e, nil
	}
	e, err := newEncoder(codec, level)
	if err != nil {
		return nil, fmt.Errorf("make a %s encoder of level %d: %w", codec, level, err)
	}
	return e, nil
}

// releaseEncoder lets go of what e writes to, and keeps e.
func (c *Codecs) releaseEncoder(codec Codec, level int, e encoder) {
	e.Reset(io.Discard)
	c.encoders.pool(codec, level).Put(e)
}

func (e *encoders) pool(codec Codec, level int) *sync.Pool {
	switch codec {
	case None:
		return &e.plain
	case Gzip:
		return &e.gzip[max(gzipLevel(level), 0)] // no level of the configuration is 0, so the default's place is free
	case Snappy:
		return &e.snappy
	case LZ4:
		return &e.lz4[lz4Level(level)]
	case Zstd:
		return &e.zstd[zstd.EncoderLevelFromZstd(level)]
	default:
		return nil
	}
}

func newEncoder(codec Codec, level int) (encoder, error) {
	switch codec {
	case Gzip:
		return gzip.NewWriterLevel(io.Discard, gzipLevel(level))
	case Snappy:
		return &snappyWriter{}, nil
	case LZ4:
		return newLZ4Writer(lz4Level(level))
	case Zstd:
		return zstd.NewWriter(io.Discard, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)), zstd.WithWindowSize(zstdWindow),
			zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true), zstd.WithZeroFrames(true))
	default:
		return &plainWriter{}, nil
	}
}

func gzipLevel(level int) int {
	if level < gzip.BestSpeed {
		return gzip.DefaultCompression
	}
	return min(level, gzip.BestCompression)
}

// lz4Levels is how many levels the library has: 0 is the fast compressor, the others are of the high one.
const lz4Levels = 10

// lz4Level translates: 9, the default, is the fast compressor in Java's client too; its library has levels up to 17, ours up to 9.
func lz4Level(level int) int {
	if level == 9 {
		return 0
	}
	return min(max(level, 1), lz4Levels-1)
}

func newLZ4Writer(level int) (*lz4.Writer, error) {
	depth := lz4.Fast
	if level > 0 {
		depth = lz4.Level1 << (level - 1)
	}
	w := lz4.NewWriter(io.Discard)
	err := w.Apply(lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(false), lz4.BlockChecksumOption(false),
		lz4.ConcurrencyOption(1), lz4.CompressionLevelOption(depth))
	return w, err
}

// plainWriter is the encoder that compresses nothing.
type plainWriter struct{ io.Writer }

// Reset implements encoder.
func (w *plainWriter) Reset(to io.Writer) { w.Writer = to }

// Close implements io.Closer.
func (w *plainWriter) Close() error { return nil }

// errFull is returned by a sink that has taken as much as it may.
var errFull = errors.New("more than there is room for")

// sink is a writer that appends to b up to a length.
type sink struct {
	b    []byte
	most int
}

// Write implements io.Writer.
func (s *sink) Write(p []byte) (int, error) {
	if len(p) > s.most-len(s.b) {
		return 0, errFull
	}
	s.b = append(s.b, p...)
	return len(p), nil
}
