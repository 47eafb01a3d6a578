package broker

import (
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/meta"
)

// TestOperationsThatTakeTwoPersonsHaveOneName: the configuration and the metadata do not know each other.
func TestOperationsThatTakeTwoPersonsHaveOneName(t *testing.T) {
	c, _, err := config.Load(config.FromMap("test", map[string]string{
		"listeners": "ADMIN://127.0.0.1:9092", "listener.security.protocol.map": "ADMIN:PLAINTEXT", "node.id": "1", "super.users": "User:a",
		"listener.name.admin.super.users": "User:b", "chronik.approval.required": "super-user-grants,retention-cuts,policy-changes,delete-topics",
	}))
	if err != nil {
		t.Fatal(err)
	}
	a := approvalsOf(c)
	if !slices.Equal(a.Operations, []string{meta.ApproveDeleteTopics, meta.ApprovePolicyChanges, meta.ApproveRetentionCuts, meta.ApproveSuperUserGrants}) || a.Expiration != time.Hour {
		t.Errorf("%+v", a)
	}
	if !slices.Equal(a.SuperUsers, []string{"User:a", "User:b"}) {
		t.Errorf("super users %v", a.SuperUsers)
	}
}

// TestRequestsAreSweptByTheLeader, and tried again when the log does not take it.
func TestRequestsAreSweptByTheLeader(t *testing.T) {
	log, leads, now := &tokenLog{Store: meta.NewStore()}, false, time.UnixMilli(1000)
	s := &approvalSweep{
		log: log, isLeader: func() bool { return leads }, clock: func() time.Time { return now }, logger: slog.New(slog.DiscardHandler),
	}
	_, err := log.Propose(t.Context(), &meta.AskApprovals{
		Origin:   meta.Origin{EventID: "e", Principal: "User:a", Time: now},
		Approval: &meta.ApprovalRule{Parties: []string{"User:a"}, Lasts: 1000, Most: 1, MostOf: 1, MostBytes: 1},
		Subjects: []meta.Subject{{Operation: meta.ApproveRetentionCuts, Resource: "t"}},
	})
	if err != nil || pendingApprovals(log.Image()) != 1 {
		t.Fatalf("%v, %d requests wait", err, pendingApprovals(log.Image()))
	}
	for _, step := range []struct {
		now   int64
		leads bool
		err   error
		left  int
	}{{1999, true, nil, 1}, {2000, false, nil, 1}, {2000, true, errors.New("no majority"), 1}, {2001, true, nil, 0}} {
		now, leads, log.err = time.UnixMilli(step.now), step.leads, step.err
		if s.sweep(t.Context()); pendingApprovals(log.Image()) != step.left {
			t.Errorf("%+v: %d requests wait", step, pendingApprovals(log.Image()))
		}
	}
}
