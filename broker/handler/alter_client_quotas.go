package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// quotasPerRequest bounds the quotas that one request sets or removes, as in Apache Kafka (QuorumController.MAX_RECORDS_PER_USER_OP).
const quotasPerRequest = 10_000

// alterClientQuotas is API 49, versions 0-1 (KIP-546).
func (s *Configs) alterClientQuotas() api.Row {
	return api.Spec[*kmsg.AlterClientQuotasRequest, *meta.Image]{
		Row:     api.Row{Key: 49, Name: "AlterClientQuotas", Min: 0, Max: 1, Gate: api.Authenticated, MaxBytes: configsFrame},
		Resolve: func(*api.Call, *kmsg.AlterClientQuotasRequest) *meta.Image { return s.Metadata.Image() },
		Needs: func(*api.Call, *kmsg.AlterClientQuotasRequest, *meta.Image) authz.Needs {
			return onCluster(authz.AlterConfigs)
		},
		Refuse: func(_ *api.Call, q *kmsg.AlterClientQuotasRequest, code int16) kmsg.Response {
			return alteredQuotas(q, func(int) error { return wire.Errorf(code, "Cluster authorization failed.") })
		},
		Handle: func(ctx context.Context, c *api.Call, q *kmsg.AlterClientQuotasRequest, img *meta.Image) api.Answer {
			return api.Now(s.alterQuotas(ctx, c, q, img))
		},
	}.Build()
}

func alteredQuotas(q *kmsg.AlterClientQuotasRequest, outcome func(int) error) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.AlterClientQuotasResponse)
	for i := range q.Entries {
		out := kmsg.NewAlterClientQuotasResponseEntry()
		for _, part := range q.Entries[i].Entity {
			e := kmsg.NewAlterClientQuotasResponseEntryEntity()
			e.Type, e.Name = part.Type, part.Name
			out.Entity = append(out.Entity, e)
		}
		if err := outcome(i); err != nil {
			out.ErrorCode, out.ErrorMessage = wire.CodeOf(err), messageOf(err)
		}
		resp.Entries = append(resp.Entries, out)
	}
	return resp
}

func (s *Configs) alterQuotas(ctx context.Context, c *api.Call, q *kmsg.AlterClientQuotasRequest, img *meta.Image) kmsg.Response {
	asked := 0
	for i := range q.Entries {
		asked += len(q.Entries[i].Ops)
	}
	if max(asked, len(q.Entries)) > quotasPerRequest {
		return alteredQuotas(q, func(int) error { return wire.Errorf(wire.PolicyViolation, "%s", excessive) })
	}
	errs := make([]error, len(q.Entries))
	command := &meta.AlterQuotas{Origin: originOf(c)}
	var places []int // of the command's changes in the request
	times := map[meta.QuotaEntity]int{}
	for i := range q.Entries {
		if e, err := quotaEntity(&q.Entries[i]); err == nil {
			times[e]++
		}
	}
	for i := range q.Entries {
		change, err := quotaChange(&q.Entries[i])
		if err == nil && times[change.Entity] > 1 {
			err = wire.Errorf(wire.InvalidRequest, "Ignoring duplicate entity %s", change.Entity)
		}
		if errs[i] = err; err != nil {
			continue
		}
		places = append(places, i)
		command.Changes = append(command.Changes, change)
	}
	commit(ctx, s.Metadata, img, command, len(places), q.ValidateOnly, func(i int, err error) { errs[places[i]] = err })
	return alteredQuotas(q, func(i int) error { return errs[i] })
}

// quotaChange reads and checks what is asked for one entity.
func quotaChange(asked *kmsg.AlterClientQuotasRequestEntry) (meta.QuotaChange, error) {
	e, err := quotaEntity(asked)
	if err != nil {
		return meta.QuotaChange{}, err
	}
	change := meta.QuotaChange{Entity: e}
	seen := map[string]bool{}
	for _, op := range asked.Ops {
		if seen[op.Key] {
			return change, wire.Errorf(wire.InvalidRequest, "Duplicate quota key %s not updating quota for this entity %s", op.Key, e)
		}
		seen[op.Key] = true
		made := meta.QuotaOp{Key: op.Key, Remove: op.Remove}
		if !op.Remove {
			made.Value = op.Value
		}
		change.Ops = append(change.Ops, made)
	}
	if bad := change.Check(); bad != nil { // before the log too, which can not hold every number
		return change, bad
	}
	return change, nil
}

func quotaEntity(asked *kmsg.AlterClientQuotasRequestEntry) (meta.QuotaEntity, error) {
	var e meta.QuotaEntity
	for _, part := range asked.Entity {
		p := meta.QuotaPart{Match: meta.QuotaDefault}
		if part.Name != nil {
			p = meta.Named(*part.Name)
		}
		switch {
		case e.Part(part.Type).Match != 0:
			return e, wire.Errorf(wire.InvalidRequest, "Invalid client quota entity, duplicate entity entry %s", part.Type)
		case len(p.Name) > limit.ClientIDBytes || !isText(p.Name):
			return e, wire.Errorf(wire.InvalidRequest, "The name of a %s has to be UTF-8 of at most %d bytes", part.Type, limit.ClientIDBytes)
		}
		switch part.Type {
		case meta.QuotaUser:
			e.User = p
		case meta.QuotaClientID:
			e.ClientID = p
		case meta.QuotaIP:
			e.IP = p
		default:
			return e, wire.Errorf(wire.InvalidRequest, "Unhandled client quota entity type: %s", part.Type)
		}
	}
	return e, nil
}
