package httpd

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Gate says who is served a route. The zero value is invalid.
type Gate uint8

// The gates.
const (
	// Open routes are served to anyone who can connect: probes, which tell nothing but whether the broker is well.
	Open Gate = iota + 1
	// Loopback routes are served to clients of the same machine only, whatever address the listener is bound to, unless
	// Config.Remote opens them.
	Loopback
)

// Route is one row of the table. All fields are required.
type Route struct {
	// Method is GET, or another; GET routes answer HEAD too.
	Method string
	// Path is matched exactly.
	Path    string
	Gate    Gate
	Handler http.Handler
}

// ErrBadRoute is wrapped by the errors of New about routes.
var ErrBadRoute = errors.New("bad HTTP route")

func (r *Route) validate() error {
	missing := ""
	switch {
	case r.Method == "":
		missing = "method"
	case !strings.HasPrefix(r.Path, "/") || strings.ContainsAny(r.Path, "{} "):
		missing = "path"
	case r.Gate != Open && r.Gate != Loopback:
		missing = "gate"
	case r.Handler == nil:
		missing = "handler"
	default:
		return nil
	}
	return fmt.Errorf("%w: %s %s has no valid %s", ErrBadRoute, r.Method, r.Path, missing)
}
