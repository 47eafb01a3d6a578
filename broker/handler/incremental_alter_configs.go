package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// incrementalAlterConfigs is API 44, versions 0-1 (KIP-339). What a request does not name stays as it is.
func (s *Configs) incrementalAlterConfigs() api.Row {
	return api.Spec[*kmsg.IncrementalAlterConfigsRequest, *meta.Image]{
		Row:     api.Row{Key: 44, Name: "IncrementalAlterConfigs", Min: 0, Max: 1, Gate: api.Authenticated, MaxBytes: configsFrame},
		Resolve: func(*api.Call, *kmsg.IncrementalAlterConfigsRequest) *meta.Image { return s.Metadata.Image() },
		Needs: func(_ *api.Call, q *kmsg.IncrementalAlterConfigsRequest, img *meta.Image) authz.Needs {
			keys := make([]configKey, len(q.Resources))
			for i := range q.Resources {
				keys[i] = configKey{q.Resources[i].ResourceType, q.Resources[i].ResourceName}
			}
			return changeNeeds(img, keys)
		},
		Refuse: func(_ *api.Call, q *kmsg.IncrementalAlterConfigsRequest, code int16) kmsg.Response {
			return incrementallyAltered(q, func(int) error { return wire.Errorf(code, "%s", excessive) })
		},
		Handle: func(ctx context.Context, c *api.Call, q *kmsg.IncrementalAlterConfigsRequest, img *meta.Image) api.Answer {
			changes := make([]configChange, len(q.Resources))
			for i := range q.Resources {
				r := &q.Resources[i]
				changes[i].key = configKey{r.ResourceType, r.ResourceName}
				for _, kv := range r.Configs {
					changes[i].ops = append(changes[i].ops, configOp{op: opOf(kv.Op), name: kv.Name, value: kv.Value})
				}
			}
			errs := s.alter(ctx, c, img, changes, q.ValidateOnly)
			return api.Now(incrementallyAltered(q, func(i int) error { return errs[i] }))
		},
	}.Build()
}

// opOf is 0 for an operation that does not exist.
func opOf(op kmsg.IncrementalAlterConfigOp) meta.ConfigOpType {
	switch op {
	case kmsg.IncrementalAlterConfigOpSet:
		return meta.SetConfig
	case kmsg.IncrementalAlterConfigOpDelete:
		return meta.DeleteConfig
	case kmsg.IncrementalAlterConfigOpAppend:
		return meta.AppendConfig
	case kmsg.IncrementalAlterConfigOpSubtract:
		return meta.SubtractConfig
	default:
		return 0
	}
}

func incrementallyAltered(q *kmsg.IncrementalAlterConfigsRequest, outcome func(int) error) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.IncrementalAlterConfigsResponse)
	for i := range q.Resources {
		out := kmsg.NewIncrementalAlterConfigsResponseResource()
		out.ResourceType, out.ResourceName = q.Resources[i].ResourceType, q.Resources[i].ResourceName
		if err := outcome(i); err != nil {
			out.ErrorCode, out.ErrorMessage = wire.CodeOf(err), messageOf(err)
		}
		resp.Resources = append(resp.Resources, out)
	}
	return resp
}
