package server

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/wire"
)

func TestBeforeLogInAllButThreeClose(t *testing.T) {
	r := newRig(t, saslListener(), nil)
	for _, key := range []int16{0, 1, 3, 12, 19, 29, 50, 99} {
		request := kmsg.RequestForKey(key)
		if request == nil {
			request = kmsg.NewPtrListOffsetsRequest()
		}
		c := r.dial()
		c.call(kmsg.NewPtrApiVersionsRequest(), 0)
		c.ask(request, request.MaxVersion()-1)
		c.closed()
	}
}

func TestUnsupportedVersions(t *testing.T) {
	r := newRig(t, plainListener(), nil)
	c := r.dial()
	id := c.ask(kmsg.NewPtrApiVersionsRequest(), 99)
	got := kmsg.NewPtrApiVersionsResponse()
	c.get(id, got)
	if got.ErrorCode != wire.UnsupportedVersion || len(got.ApiKeys) != 1 || got.ApiKeys[0].ApiKey != 18 || got.ApiKeys[0].MaxVersion != 4 {
		t.Errorf("ApiVersions of an unknown version is answered %+v", got)
	}
	c.call(kmsg.NewPtrApiVersionsRequest(), 4)
	c.ask(kmsg.NewPtrProduceRequest(), 2)
	c.closed()
}

func TestDeniedRequestIsRefusedWithItsResourcesCode(t *testing.T) {
	r := newRig(t, plainListener(), nil)
	r.rules.deny("secret")
	r.heartbeat = func(context.Context, *api.Call) api.Answer {
		t.Error("the handler of a denied request ran")
		return api.Answer{}
	}
	c := r.dial()
	got := c.call(kmsg.NewPtrHeartbeatRequest(), 4).(*kmsg.HeartbeatResponse)
	if got.ErrorCode != wire.TopicAuthorizationFailed {
		t.Errorf("code %s", wire.CodeName(got.ErrorCode))
	}
	if len(r.record.denied) != 1 || r.record.denied[0].On.Name != "secret" {
		t.Errorf("recorded denials: %+v", r.record.denied)
	}
}

func TestRefusalCodes(t *testing.T) {
	for resource, want := range map[authz.ResourceType]int16{
		authz.Topic: 29, authz.Group: 30, authz.Cluster: 31, authz.TransactionalID: 53, authz.DelegationToken: 65,
		authz.UserResource: 65, authz.UnknownResource: 31,
	} {
		if got := refusalCode(resource); got != want {
			t.Errorf("%s: %d, want %d", resource, got, want)
		}
	}
}

func TestRevokedWhileItWaited(t *testing.T) {
	r := newRig(t, plainListener(), nil)
	r.heartbeat = func(_ context.Context, c *api.Call) api.Answer {
		r.rules.deny("secret")
		return api.Now(c.Request.ResponseKind())
	}
	got := r.dial().call(kmsg.NewPtrHeartbeatRequest(), 4).(*kmsg.HeartbeatResponse)
	if got.ErrorCode != wire.TopicAuthorizationFailed {
		t.Errorf("an answer whose grant was lost: %s", wire.CodeName(got.ErrorCode))
	}
}

func TestUnrelatedChangeLetsTheAnswerThrough(t *testing.T) {
	r := newRig(t, plainListener(), nil)
	r.heartbeat = func(_ context.Context, c *api.Call) api.Answer {
		r.rules.deny("something else")
		return api.Now(c.Request.ResponseKind())
	}
	if got := r.dial().call(kmsg.NewPtrHeartbeatRequest(), 4).(*kmsg.HeartbeatResponse); got.ErrorCode != 0 {
		t.Errorf("code %s", wire.CodeName(got.ErrorCode))
	}
}

func TestCallCarriesWhatIsKnown(t *testing.T) {
	r := newRig(t, plainListener(), nil)
	seen := make(chan api.Call, 1)
	r.heartbeat = func(_ context.Context, c *api.Call) api.Answer {
		seen <- *c
		return api.Now(c.Request.ResponseKind())
	}
	c := r.dial()
	versions := kmsg.NewPtrApiVersionsRequest()
	versions.ClientSoftwareName, versions.ClientSoftwareVersion = "gotest", "1.2"
	c.call(versions, 3)
	c.call(kmsg.NewPtrHeartbeatRequest(), 4)
	got := <-seen
	if got.ClientID != "test" || got.SoftwareName != "gotest" || got.SoftwareVersion != "1.2" || got.Version != 4 || got.CorrelationID != 2 ||
		got.Session.Method != methodNone || got.Session.Principal.Name != "ANONYMOUS" || got.Received != r.now() || got.Conn.ID == 0 {
		t.Errorf("call: %+v", got)
	}
	if got.Login != nil {
		t.Error("a listener without SASL has a log-in")
	}
}

func TestOverlappedAnswersComeInOrder(t *testing.T) {
	r := newRig(t, plainListener(), nil)
	const n = 20
	gates := make([]chan struct{}, n+1)
	for i := range gates {
		gates[i] = make(chan struct{})
	}
	started := make(chan int32, n)
	r.produce = func(_ context.Context, c *api.Call) api.Answer {
		started <- c.CorrelationID
		return api.Answer{Later: func(ctx context.Context) kmsg.Response {
			select {
			case <-gates[c.CorrelationID]:
			case <-ctx.Done():
			}
			return c.Request.ResponseKind()
		}}
	}
	c := r.dial()
	for range n {
		c.ask(kmsg.NewPtrProduceRequest(), 9)
	}
	for range n {
		<-started // all have begun before the first is answered
	}
	metadata := c.ask(kmsg.NewPtrMetadataRequest(), 12)
	for i := n; i > 0; i-- {
		close(gates[i]) // the last first
	}
	for i := range n {
		c.get(int32(i+1), inVersion(kmsg.NewPtrProduceResponse(), 9))
	}
	c.get(metadata, inVersion(kmsg.NewPtrMetadataResponse(), 12))
}

func inVersion(r kmsg.Response, version int16) kmsg.Response {
	r.SetVersion(version)
	return r
}

func TestAcksZeroSendsNothing(t *testing.T) {
	r := newRig(t, plainListener(), nil)
	r.produce = func(context.Context, *api.Call) api.Answer { return api.Answer{} }
	c := r.dial()
	c.ask(kmsg.NewPtrProduceRequest(), 9)
	c.call(kmsg.NewPtrMetadataRequest(), 12)
}

func TestHandlerCloses(t *testing.T) {
	r := newRig(t, plainListener(), nil)
	r.produce = func(context.Context, *api.Call) api.Answer { return api.Answer{Close: true} }
	r.heartbeat = func(_ context.Context, c *api.Call) api.Answer {
		return api.Answer{Response: c.Request.ResponseKind(), Close: true}
	}
	c := r.dial()
	c.ask(kmsg.NewPtrProduceRequest(), 9)
	c.closed()
	c = r.dial()
	c.call(kmsg.NewPtrHeartbeatRequest(), 4)
	c.closed()
}

func TestFaultEndsTheConnectionOnly(t *testing.T) {
	r := newRig(t, plainListener(), nil)
	other := r.dial()
	other.call(kmsg.NewPtrMetadataRequest(), 12)
	r.heartbeat = func(context.Context, *api.Call) api.Answer { panic("in the handler") }
	r.produce = func(context.Context, *api.Call) api.Answer {
		return api.Answer{Later: func(context.Context) kmsg.Response { panic("in the writer") }}
	}
	for _, request := range []kmsg.Request{kmsg.NewPtrHeartbeatRequest(), kmsg.NewPtrProduceRequest()} {
		c := r.dial()
		c.ask(request, 4)
		c.closed()
	}
	other.call(kmsg.NewPtrMetadataRequest(), 12)
}
