package broker

import (
	"maps"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/meta"
)

func levelsOf(b *Broker) map[string]int16 { return b.store.Image().Features() }

func TestAnOldClusterGetsLevelsOnce(t *testing.T) {
	o := testOptions(t.TempDir())
	format(t, o)
	o.Features = meta.LatestFeatures()
	b := start(t, o)
	if !maps.Equal(levelsOf(b), meta.LatestFeatures()) {
		t.Errorf("after the first start: %v", levelsOf(b))
	}
	off := &meta.UpdateFeatures{
		Origin: meta.Origin{API: "UpdateFeatures"}, Supported: meta.SupportedFeatures(),
		Updates: []meta.FeatureUpdate{{Name: meta.TransactionVersion, Type: meta.FeatureSafeDowngrade}},
	}
	result, err := b.metadata.Propose(t.Context(), off)
	if err == nil {
		err = firstFailure(result)
	}
	if err != nil {
		t.Fatal(err)
	}
	stop(t, b)
	b = start(t, o)
	defer stop(t, b)
	if want := map[string]int16{meta.GroupVersion: 1, meta.TransactionVersion: 0}; !maps.Equal(levelsOf(b), want) {
		t.Errorf("after a restart %v, want %v", levelsOf(b), want)
	}
}

func TestAClusterKeepsTheLevelsOfItsFormat(t *testing.T) {
	o := testOptions(t.TempDir())
	if _, err := Format(t.Context(), FormatOptions{
		NodeID: o.NodeID, LogDirs: o.LogDirs, MetadataDir: o.MetadataDir, Logger: o.Logger, Features: map[string]int16{meta.TransactionVersion: 1},
	}); err != nil {
		t.Fatal(err)
	}
	b := start(t, o)
	if want := map[string]int16{meta.TransactionVersion: 1}; !maps.Equal(levelsOf(b), want) {
		t.Errorf("without levels of the options: %v, want %v", levelsOf(b), want)
	}
	stop(t, b)
	o.Features = meta.LatestFeatures()
	b = start(t, o)
	defer stop(t, b)
	if want := map[string]int16{meta.GroupVersion: 1, meta.TransactionVersion: 1}; !maps.Equal(levelsOf(b), want) {
		t.Errorf("with levels of the options: %v, want %v", levelsOf(b), want)
	}
}

func TestLevelsOfANewerReleaseEndTheStart(t *testing.T) {
	o := testOptions(t.TempDir())
	if _, err := Format(t.Context(), FormatOptions{
		NodeID: o.NodeID, LogDirs: o.LogDirs, MetadataDir: o.MetadataDir, Logger: o.Logger, Features: map[string]int16{meta.TransactionVersion: 3},
	}); err != nil {
		t.Fatal(err)
	}
	if err := New(o).Start(t.Context()); err == nil || !strings.Contains(err.Error(), "transaction.version=3: this release only supports versions 0-2") {
		t.Errorf("started: %v", err)
	}
}
