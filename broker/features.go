package broker

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"

	"github.com/chronik-stream/chronik/broker/meta"
)

// FeatureLevels are the levels of features that a cluster begins with. A cluster that was formatted by a release without a feature
// gets that level at its next start.
func FeatureLevels() map[string]int16 { return meta.LatestFeatures() }

// finalizeFeatures gives features the levels of the options where they have never had one. What an administrator has turned off
// stays off.
func (b *Broker) finalizeFeatures(ctx context.Context) error {
	if err := raiseFeatures(ctx, b.metadata, b.options); err != nil {
		return fmt.Errorf("finalize the levels of features: %w", err)
	}
	return nil
}

func raiseFeatures(ctx context.Context, log *metadataLog, o Options) error {
	command := &meta.UpdateFeatures{
		Origin: meta.Origin{EventID: rand.Text(), Principal: "User:(start)", API: "UpdateFeatures", Time: o.Clock()},
		Node:   o.NodeID, Supported: meta.SupportedFeatures(), IfNeverSet: true,
	}
	set := log.Image().Features()
	for _, name := range slices.Sorted(maps.Keys(o.Features)) {
		if _, found := set[name]; !found {
			command.Updates = append(command.Updates, meta.FeatureUpdate{Name: name, Level: o.Features[name], Type: meta.FeatureUpgrade})
		}
	}
	if len(command.Updates) == 0 {
		return nil
	}
	result, err := log.Propose(ctx, command)
	if err != nil {
		return err
	}
	return firstFailure(result)
}
