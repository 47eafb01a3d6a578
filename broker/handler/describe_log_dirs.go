package handler

import (
	"context"
	"path/filepath"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/wire"
)

// describeLogDirs is API 35, versions 1-5. Version 3 has an error code of the whole, 4 the space of the volume, 5 what is cordoned.
func (d *Directories) describeLogDirs() api.Row {
	return api.Spec[*kmsg.DescribeLogDirsRequest, struct{}]{
		Row: api.Row{Key: 35, Name: "DescribeLogDirs", Min: 1, Max: 5, Gate: api.Authenticated, MaxBytes: describeFrame},
		Needs: func(*api.Call, *kmsg.DescribeLogDirsRequest, struct{}) authz.Needs {
			return authz.Needs{All: []authz.Need{{Op: authz.Describe, On: authz.TheCluster()}}}
		},
		Refuse: func(_ *api.Call, q *kmsg.DescribeLogDirsRequest, code int16) kmsg.Response {
			resp := q.ResponseKind().(*kmsg.DescribeLogDirsResponse)
			resp.ErrorCode = code
			return resp
		},
		Handle: func(_ context.Context, _ *api.Call, q *kmsg.DescribeLogDirsRequest, _ struct{}) api.Answer {
			resp := q.ResponseKind().(*kmsg.DescribeLogDirsResponse)
			for _, state := range d.Replicas.Directories(describedOf(q)) {
				resp.Dirs = append(resp.Dirs, directoryOf(&state))
			}
			return api.Now(resp)
		},
	}.Build()
}

// describedOf says which partitions a request asks for: without a list, all.
func describedOf(q *kmsg.DescribeLogDirsRequest) func(string, int32) bool {
	if q.Topics == nil {
		return func(string, int32) bool { return true }
	}
	type key struct {
		topic     string
		partition int32
	}
	wanted := map[key]bool{}
	for i := range q.Topics {
		for _, p := range q.Topics[i].Partitions {
			wanted[key{q.Topics[i].Topic, p}] = true
		}
	}
	return func(topic string, partition int32) bool { return wanted[key{topic, partition}] }
}

func directoryOf(state *replica.DirectoryState) kmsg.DescribeLogDirsResponseDir {
	out := kmsg.NewDescribeLogDirsResponseDir()
	out.Dir = absolute(state.Path)
	out.TotalBytes, out.UsableBytes, out.IsCordoned = state.TotalBytes, state.UsableBytes, state.Cordoned
	if state.Err != nil {
		out.ErrorCode = wire.KafkaStorageError
	}
	for _, r := range state.Replicas {
		if n := len(out.Topics); n == 0 || out.Topics[n-1].Topic != r.Topic {
			topic := kmsg.NewDescribeLogDirsResponseDirTopic()
			topic.Topic = r.Topic
			out.Topics = append(out.Topics, topic)
		}
		p := kmsg.NewDescribeLogDirsResponseDirTopicPartition()
		p.Partition, p.Size, p.OffsetLag, p.IsFuture = r.Partition, r.Size, r.Lag, r.Future
		topic := &out.Topics[len(out.Topics)-1]
		topic.Partitions = append(topic.Partitions, p)
	}
	return out
}

// absolute is how clients know a directory.
func absolute(dir string) string {
	if path, err := filepath.Abs(dir); err == nil {
		return path
	}
	return dir
}
