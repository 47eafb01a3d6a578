package handler

import (
	"context"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// listConfigResources is API 74, versions 0-1 (KIP-1142). Version 0 lists subscriptions to client metrics only, of which there are
// none; in version 1 no type means all.
func (s *Configs) listConfigResources() api.Row {
	return api.Spec[*kmsg.ListConfigResourcesRequest, struct{}]{
		Row: api.Row{Key: 74, Name: "ListConfigResources", Min: 0, Max: 1, Gate: api.Authenticated, MaxBytes: configsFrame, Recheck: true},
		Needs: func(_ *api.Call, q *kmsg.ListConfigResourcesRequest, _ struct{}) authz.Needs {
			if q.Version > 0 && slices.Equal(q.ResourceTypes, []int8{int8(approvalConfig)}) {
				return onCluster(authz.Describe) // as to describe these
			}
			return onCluster(authz.DescribeConfigs)
		},
		Refuse: func(_ *api.Call, q *kmsg.ListConfigResourcesRequest, code int16) kmsg.Response {
			resp := q.ResponseKind().(*kmsg.ListConfigResourcesResponse)
			resp.ErrorCode = code
			return resp
		},
		Handle: func(_ context.Context, c *api.Call, q *kmsg.ListConfigResourcesRequest, _ struct{}) api.Answer {
			return api.Now(s.configuredResources(q, c.Received.UnixMilli()))
		},
	}.Build()
}

func (s *Configs) configuredResources(q *kmsg.ListConfigResourcesRequest, now int64) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.ListConfigResourcesResponse)
	supported := []kmsg.ConfigResourceType{
		kmsg.ConfigResourceTypeTopic, kmsg.ConfigResourceTypeBroker, kmsg.ConfigResourceTypeBrokerLogger,
		kmsg.ConfigResourceTypeClientMetrics, kmsg.ConfigResourceTypeGroupConfig,
	}
	wanted := supported
	if q.Version == 0 {
		wanted = []kmsg.ConfigResourceType{kmsg.ConfigResourceTypeClientMetrics}
	} else if len(q.ResourceTypes) > 0 {
		wanted = nil
		for _, t := range q.ResourceTypes {
			kind := kmsg.ConfigResourceType(t)
			if !slices.Contains(supported, kind) && kind != userConfig && kind != approvalConfig { // which Apache Kafka's clients do not know and do not ask for
				resp.ErrorCode = wire.UnsupportedVersion
				return resp
			}
			if !slices.Contains(wanted, kind) {
				wanted = append(wanted, kind)
			}
		}
	}
	img := s.Metadata.Image()
	for _, kind := range wanted {
		namesOf(img, kind, now, func(name string) {
			r := kmsg.NewListConfigResourcesResponseConfigResource()
			r.Name, r.Type = name, int8(kind)
			resp.ConfigResources = append(resp.ConfigResources, r)
		})
	}
	return resp
}

func namesOf(img *meta.Image, kind kmsg.ConfigResourceType, now int64, add func(string)) {
	switch kind {
	case kmsg.ConfigResourceTypeTopic:
		img.Topics(func(t *meta.Topic) bool { add(t.Name); return true })
	case kmsg.ConfigResourceTypeBroker, kmsg.ConfigResourceTypeBrokerLogger:
		img.Brokers(func(b *meta.Broker) bool { add(strconv.Itoa(int(b.ID))); return true })
	case kmsg.ConfigResourceTypeGroupConfig:
		img.Configured(meta.GroupConfig, func(k meta.ResourceKey, _ map[string]string) bool { add(k.Name); return true })
	case userConfig:
		img.Configured(meta.UserConfig, func(k meta.ResourceKey, _ map[string]string) bool { add(k.Name); return true })
	case approvalConfig:
		img.Approvals(func(a *meta.Approval) bool {
			if !a.Expired(now) {
				add(a.ID)
			}
			return true
		})
	default:
	}
}
