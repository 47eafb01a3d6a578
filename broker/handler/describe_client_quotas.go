package handler

import (
	"context"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// describeClientQuotas is API 48, versions 0-1 (KIP-546).
func (s *Configs) describeClientQuotas() api.Row {
	return api.Spec[*kmsg.DescribeClientQuotasRequest, struct{}]{
		Row: api.Row{Key: 48, Name: "DescribeClientQuotas", Min: 0, Max: 1, Gate: api.Authenticated, MaxBytes: configsFrame},
		Needs: func(*api.Call, *kmsg.DescribeClientQuotasRequest, struct{}) authz.Needs {
			return onCluster(authz.DescribeConfigs)
		},
		Refuse: func(_ *api.Call, q *kmsg.DescribeClientQuotasRequest, code int16) kmsg.Response {
			resp := q.ResponseKind().(*kmsg.DescribeClientQuotasResponse)
			resp.ErrorCode = code
			return resp
		},
		Handle: func(_ context.Context, _ *api.Call, q *kmsg.DescribeClientQuotasRequest, _ struct{}) api.Answer {
			resp := q.ResponseKind().(*kmsg.DescribeClientQuotasResponse)
			if err := validQuotaFilter(q.Components); err != nil {
				resp.ErrorCode, resp.ErrorMessage = wire.CodeOf(err), messageOf(err)
				return api.Now(resp)
			}
			resp.Entries = []kmsg.DescribeClientQuotasResponseEntry{} // null is for failures
			s.Metadata.Image().AllQuotas(func(of *meta.Quotas) bool {
				if quotaMatches(q, of.Entity) {
					resp.Entries = append(resp.Entries, describedQuotas(of))
				}
				return true
			})
			return api.Now(resp)
		},
	}.Build()
}

// quotaMatches reports whether an entity has all the parts that a valid filter lists, and no other where it is strict.
func quotaMatches(q *kmsg.DescribeClientQuotasRequest, e meta.QuotaEntity) bool {
	for i := range q.Components {
		c := &q.Components[i]
		part := e.Part(c.EntityType)
		matches := false
		switch c.MatchType {
		case kmsg.QuotasMatchTypeExact:
			matches = part == meta.Named(*c.Match)
		case kmsg.QuotasMatchTypeDefault:
			matches = part.Match == meta.QuotaDefault
		case kmsg.QuotasMatchTypeAny:
			matches = part.Match != 0
		}
		if !matches {
			return false
		}
	}
	return !q.Strict || len(q.Components) == len(e.Parts())
}

func describedQuotas(of *meta.Quotas) kmsg.DescribeClientQuotasResponseEntry {
	out := kmsg.NewDescribeClientQuotasResponseEntry()
	for _, kind := range of.Entity.Parts() {
		part := kmsg.NewDescribeClientQuotasResponseEntryEntity()
		part.Type = kind
		if p := of.Entity.Part(kind); p.Match == meta.QuotaNamed {
			part.Name = &p.Name
		}
		out.Entity = append(out.Entity, part)
	}
	for _, key := range slices.Sorted(maps.Keys(of.Values)) {
		value := kmsg.NewDescribeClientQuotasResponseEntryValue()
		value.Key, value.Value = key, of.Values[key]
		out.Values = append(out.Values, value)
	}
	return out
}

// validQuotaFilter is ClientQuotasImage.describe of Apache Kafka.
func validQuotaFilter(components []kmsg.DescribeClientQuotasRequestComponent) error {
	seen := map[string]bool{}
	for i := range components {
		c := &components[i]
		switch {
		case c.EntityType == "":
			return wire.Errorf(wire.InvalidRequest, "Invalid empty entity type.")
		case seen[c.EntityType]:
			return wire.Errorf(wire.InvalidRequest, "Entity type %s cannot appear more than once in the filter.", c.EntityType)
		case c.EntityType != meta.QuotaIP && c.EntityType != meta.QuotaUser && c.EntityType != meta.QuotaClientID:
			return wire.Errorf(wire.UnsupportedVersion, "Unsupported entity type %s", c.EntityType)
		}
		seen[c.EntityType] = true
		switch {
		case c.MatchType < kmsg.QuotasMatchTypeExact || c.MatchType > kmsg.QuotasMatchTypeAny:
			return wire.Errorf(wire.InvalidRequest, "Unknown match type %d", c.MatchType)
		case c.MatchType == kmsg.QuotasMatchTypeExact && c.Match == nil:
			return wire.Errorf(wire.InvalidRequest, "Request specified MATCH_TYPE_EXACT, but set match string to null.")
		case c.MatchType != kmsg.QuotasMatchTypeExact && c.Match != nil:
			return wire.Errorf(wire.InvalidRequest, "Request specified another match than MATCH_TYPE_EXACT, but also specified a match string.")
		}
	}
	if seen[meta.QuotaIP] && len(seen) > 1 {
		return wire.Errorf(wire.InvalidRequest,
			"Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.")
	}
	return nil
}
