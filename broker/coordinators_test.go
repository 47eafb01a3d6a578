package broker

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/shard"
)

// toldHost notes what a host of coordinators is told.
type toldHost struct{ sizes []int }

func (*toldHost) Load(int32, int32, shard.Log) error { return nil }
func (*toldHost) Unload(int32)                       {}

func (h *toldHost) SetMaxAppend(_ context.Context, bytes int) error {
	h.sizes = append(h.sizes, bytes)
	return nil
}

// What a batch can hold is the smaller one of max.message.bytes and segment.bytes, less the batch's header; coordinators hear of it when
// it has changed.
func TestCoordinatorsAreToldHowLargeABatchCanBe(t *testing.T) {
	settings, host := &replica.Settings{}, &toldHost{}
	k := &coordinators{settings: func(*meta.Topic) *replica.Settings { return settings }, logger: slog.New(slog.DiscardHandler)}
	kind := &coordinated{host: host}
	for _, size := range []struct {
		message int
		segment int64
	}{{1_048_588, 100 << 20}, {1_048_588, 50 << 20}, {2_000_000, 50 << 20}, {2_000_000, 1000}} {
		settings.MaxMessageBytes, settings.Log.SegmentBytes = size.message, size.segment
		k.resize(t.Context(), &meta.Topic{}, kind)
	}
	if want := []int{1_048_527, 1_999_939, 939}; !slices.Equal(host.sizes, want) {
		t.Fatalf("told %v, want %v", host.sizes, want)
	}
}
