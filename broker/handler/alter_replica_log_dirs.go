package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/wire"
)

// alterReplicaLogDirs is API 34, versions 1-2 (KIP-113). The move itself goes on after the answer; DescribeLogDirs shows it.
func (d *Directories) alterReplicaLogDirs() api.Row {
	return api.Spec[*kmsg.AlterReplicaLogDirsRequest, struct{}]{
		Row: api.Row{Key: 34, Name: "AlterReplicaLogDirs", Min: 1, Max: 2, Gate: api.Authenticated, MaxBytes: describeFrame},
		Needs: func(*api.Call, *kmsg.AlterReplicaLogDirsRequest, struct{}) authz.Needs {
			return authz.Needs{All: []authz.Need{{Op: authz.Alter, On: authz.TheCluster()}}}
		},
		Refuse: func(_ *api.Call, q *kmsg.AlterReplicaLogDirsRequest, code int16) kmsg.Response {
			return eachMove(q, func(partMove) int16 { return code })
		},
		Handle: d.handleAlter,
	}.Build()
}

// partMove is a partition that is to go to a directory.
type partMove struct {
	topic     string
	partition int32
	to        string
}

func (d *Directories) handleAlter(ctx context.Context, c *api.Call, q *kmsg.AlterReplicaLogDirsRequest, _ struct{}) api.Answer {
	from, refused := map[partMove]string{}, map[partMove]int16{}
	parts := changedParts{origin: originOf(c), resourceType: authz.Topic.String()}
	eachMove(q, func(m partMove) int16 {
		now, err := d.Replicas.CheckMove(m.topic, m.partition, m.to)
		if err != nil {
			refused[m] = wire.CodeOf(err)
			return wire.None
		}
		from[m] = absolute(now)
		parts.add(m.topic, partName(m.partition), wire.None, from[m], m.to)
		return wire.None
	})
	intended := len(from) > 0
	if intended {
		if err := d.Changes.Intend(ctx, parts.records); err != nil {
			for m := range from {
				refused[m] = wire.KafkaStorageError
			}
		}
	}
	parts.records, parts.last = nil, nil
	resp := eachMove(q, func(m partMove) int16 {
		code, no := refused[m]
		if !no {
			code = wire.CodeOf(d.Replicas.StartMove(m.topic, m.partition, m.to))
		}
		if now, checked := from[m]; checked {
			parts.add(m.topic, partName(m.partition), code, now, m.to)
		}
		return code
	})
	if intended {
		d.Changes.Done(context.WithoutCancel(ctx), parts.records)
	}
	return api.Now(resp)
}

// eachMove asks for the code of each partition and makes the answer, which has each topic once for each directory.
func eachMove(q *kmsg.AlterReplicaLogDirsRequest, code func(partMove) int16) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.AlterReplicaLogDirsResponse)
	for i := range q.Dirs {
		dir := &q.Dirs[i]
		for j := range dir.Topics {
			topic := kmsg.NewAlterReplicaLogDirsResponseTopic()
			topic.Topic = dir.Topics[j].Topic
			for _, p := range dir.Topics[j].Partitions {
				out := kmsg.NewAlterReplicaLogDirsResponseTopicPartition()
				out.Partition, out.ErrorCode = p, code(partMove{topic.Topic, p, dir.Dir})
				topic.Partitions = append(topic.Partitions, out)
			}
			resp.Topics = append(resp.Topics, topic)
		}
	}
	return resp
}
