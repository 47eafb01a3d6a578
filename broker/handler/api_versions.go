package handler

import (
	"context"
	"maps"
	"regexp"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// softwareName is what KIP-511 allows as a client's software name and version.
var softwareName = regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$`)

// apiVersions is API 18, versions 0-5. It lists what the table holds and nothing else. Software name and version come with v3
// (KIP-511), the check that client and broker mean the same cluster with v5 (KIP-1242).
func (e *Entry) apiVersions() api.Row {
	return api.Spec[*kmsg.ApiVersionsRequest, struct{}]{
		Row:   api.Row{Key: 18, Name: "ApiVersions", Min: 0, Max: 5, Gate: api.BeforeLogin, MaxBytes: entryFrame},
		Needs: api.NoNeeds[*kmsg.ApiVersionsRequest, struct{}],
		Refuse: func(_ *api.Call, q *kmsg.ApiVersionsRequest, code int16) kmsg.Response {
			return apiVersionsError(q, code)
		},
		Handle: func(_ context.Context, _ *api.Call, q *kmsg.ApiVersionsRequest, _ struct{}) api.Answer {
			if code := e.checkApiVersions(q); code != wire.None {
				return api.Now(apiVersionsError(q, code))
			}
			return api.Now(e.listApiVersions(q))
		},
	}.Build()
}

func (e *Entry) checkApiVersions(q *kmsg.ApiVersionsRequest) int16 {
	if q.Version >= 3 && (!softwareName.MatchString(q.ClientSoftwareName) || !softwareName.MatchString(q.ClientSoftwareVersion)) {
		return wire.InvalidRequest
	}
	if q.Version < 5 || q.ClusterID == nil && q.NodeID == -1 {
		return wire.None
	}
	if q.ClusterID == nil || q.NodeID == -1 {
		return wire.InvalidRequest
	}
	if *q.ClusterID != e.ClusterID || q.NodeID != e.NodeID {
		return wire.RebootstrapRequired
	}
	return wire.None
}

func (e *Entry) listApiVersions(q *kmsg.ApiVersionsRequest) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.ApiVersionsResponse)
	e.Listed().Rows(func(row *api.Row) bool {
		key := kmsg.NewApiVersionsResponseApiKey()
		key.ApiKey, key.MinVersion, key.MaxVersion = row.Key, row.Lowest(), row.Max
		resp.ApiKeys = append(resp.ApiKeys, key)
		return true
	})
	e.listFeatures(resp)
	return resp
}

// listFeatures tells of features. A client of version 3 may know nothing of ranges that begin with 0, and is not shown any (KIP-1022).
func (e *Entry) listFeatures(resp *kmsg.ApiVersionsResponse) {
	for _, f := range meta.SupportedFeatures() {
		if f.Min == 0 && resp.Version < 4 {
			continue
		}
		supported := kmsg.NewApiVersionsResponseSupportedFeature()
		supported.Name, supported.MinVersion, supported.MaxVersion = f.Name, f.Min, f.Max
		resp.SupportedFeatures = append(resp.SupportedFeatures, supported)
	}
	levels, epoch := e.Features()
	resp.FinalizedFeaturesEpoch = epoch
	for _, name := range slices.Sorted(maps.Keys(levels)) {
		if levels[name] == 0 {
			continue
		}
		finalized := kmsg.NewApiVersionsResponseFinalizedFeature()
		finalized.Name, finalized.MaxVersionLevel, finalized.MinVersionLevel = name, levels[name], levels[name]
		resp.FinalizedFeatures = append(resp.FinalizedFeatures, finalized)
	}
}

func apiVersionsError(q *kmsg.ApiVersionsRequest, code int16) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.ApiVersionsResponse)
	resp.ErrorCode = code
	return resp
}
