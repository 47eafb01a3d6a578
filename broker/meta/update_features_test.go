package meta_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

func featureUpdates(updates ...meta.FeatureUpdate) *meta.UpdateFeatures {
	return &meta.UpdateFeatures{Origin: origin, Node: 3, Supported: meta.SupportedFeatures(), Updates: updates}
}

func transactions(level int16, way meta.FeatureUpgradeType) meta.FeatureUpdate {
	return meta.FeatureUpdate{Name: meta.TransactionVersion, Level: level, Type: way}
}

func groups(level int16, way meta.FeatureUpgradeType) meta.FeatureUpdate {
	return meta.FeatureUpdate{Name: meta.GroupVersion, Level: level, Type: way}
}

func TestFeaturesAreUpdatedAllOrNone(t *testing.T) {
	const up, safe, unsafe = meta.FeatureUpgrade, meta.FeatureSafeDowngrade, meta.FeatureUnsafeDowngrade
	const invalid = "Invalid update version "
	cases := map[string]struct {
		updates []meta.FeatureUpdate
		failed  int
		code    int16
		message string
	}{
		"no type": {
			[]meta.FeatureUpdate{transactions(2, 0)},
			0, wire.InvalidUpdateVersion,
			invalid + "2 for feature transaction.version. The controller does not support the given upgrade type.",
		},
		"type of the future": {
			[]meta.FeatureUpdate{transactions(2, 4)},
			0, wire.InvalidUpdateVersion,
			invalid + "2 for feature transaction.version. The controller does not support the given upgrade type.",
		},
		"less than nothing": {
			[]meta.FeatureUpdate{transactions(-1, safe)},
			0, wire.InvalidUpdateVersion,
			invalid + "-1 for feature transaction.version. A feature version cannot be less than 0.",
		},
		"level of the future": {
			[]meta.FeatureUpdate{groups(0, safe), transactions(3, up)},
			1, wire.InvalidUpdateVersion,
			invalid + "3 for feature transaction.version. Local controller 3 only supports versions 0-2",
		},
		"unknown feature": {
			[]meta.FeatureUpdate{{Name: "x", Level: 1, Type: up}, groups(0, safe)},
			0, wire.InvalidUpdateVersion,
			invalid + "1 for feature x. Local controller 3 does not support this feature.",
		},
		"unknown feature turned off": {
			[]meta.FeatureUpdate{{Name: "x", Type: safe}},
			0, wire.InvalidUpdateVersion,
			invalid + "0 for feature x. Feature x not found.",
		},
		"lower by an upgrade": {
			[]meta.FeatureUpdate{transactions(2, up), groups(0, up)},
			1, wire.InvalidUpdateVersion,
			invalid + "0 for feature group.version. Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
		},
		"higher by a downgrade": {
			[]meta.FeatureUpdate{transactions(2, unsafe)},
			0, wire.InvalidUpdateVersion,
			invalid + "2 for feature transaction.version. Can't downgrade to a newer version.",
		},
		"twice": {
			[]meta.FeatureUpdate{transactions(2, up), transactions(2, up)},
			1, wire.InvalidRequest,
			"The feature transaction.version was specified more than once.",
		},
	}
	for name, one := range cases {
		c := newCluster(t)
		c.mustApply(featureUpdates(groups(1, up), transactions(1, up)))
		_, result := c.apply(featureUpdates(one.updates...))
		for i, item := range result.Items {
			code, message := wire.OperationNotAttempted, ""
			if i == one.failed {
				code, message = one.code, one.message
			}
			if item.Code != code || item.Message != message || item.Name != one.updates[i].Name {
				t.Errorf("%s: item %d is %+v, want %s %q", name, i, item, wire.CodeName(code), message)
			}
		}
		if len(result.Items) != len(one.updates) || !maps.Equal(c.img.Features(), map[string]int16{meta.GroupVersion: 1, meta.TransactionVersion: 1}) {
			t.Errorf("%s: %d items, features %v", name, len(result.Items), c.img.Features())
		}
		if audit := c.audit()[2:]; len(audit) != len(one.updates) || audit[one.failed].Outcome != one.code || audit[one.failed].After != nil {
			t.Errorf("%s: audit %+v", name, audit)
		}
	}
}

func TestLevelsGoBothWaysAndAreRecorded(t *testing.T) {
	c := newCluster(t)
	c.mustApply(featureUpdates(groups(1, meta.FeatureUpgrade), transactions(2, meta.FeatureUpgrade)))
	c.mustApply(featureUpdates(transactions(1, meta.FeatureSafeDowngrade)))
	c.mustApply(featureUpdates(transactions(0, meta.FeatureUnsafeDowngrade), groups(1, meta.FeatureUpgrade)))
	var got []string
	for _, r := range c.audit() {
		got = append(got, strings.Join([]string{r.ResourceType, r.Resource, r.Before["level"], r.After["level"]}, " "))
	}
	want := []string{
		"FEATURE group.version 0 1", "FEATURE transaction.version 0 2", "FEATURE transaction.version 2 1",
		"FEATURE transaction.version 1 0", "FEATURE group.version 1 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestAFeatureThatWasTurnedOffStaysOff: who raises what was never set leaves it alone, after a snapshot too.
func TestAFeatureThatWasTurnedOffStaysOff(t *testing.T) {
	c := newCluster(t)
	c.mustApply(featureUpdates(transactions(0, meta.FeatureSafeDowngrade)))
	restored, err := meta.ReadSnapshot(bytes.NewReader(snapshotOf(t, c.img)))
	if err != nil {
		t.Fatal(err)
	}
	c.img = restored
	audited := len(c.audit())
	raise := featureUpdates(groups(1, meta.FeatureUpgrade), transactions(2, meta.FeatureUpgrade))
	raise.IfNeverSet = true
	c.mustApply(raise)
	if want := map[string]int16{meta.GroupVersion: 1, meta.TransactionVersion: 0}; !maps.Equal(c.img.Features(), want) {
		t.Errorf("features %v, want %v", c.img.Features(), want)
	}
	if audit := c.audit()[audited:]; len(audit) != 1 || audit[0].Resource != meta.GroupVersion {
		t.Errorf("audit %+v", audit)
	}
}

// TestTheProposerSaysWhatIsSupported: an entry has the same outcome for a release that knows more.
func TestTheProposerSaysWhatIsSupported(t *testing.T) {
	c := newCluster(t)
	older := featureUpdates(transactions(2, meta.FeatureUpgrade))
	older.Supported = []meta.FeatureRange{{Name: meta.TransactionVersion, Max: 1}}
	if _, result := c.apply(older); !slices.Equal(codes(result), []int16{wire.InvalidUpdateVersion}) {
		t.Errorf("answer %+v", result)
	}
}

func TestLevelsOfTheFutureAreNoticed(t *testing.T) {
	for name, level := range map[string]int16{meta.TransactionVersion: 3, "other": 1} {
		c := newCluster(t)
		c.mustApply(&meta.SetCluster{ClusterID: "one", Features: meta.LatestFeatures()})
		if err := c.img.CheckFeatures(); err != nil {
			t.Errorf("the latest levels: %v", err)
		}
		c.mustApply(&meta.SetCluster{ClusterID: "one", Features: map[string]int16{name: level}})
		if err := c.img.CheckFeatures(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%d: %v", name, level, err)
		}
	}
}
