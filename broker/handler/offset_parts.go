package handler

import (
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/wire"
)

// offsetParts sorts out the partitions of a request about a group's offsets: which of them go to the coordinator, and where in the answer
// the coordinator's code for each belongs.
type offsetParts struct {
	granted *authz.Granted
	back    []*int16
}

// admits reports whether a partition goes to the coordinator; its place in the answer has the code of why not.
func (o *offsetParts) admits(t *groupTopic, partition int32, code *int16) bool {
	if *code = t.check(o.granted, authz.Read, partition); *code != wire.None {
		return false
	}
	o.back = append(o.back, code)
	return true
}

// told puts the coordinator's code for the next partition in its place.
func (o *offsetParts) told(code int16) {
	*o.back[0] = code
	o.back = o.back[1:]
}
