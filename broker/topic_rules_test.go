package broker

import (
	"testing"

	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/record"
)

func TestCompressionOfATopic(t *testing.T) {
	s := config.TopicSettings{GzipLevel: 7, LZ4Level: 8, ZstdLevel: 9}
	for name, want := range map[string]record.Compression{
		"producer":     {},
		"uncompressed": {Fixed: true, Codec: record.None},
		"gzip":         {Fixed: true, Codec: record.Gzip, Level: 7},
		"snappy":       {Fixed: true, Codec: record.Snappy},
		"lz4":          {Fixed: true, Codec: record.LZ4, Level: 8},
		"zstd":         {Fixed: true, Codec: record.Zstd, Level: 9},
	} {
		s.Compression = name
		if got := compressionOf(&s); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}
