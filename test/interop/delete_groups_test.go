//go:build interop

package interop

import (
	"maps"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestDeletedGroupsAreAudited deletes an offset and then its group, and looks for an intent and an outcome of each in the audit log.
func TestDeletedGroupsAreAudited(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	createTopic(t, b, "read", 2)
	admin := kadm.NewClient(franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...))
	offsets := kadm.Offsets{}
	offsets.AddOffset("read", 0, 5, -1)
	offsets.AddOffset("read", 1, 6, -1)
	if err := admin.CommitAllOffsets(t.Context(), "readers", offsets); err != nil {
		t.Fatal(err)
	}
	one := kadm.TopicsSet{}
	one.Add("read", 0)
	deleted, err := admin.DeleteOffsets(t.Context(), "readers", one)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.DeleteGroup(t.Context(), "readers"); err != nil {
		t.Fatal(err)
	}
	for api, before := range map[string]map[string]string{"OffsetDelete": {"read-0": "5"}, "DeleteGroups": {"read-1": "6"}} {
		var codes []string
		for _, e := range auditEvents(t, b, api, 2) {
			codes = append(codes, e.StatusCode)
			if e.Resources[0].Name != "readers" || !maps.Equal(e.Unmapped.Before, before) {
				t.Errorf("%s: %+v, want before %v", api, e, before)
			}
		}
		if !slices.Equal(codes, []string{"INTENT", "NONE"}) {
			t.Errorf("%s: events %v", api, codes)
		}
	}
}
