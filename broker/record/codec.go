package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Codec is a compression of records, with Apache Kafka's numbers.
type Codec uint8

// The codecs.
const (
	None Codec = iota
	Gzip
	Snappy
	LZ4
	Zstd
)

// String is the name in configurations.
func (c Codec) String() string {
	switch c {
	case None:
		return "none"
	case Gzip:
		return "gzip"
	case Snappy:
		return "snappy"
	case LZ4:
		return "lz4"
	case Zstd:
		return "zstd"
	default:
		return fmt.Sprintf("codec %d", uint8(c))
	}
}

// Known reports whether c is one of the five.
func (c Codec) Known() bool { return c <= Zstd }

// ErrTooLarge means that a batch expands beyond what is allowed.
var ErrTooLarge = errors.New("the batch expands beyond its bound")

// Codecs compresses and decompresses. It keeps encoders and decoders for reuse and is safe for concurrent use.
type Codecs struct {
	gzip, snappy, lz4, zstd sync.Pool
	plain                   sync.Pool
	encoders                encoders
}

// NewCodecs returns an empty pool of encoders and decoders.
func NewCodecs() *Codecs { return &Codecs{} }

// source is a stream that a decoder of one codec reads, and that goes back to its pool.
type source interface {
	io.Reader
	reset(compressed []byte) error
	// forget lets go of the compressed bytes, which are the caller's.
	forget()
}

// open returns a stream of the decompressed records of a batch. It has to be given back by release.
func (c *Codecs) open(codec Codec, compressed []byte) (source, error) {
	s, err := c.take(codec)
	if err != nil {
		return nil, err
	}
	if err := s.reset(compressed); err != nil {
		c.release(codec, s)
		return nil, fmt.Errorf("decompress %s: %w", codec, err)
	}
	return s, nil
}

func (c *Codecs) take(codec Codec) (source, error) {
	if pool := c.pool(codec); pool != nil {
		if s, ok := pool.Get().(source); ok {
			return s, nil
		}
	}
	switch codec {
	case None:
		return &plainSource{}, nil
	case Gzip:
		return &gzipSource{}, nil
	case Snappy:
		return &snappySource{}, nil
	case LZ4:
		return &lz4Source{decoder: lz4.NewReader(nil)}, nil
	case Zstd:
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, fmt.Errorf("make a zstd decoder: %w", err)
		}
		return &zstdSource{decoder: d}, nil
	default:
		return nil, fmt.Errorf("decompress: unknown %s", codec)
	}
}

func (c *Codecs) release(codec Codec, s source) {
	s.forget()
	if pool := c.pool(codec); pool != nil {
		pool.Put(s)
	}
}

func (c *Codecs) pool(codec Codec) *sync.Pool {
	switch codec {
	case None:
		return &c.plain
	case Gzip:
		return &c.gzip
	case Snappy:
		return &c.snappy
	case LZ4:
		return &c.lz4
	case Zstd:
		return &c.zstd
	default:
		return nil
	}
}

type plainSource struct{ bytes.Reader }

func (s *plainSource) reset(p []byte) error {
	s.Reset(p)
	return nil
}

func (s *plainSource) forget() { s.Reset(nil) }

type gzipSource struct {
	in      bytes.Reader
	decoder gzip.Reader
}

func (s *gzipSource) reset(p []byte) error {
	s.in.Reset(p)
	return s.decoder.Reset(&s.in)
}

func (s *gzipSource) forget() { s.in.Reset(nil) }

// Read implements io.Reader.
func (s *gzipSource) Read(p []byte) (int, error) { return s.decoder.Read(p) }

type lz4Source struct {
	in      bytes.Reader
	decoder *lz4.Reader
}

func (s *lz4Source) reset(p []byte) error {
	s.in.Reset(p)
	s.decoder.Reset(&s.in)
	return nil
}

func (s *lz4Source) forget() { s.in.Reset(nil) }

// Read implements io.Reader.
func (s *lz4Source) Read(p []byte) (int, error) { return s.decoder.Read(p) }

type zstdSource struct {
	in      bytes.Reader
	decoder *zstd.Decoder
}

func (s *zstdSource) reset(p []byte) error {
	s.in.Reset(p)
	return s.decoder.Reset(&s.in)
}

func (s *zstdSource) forget() { s.in.Reset(nil) }

// Read implements io.Reader.
func (s *zstdSource) Read(p []byte) (int, error) { return s.decoder.Read(p) }

// bounded fails a stream that gives more than its bound, and copies what it gives where that is wanted.
type bounded struct {
	from   io.Reader
	copied io.Writer
	left   int64
	failed error // of copying; readers may ask again
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if b.failed != nil {
		return 0, b.failed
	}
	n, err := b.from.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	if b.copied != nil && n > 0 {
		if _, b.failed = b.copied.Write(p[:n]); b.failed != nil {
			return 0, b.failed
		}
	}
	return n, err
}

// bounds say how far a batch may expand; the constants of the same names are those of every walker but a test's.
type bounds struct{ free, ratio, most int64 }

// of is the bound of a batch of a compressed size, in bytes.
func (b *bounds) of(compressed int) int64 {
	return min(b.most, max(b.free, int64(compressed)*b.ratio))
}
