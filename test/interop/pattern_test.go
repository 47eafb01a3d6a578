//go:build interop

package interop

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The topics that patternReader subscribes to: all of them match, but the principal may only see what begins with castPrefix.
const (
	patternOpen   = castPrefix + "patterned"
	patternHidden = "undisclosed-patterned"
	pattern       = "(open|undisclosed)-patterned.*"
)

// TestPatternSubscriptions lets members of each client and protocol subscribe to a regular expression. A topic that is made later is read
// as well. One that the principal may not see is assigned to nobody, made before or later, and its name is nowhere in what the client
// and the descriptions say.
func TestPatternSubscriptions(t *testing.T) {
	t.Parallel()
	c := newCast(t)
	c.makeTopic(t, patternHidden, 1)
	c.makeTopic(t, patternOpen, 1)
	c.write(t, partitionName(patternOpen, 0), 3)
	c.write(t, partitionName(patternHidden, 0), 3)
	var readers []patternReader
	for _, a := range actors() {
		r := patternReader{ensemble: ensemble{c, a, castPrefix + "pattern-" + a.String()}}
		r.member = r.start(t, "a", role{Pattern: r.expression()})
		readers = append(readers, r)
	}
	for _, r := range readers {
		r.waitReads(t, partitionName(patternOpen, 0))
	}
	c.makeTopic(t, patternHidden+"-too", 1)
	c.makeTopic(t, patternOpen+"-too", 1)
	c.write(t, partitionName(patternHidden+"-too", 0), 3)
	c.write(t, partitionName(patternOpen+"-too", 0), 3)
	for _, r := range readers {
		t.Run(r.String(), func(t *testing.T) {
			r.waitReads(t, partitionName(patternOpen+"-too", 0))
			r.wantOwned(t)
			r.wantNothingHidden(t)
		})
	}
}

// patternReader is the only member of a group that subscribes to the pattern.
type patternReader struct {
	ensemble
	member string
}

// expression is the pattern as the client wants it.
func (r patternReader) expression() string {
	switch {
	case r.client == "librdkafka":
		return "^" + pattern // or it would be a name
	case r.client == "franz-go" && r.protocol == "classic":
		return "^" + pattern + "$" // or it would match a part
	}
	return pattern
}

func (r patternReader) waitReads(t *testing.T, place string) {
	t.Helper()
	defer r.showOnFailure(t, []string{r.member})()
	waitSeeing(t, r.member+" to read "+place, func() (string, bool) {
		return r.seen(r.member), slices.ContainsFunc(r.told(r.member, "record"), func(e happening) bool { return e.Partitions[0] == place })
	})
}

// wantOwned wants the member to have what it may see.
func (r patternReader) wantOwned(t *testing.T) {
	t.Helper()
	want := []string{partitionName(patternOpen+"-too", 0), partitionName(patternOpen, 0)}
	if has := r.owned(r.member); !slices.Equal(has, want) {
		t.Errorf("it has %v, want %v", has, want)
	}
}

// wantNothingHidden wants no name that the member may not see anywhere.
func (r patternReader) wantNothingHidden(t *testing.T) {
	t.Helper()
	user := franzClient(t, franzUser(t, r.Broker, "SCRAM-SHA-512", castUser, castPassword)...)
	var said bytes.Buffer
	for _, e := range r.told(r.member, "assigned", "revoked", "lost", "record", "error") {
		said.WriteString(strings.Join(append(e.Partitions, e.Error), "\n"))
	}
	said.WriteString(r.troops[r.client].printed())
	said.WriteString(tools.Must(t, groupCommand, "--bootstrap-server", r.Bootstrap(), "--command-config", r.file,
		"--describe", "--group", r.group, "--members", "--verbose"))
	described := kmsg.NewPtrConsumerGroupDescribeRequest()
	described.Groups = []string{r.group}
	classic := kmsg.NewPtrDescribeGroupsRequest()
	classic.Groups = []string{r.group}
	for _, q := range []kmsg.Request{described, classic} {
		said.Write(askBroker(t, user, q).AppendTo(nil))
		said.Write(askBroker(t, r.super, q).AppendTo(nil)) // what is assigned
	}
	said.Write(askBroker(t, user, kmsg.NewPtrMetadataRequest()).AppendTo(nil))
	if !strings.Contains(said.String(), patternOpen+"-too") || strings.Contains(said.String(), patternHidden) {
		t.Errorf("the names that were said are not those that may be seen: %q", said.String())
	}
}
