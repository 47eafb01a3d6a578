package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/replica"
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
			return movesAnswer(q, func() int16 { return code })
		},
		Handle: d.handleAlter,
	}.Build()
}

// partMove is a partition that is to go to a directory.
type partMove struct {
	topic     string
	partition int32
	// named is the directory as the request names it; from is where the partition is, "" where it can not go.
	named, from string
	to          replica.Destination
	code        int16
}

func (d *Directories) handleAlter(ctx context.Context, c *api.Call, q *kmsg.AlterReplicaLogDirsRequest, _ struct{}) api.Answer {
	moves := d.checkedMoves(q)
	parts := changedParts{origin: originOf(c), resourceType: authz.Topic.String()}
	for i := range moves {
		if m := &moves[i]; m.from != "" {
			parts.add(m.topic, partName(m.partition), wire.None, m.from, m.named)
		}
	}
	if len(parts.records) > 0 {
		d.start(moves, d.Changes.Intend(ctx, parts.records))
		parts.records, parts.last = nil, nil
		for i := range moves {
			if m := &moves[i]; m.from != "" {
				parts.add(m.topic, partName(m.partition), m.code, m.from, m.named)
			}
		}
		d.Changes.Done(context.WithoutCancel(ctx), parts.records)
	}
	next := -1
	return api.Now(movesAnswer(q, func() int16 {
		next++
		return moves[next].code
	}))
}

// checkedMoves lists what is asked for, in its order. A directory is looked for once, whatever is to go there: its name may be long,
// and the partitions many.
func (d *Directories) checkedMoves(q *kmsg.AlterReplicaLogDirsRequest) (moves []partMove) {
	absolutes := map[string]string{}
	for i := range q.Dirs {
		to, err := d.Replicas.Destination(q.Dirs[i].Dir)
		for j := range q.Dirs[i].Topics {
			t := &q.Dirs[i].Topics[j]
			for _, p := range t.Partitions {
				m := partMove{topic: t.Topic, partition: p, named: q.Dirs[i].Dir, to: to, code: wire.CodeOf(err)}
				if err == nil {
					d.locate(&m, absolutes)
				}
				moves = append(moves, m)
			}
		}
	}
	return moves
}

// locate finds where a partition is.
func (d *Directories) locate(m *partMove, absolutes map[string]string) {
	now, err := d.Replicas.Located(m.topic, m.partition)
	if m.code = wire.CodeOf(err); err != nil {
		return
	}
	if absolutes[now] == "" {
		absolutes[now] = absolute(now)
	}
	m.from = absolutes[now]
}

// start starts the moves that can be made, unless the audit log could not take what is intended.
func (d *Directories) start(moves []partMove, unrecorded error) {
	for i := range moves {
		m := &moves[i]
		switch {
		case m.from == "":
		case unrecorded != nil:
			m.code = wire.KafkaStorageError
		default:
			m.code = wire.CodeOf(d.Replicas.StartMove(m.topic, m.partition, m.to))
		}
	}
}

// movesAnswer asks for the code of each partition in turn. The answer has each topic once for each directory.
func movesAnswer(q *kmsg.AlterReplicaLogDirsRequest, code func() int16) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.AlterReplicaLogDirsResponse)
	for i := range q.Dirs {
		dir := &q.Dirs[i]
		for j := range dir.Topics {
			topic := kmsg.NewAlterReplicaLogDirsResponseTopic()
			topic.Topic = dir.Topics[j].Topic
			for _, p := range dir.Topics[j].Partitions {
				out := kmsg.NewAlterReplicaLogDirsResponseTopicPartition()
				out.Partition, out.ErrorCode = p, code()
				topic.Partitions = append(topic.Partitions, out)
			}
			resp.Topics = append(resp.Topics, topic)
		}
	}
	return resp
}
