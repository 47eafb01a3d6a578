package main

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// configured lists the names of all resources of a type that can have a configuration.
func configured(ctx context.Context, client *kgo.Client, kind kmsg.ConfigResourceType) ([]string, error) {
	q := kmsg.NewPtrListConfigResourcesRequest()
	q.ResourceTypes = []int8{int8(kind)}
	resp, err := q.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, err
	}
	names := make([]string, len(resp.ConfigResources))
	for i := range resp.ConfigResources {
		names[i] = resp.ConfigResources[i].Name
	}
	return names, nil
}
