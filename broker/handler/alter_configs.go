package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// alterConfigs is API 33, versions 0-2. It replaces all that is set for a resource: what a request does not name goes.
func (s *Configs) alterConfigs() api.Row {
	return api.Spec[*kmsg.AlterConfigsRequest, *meta.Image]{
		Row:     api.Row{Key: 33, Name: "AlterConfigs", Min: 0, Max: 2, Gate: api.Authenticated, MaxBytes: configsFrame},
		Resolve: func(*api.Call, *kmsg.AlterConfigsRequest) *meta.Image { return s.Metadata.Image() },
		Needs: func(_ *api.Call, q *kmsg.AlterConfigsRequest, img *meta.Image) authz.Needs {
			keys := make([]configKey, len(q.Resources))
			for i := range q.Resources {
				keys[i] = configKey{q.Resources[i].ResourceType, q.Resources[i].ResourceName}
			}
			return changeNeeds(img, keys)
		},
		Refuse: func(_ *api.Call, q *kmsg.AlterConfigsRequest, code int16) kmsg.Response {
			return altered(q, func(int) error { return wire.Errorf(code, "%s", excessive) })
		},
		Handle: func(ctx context.Context, c *api.Call, q *kmsg.AlterConfigsRequest, img *meta.Image) api.Answer {
			changes := make([]configChange, len(q.Resources))
			for i := range q.Resources {
				r := &q.Resources[i]
				changes[i].key, changes[i].replace = configKey{r.ResourceType, r.ResourceName}, true
				for _, kv := range r.Configs {
					changes[i].ops = append(changes[i].ops, configOp{op: meta.SetConfig, name: kv.Name, value: kv.Value})
				}
			}
			errs := s.alter(ctx, c, img, changes, q.ValidateOnly)
			return api.Now(altered(q, func(i int) error { return errs[i] }))
		},
	}.Build()
}

func altered(q *kmsg.AlterConfigsRequest, outcome func(int) error) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.AlterConfigsResponse)
	for i := range q.Resources {
		out := kmsg.NewAlterConfigsResponseResource()
		out.ResourceType, out.ResourceName = q.Resources[i].ResourceType, q.Resources[i].ResourceName
		if err := outcome(i); err != nil {
			out.ErrorCode, out.ErrorMessage = wire.CodeOf(err), messageOf(err)
		}
		resp.Resources = append(resp.Resources, out)
	}
	return resp
}
