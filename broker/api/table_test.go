package api

import (
	"context"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
)

func whole() Row {
	return Spec[*kmsg.HeartbeatRequest, string]{
		Row:     Row{Key: 12, Name: "Heartbeat", Min: 0, Max: 4, Gate: Authenticated, MaxBytes: 1},
		Resolve: func(_ *Call, q *kmsg.HeartbeatRequest) string { return q.Group + "!" },
		Needs: func(_ *Call, _ *kmsg.HeartbeatRequest, r string) authz.Needs {
			return authz.Needs{All: []authz.Need{{Op: authz.Read, On: authz.Resource{Type: authz.Group, Name: r}}}}
		},
		Refuse: func(_ *Call, q *kmsg.HeartbeatRequest, code int16) kmsg.Response {
			return &kmsg.HeartbeatResponse{Version: q.Version, ErrorCode: code}
		},
		Handle: func(_ context.Context, _ *Call, _ *kmsg.HeartbeatRequest, r string) Answer {
			return Now(&kmsg.HeartbeatResponse{ErrorCode: int16(len(r))})
		},
	}.Build()
}

func TestATableTakesWholeRowsOnly(t *testing.T) {
	lower := int16(1)
	broken := map[string]func(*Row){
		"name":             func(r *Row) { r.Name = "" },
		"versions":         func(r *Row) { r.Max = -1 },
		"advertised above": func(r *Row) { r.AdvertiseMin = &lower },
		"gate":             func(r *Row) { r.Gate = 0 },
		"size cap":         func(r *Row) { r.MaxBytes = 0 },
		"resolve":          func(r *Row) { r.Resolve = nil },
		"needs":            func(r *Row) { r.Needs = nil },
		"refuse":           func(r *Row) { r.Refuse = nil },
		"recheck":          func(r *Row) { r.Overlap, r.Recheck = true, true },
		"handler":          func(r *Row) { r.Handle = nil },
	}
	for what, breakIt := range broken {
		row := whole()
		breakIt(&row)
		if _, err := NewTable(row); !errors.Is(err, ErrIncompleteRow) {
			t.Errorf("a row without valid %s: %v", what, err)
		}
	}
	if _, err := NewTable(whole(), whole()); !errors.Is(err, ErrIncompleteRow) {
		t.Errorf("a row that stands twice: %v", err)
	}
	if _, err := NewTable(Spec[*kmsg.HeartbeatRequest, string]{Row: Row{Name: "x", Gate: Authenticated, MaxBytes: 1}}.Build()); err == nil {
		t.Error("a spec without functions makes a whole row")
	}
}

func TestASpecHandsOnWhatItResolves(t *testing.T) {
	table, err := NewTable(whole())
	if err != nil {
		t.Fatal(err)
	}
	row, found := table.Row(12)
	if !found {
		t.Fatal("the row is not found")
	}
	c := &Call{Request: &kmsg.HeartbeatRequest{Group: "g"}}
	c.Resolved = row.Resolve(c)
	if needs := row.Needs(c); needs.All[0].On.Name != "g!" {
		t.Errorf("needs %+v", needs)
	}
	if code := row.Handle(t.Context(), c).Response.(*kmsg.HeartbeatResponse).ErrorCode; code != 2 {
		t.Errorf("the handler got %d bytes", code)
	}
	if code := row.Refuse(c, 30).(*kmsg.HeartbeatResponse).ErrorCode; code != 30 {
		t.Errorf("refused with %d", code)
	}
	if _, found := table.Row(13); found {
		t.Error("a row that is not there is found")
	}
}
