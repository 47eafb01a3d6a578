package broker

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// beatHeart sends the next heartbeat of a member of "g", or with an epoch of 0 its first one, for the topic "t".
func beatHeart(ctx context.Context, t *testing.T, c *kgo.Client, memberID string, epoch int32) *kmsg.ConsumerGroupHeartbeatResponse {
	t.Helper()
	q := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	q.Group, q.MemberID, q.MemberEpoch = "g", memberID, epoch
	if epoch == 0 {
		q.RebalanceTimeoutMillis, q.SubscribedTopicNames, q.Topics = 60_000, []string{"t"}, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	}
	r, err := q.RequestWith(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if r.ErrorCode != wire.None || r.MemberID == nil {
		t.Fatalf("heartbeat: code %d, member %v", r.ErrorCode, r.MemberID)
	}
	return r
}

// alterHeartbeat changes consumer.heartbeat.interval.ms of "g" and returns the code.
func alterHeartbeat(ctx context.Context, t *testing.T, c *kgo.Client, op kmsg.IncrementalAlterConfigOp, value *string) int16 {
	t.Helper()
	q, r, kv := kmsg.NewPtrIncrementalAlterConfigsRequest(), kmsg.NewIncrementalAlterConfigsRequestResource(), kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	kv.Name, kv.Op, kv.Value = "consumer.heartbeat.interval.ms", op, value
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeGroupConfig, "g"
	r.Configs = append(r.Configs, kv)
	q.Resources = append(q.Resources, r)
	resp, err := q.RequestWith(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.Resources) != 1 {
		t.Fatalf("%d resources were altered", len(resp.Resources))
	}
	return resp.Resources[0].ErrorCode
}

// TestALiveMemberHearsOfItsGroupsNewHeartbeatInterval goes from an alteration by an administrator to the member's next heartbeat. The
// session is so long that no pause of the machine ends it.
func TestALiveMemberHearsOfItsGroupsNewHeartbeatInterval(t *testing.T) {
	o := options(t, map[string]string{
		"super.users": "User:" + testUser, "group.consumer.heartbeat.interval.ms": "6000",
		"group.consumer.session.timeout.ms": "3600000", "group.consumer.max.session.timeout.ms": "3600000",
	})
	format(t, o)
	b := start(t, o)
	defer stop(t, b)
	c := client(t, b, kgo.RequestRetries(20))
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	admin := kadm.NewClient(c)
	if _, err := admin.CreateTopic(ctx, 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	offsets := kadm.Offsets{}
	offsets.AddOffset("t", 0, 0, -1)
	if err := admin.CommitAllOffsets(ctx, "g", offsets); err != nil { // a commit is tried again until the coordinator is there
		t.Fatal(err)
	}

	r := beatHeart(ctx, t, c, "m", 0)
	if r.HeartbeatIntervalMillis != 6000 {
		t.Fatalf("the broker's interval is %d ms", r.HeartbeatIntervalMillis)
	}
	within, beyond := "7000", "15001"
	for _, step := range []struct {
		op    kmsg.IncrementalAlterConfigOp
		value *string
		code  int16
		want  int32
	}{
		{kmsg.IncrementalAlterConfigOpSet, &within, wire.None, 7000},
		{kmsg.IncrementalAlterConfigOpSet, &beyond, wire.InvalidConfig, 7000},
		{kmsg.IncrementalAlterConfigOpDelete, nil, wire.None, 6000},
	} {
		if code := alterHeartbeat(ctx, t, c, step.op, step.value); code != step.code {
			t.Fatalf("%s: code %d, want %d", step.op, code, step.code)
		}
		if r = beatHeart(ctx, t, c, "m", r.MemberEpoch); r.HeartbeatIntervalMillis != step.want {
			t.Errorf("after %s the interval is %d ms, want %d", step.op, r.HeartbeatIntervalMillis, step.want)
		}
	}
}
