package record

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/golang/snappy"
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

// snappyBlock is how many plain bytes go into one block, as in snappy-java.
const snappyBlock = 32 << 10

// Compress appends to dst the compressed form of the records of one batch, plain. It is what Java's client writes: gzip; blocks of
// snappy in the framing of snappy-java; an lz4 frame of independent blocks of 64 KiB without checksums of the content, which the
// batch's own covers; one zstd frame, without checksum. Levels beyond those of a codec are its nearest ones; codecs without levels
// ignore it. The error is that of an unknown codec.
func (c *Codecs) Compress(codec Codec, level int, dst, plain []byte) ([]byte, error) {
	switch codec {
	case None:
		return append(dst, plain...), nil
	case Snappy:
		return appendSnappy(dst, plain), nil
	case Gzip, LZ4, Zstd:
	default:
		return dst, fmt.Errorf("compress: unknown %s", codec)
	}
	pool := c.encoders.pool(codec, level)
	e, ok := pool.Get().(encoder)
	if !ok {
		var err error
		if e, err = newEncoder(codec, level); err != nil {
			return dst, fmt.Errorf("make a %s encoder of level %d: %w", codec, level, err)
		}
	}
	out, err := e.encode(dst, plain)
	if err != nil {
		return dst, fmt.Errorf("compress with %s: %w", codec, err)
	}
	pool.Put(e)
	return out, nil
}

// encoder compresses with one codec at one level, again and again.
type encoder interface {
	encode(dst, plain []byte) ([]byte, error)
}

// encoders keeps idle encoders, by what the libraries know as levels: they are few, whatever is asked for.
type encoders struct {
	gzip [gzip.BestCompression + 1]sync.Pool
	lz4  [lz4Levels]sync.Pool
	zstd [zstd.SpeedBestCompression + 1]sync.Pool
}

func (e *encoders) pool(codec Codec, level int) *sync.Pool {
	switch codec {
	case Gzip:
		return &e.gzip[max(gzipLevel(level), 0)] // no level of the configuration is 0, so the default's place is free
	case LZ4:
		return &e.lz4[lz4Level(level)]
	default:
		return &e.zstd[zstdLevel(level)]
	}
}

func newEncoder(codec Codec, level int) (encoder, error) {
	switch codec {
	case Gzip:
		w, err := gzip.NewWriterLevel(io.Discard, gzipLevel(level))
		return &gzipEncoder{w: w}, err
	case LZ4:
		return newLZ4Encoder(lz4Level(level))
	default:
		w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstdLevel(level)), zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true), zstd.WithZeroFrames(true))
		return &zstdEncoder{w: w}, err
	}
}

// sink is the writer that appends.
type sink struct{ b []byte }

// Write implements io.Writer.
func (s *sink) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}

// written compresses through a writer of a stream, whose bytes arrive in s.
func (s *sink) written(w io.WriteCloser, dst, plain []byte) ([]byte, error) {
	s.b = dst
	defer func() { s.b = nil }()
	if _, err := w.Write(plain); err != nil {
		return dst, err
	}
	if err := w.Close(); err != nil {
		return dst, err
	}
	return s.b, nil
}

type gzipEncoder struct {
	out sink
	w   *gzip.Writer
}

func gzipLevel(level int) int {
	if level < gzip.BestSpeed {
		return gzip.DefaultCompression
	}
	return min(level, gzip.BestCompression)
}

func (e *gzipEncoder) encode(dst, plain []byte) ([]byte, error) {
	e.w.Reset(&e.out)
	return e.out.written(e.w, dst, plain)
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

type lz4Encoder struct {
	out sink
	w   *lz4.Writer
}

func newLZ4Encoder(level int) (*lz4Encoder, error) {
	depth := lz4.Fast
	if level > 0 {
		depth = lz4.Level1 << (level - 1)
	}
	w := lz4.NewWriter(nil)
	err := w.Apply(lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(false), lz4.BlockChecksumOption(false),
		lz4.ConcurrencyOption(1), lz4.CompressionLevelOption(depth))
	return &lz4Encoder{w: w}, err
}

func (e *lz4Encoder) encode(dst, plain []byte) ([]byte, error) {
	e.w.Reset(&e.out)
	return e.out.written(e.w, dst, plain)
}

type zstdEncoder struct{ w *zstd.Encoder }

func zstdLevel(level int) zstd.EncoderLevel { return zstd.EncoderLevelFromZstd(level) }

func (e *zstdEncoder) encode(dst, plain []byte) ([]byte, error) {
	return e.w.EncodeAll(plain, dst), nil
}

func appendSnappy(dst, plain []byte) []byte {
	dst = append(dst, snappyMagic...)
	dst = binary.BigEndian.AppendUint32(dst, 1) // the framing's version
	dst = binary.BigEndian.AppendUint32(dst, 1) // and the lowest one that reads it
	for len(plain) > 0 {
		block := plain[:min(len(plain), snappyBlock)]
		plain = plain[len(block):]
		at := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		most := snappy.MaxEncodedLen(len(block))
		dst = append(dst, make([]byte, most)...)
		size := len(snappy.Encode(dst[at+4:], block))
		binary.BigEndian.PutUint32(dst[at:], uint32(size)) //nolint:gosec // a block is small
		dst = dst[:at+4+size]
	}
	return dst
}
