package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
)

// Gate says when in a connection's life a request is served. The zero value is invalid.
type Gate uint8

// The gates.
const (
	// BeforeLogin rows are served to anyone who can connect; there are three.
	BeforeLogin Gate = iota + 1
	// Authenticated rows are served after the log-in only.
	Authenticated
)

// Row is one API. All fields but Overlap, AdvertiseMin, Recheck and Before are required.
type Row struct {
	Key  int16
	Name string
	// Min and Max are the versions that are served.
	Min, Max int16
	// AdvertiseMin is the lowest version that ApiVersions lists, where it is lower than Min (KAFKA-18659); else 0 means Min.
	AdvertiseMin *int16
	Gate         Gate
	// MaxBytes caps the size of the request's frame, in bytes.
	MaxBytes int32
	// Overlap marks a row whose handler returns before its answer is ready, so that the connection's next request starts.
	// What it was granted is not kept until then, so it can not be rechecked.
	Overlap bool
	// Recheck marks a row that reveals data: when the rules changed while it waited, its grants are asked again.
	Recheck bool
	// Before lists what the request has to be allowed to do before anything is looked up for it, where that takes much. Needs lists it again.
	Before func(*Call) authz.Needs
	// Resolve pins what the request speaks of: one image, and names for ids and "all". Its result is Call.Resolved.
	Resolve func(*Call) any
	// Needs lists what the request has to be allowed to do.
	Needs func(*Call) authz.Needs
	// Refuse builds the answer to a request that is refused whole with an error code.
	Refuse func(c *Call, code int16) kmsg.Response
	// Handle answers. It never decides who may do what: it asks c.Granted.
	Handle func(context.Context, *Call) Answer
}

// Answer is a response, now or later. The zero Answer sends nothing (Produce with acks=0).
type Answer struct {
	Response kmsg.Response
	// Later, where set, waits for the outcome and returns the response. The connection's writer calls it, in request order.
	Later func(context.Context) kmsg.Response
	// Close closes the connection, after Response where there is one.
	Close bool
	// Throttle is how long the client is held back after this request: the answer, which is sent at once, says so, and the connection's
	// next request is not read before.
	Throttle time.Duration
	// Sent, where set, is called once when the client has taken the answer or never will: what the answer held is free again.
	Sent func()
}

// Now answers at once.
func Now(r kmsg.Response) Answer { return Answer{Response: r} }

// Lowest is the lowest version that ApiVersions lists.
func (r *Row) Lowest() int16 {
	if r.AdvertiseMin != nil {
		return *r.AdvertiseMin
	}
	return r.Min
}

// ErrIncompleteRow is wrapped by the errors of Validate.
var ErrIncompleteRow = errors.New("incomplete API row")

// Validate reports what is missing from the row.
func (r *Row) Validate() error {
	missing := ""
	switch {
	case r.Name == "":
		missing = "name"
	case r.Min < 0 || r.Max < r.Min || r.Lowest() > r.Min:
		missing = "versions"
	case r.Gate != BeforeLogin && r.Gate != Authenticated:
		missing = "gate"
	case r.MaxBytes <= 0:
		missing = "size cap"
	case r.Overlap && r.Recheck:
		missing = "recheck: it overlaps"
	case r.Resolve == nil:
		missing = "resolve"
	case r.Needs == nil:
		missing = "needs"
	case r.Refuse == nil:
		missing = "refuse"
	case r.Handle == nil:
		missing = "handler"
	default:
		return nil
	}
	return fmt.Errorf("%w: API %d %s has no valid %s", ErrIncompleteRow, r.Key, r.Name, missing)
}
