package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// resource is something that has a configuration, of a type that kadm may not know.
type resource struct {
	kind kmsg.ConfigResourceType
	name string
}

// alterConfig sets one key of a resource, or deletes it where the value is nil.
func alterConfig(ctx context.Context, client *kgo.Client, of resource, key string, value *string) error {
	q := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = of.kind, of.name
	c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	c.Name, c.Op, c.Value = key, kmsg.IncrementalAlterConfigOpSet, value
	if value == nil {
		c.Op = kmsg.IncrementalAlterConfigOpDelete
	}
	r.Configs = append(r.Configs, c)
	q.Resources = append(q.Resources, r)
	resp, err := q.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for i := range resp.Resources {
		if err := kerr.ErrorForCode(resp.Resources[i].ErrorCode); err != nil {
			return fmt.Errorf("%w: %s", err, textOf(resp.Resources[i].ErrorMessage))
		}
	}
	return nil
}
