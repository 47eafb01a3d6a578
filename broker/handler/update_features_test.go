package handler

import (
	"maps"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// levelled asks for levels, one after the other, by an upgrade of version 1 and later.
func levelled(names []string, levels ...int16) *kmsg.UpdateFeaturesRequest {
	q := kmsg.NewPtrUpdateFeaturesRequest()
	for i, name := range names {
		u := kmsg.NewUpdateFeaturesRequestFeatureUpdate()
		u.Feature, u.MaxVersionLevel, u.UpgradeType = name, levels[i], 1
		q.FeatureUpdates = append(q.FeatureUpdates, u)
	}
	return q
}

var bothFeatures = []string{meta.GroupVersion, meta.TransactionVersion}

func TestUpdateFeaturesAnswersByVersion(t *testing.T) {
	for version := range int16(3) {
		b := newTopicBroker(t)
		resp := sendTopic[*kmsg.UpdateFeaturesResponse](b, "admin", version, levelled(bothFeatures, 1, 2))
		want := 2
		if version == 2 {
			want = 0
		}
		if resp.ErrorCode != wire.None || len(resp.Results) != want {
			t.Errorf("version %d: %+v", version, resp)
		}
		if levels := b.log.Image().Features(); !maps.Equal(levels, meta.LatestFeatures()) {
			t.Errorf("version %d: features %v", version, levels)
		}
		resp = sendTopic[*kmsg.UpdateFeaturesResponse](b, "admin", version, levelled(bothFeatures, 1, 3))
		if resp.ErrorCode != wire.InvalidUpdateVersion || len(resp.Results) != 0 || *resp.ErrorMessage !=
			"The update failed for all features since the following feature had an error: Invalid update version 3 for feature transaction.version. Local controller 1 only supports versions 0-2" {
			t.Errorf("version %d: %+v", version, resp)
		}
	}
}

func TestUpdateFeaturesReadsWhichWayALevelMayGo(t *testing.T) {
	ask := func(version int16, down bool, upgradeType int8) int16 {
		b := newTopicBroker(t)
		sendTopic[*kmsg.UpdateFeaturesResponse](b, "admin", 2, levelled(bothFeatures, 1, 2))
		q := levelled(bothFeatures[1:], 1)
		q.FeatureUpdates[0].AllowDowngrade, q.FeatureUpdates[0].UpgradeType = down, upgradeType
		code := sendTopic[*kmsg.UpdateFeaturesResponse](b, "admin", version, q).ErrorCode
		if level := b.log.Image().Features()[meta.TransactionVersion]; (level == 1) != (code == wire.None) {
			t.Errorf("version %d, %v, type %d: code %d and level %d", version, down, upgradeType, code, level)
		}
		return code
	}
	const refused = wire.InvalidUpdateVersion
	for _, c := range []struct {
		version int16
		down    bool
		kind    int8
		code    int16
	}{
		{0, false, 3, refused},
		{0, true, 1, wire.None},
		{1, true, 1, refused},
		{1, false, 2, wire.None},
		{2, false, 3, wire.None},
		{2, true, 0, refused},
		{2, true, 4, refused},
		{2, true, -1, refused},
	} {
		if code := ask(c.version, c.down, c.kind); code != c.code {
			t.Errorf("%+v: code %d", c, code)
		}
	}
}

func TestUpdateFeaturesOnlyTries(t *testing.T) {
	b := newTopicBroker(t)
	proposed := b.log.proposed
	q := levelled(bothFeatures, 1, 2)
	q.ValidateOnly = true
	if resp := sendTopic[*kmsg.UpdateFeaturesResponse](b, "admin", 1, q); resp.ErrorCode != wire.None || len(resp.Results) != 2 {
		t.Errorf("valid levels: %+v", resp)
	}
	q.FeatureUpdates[0].MaxVersionLevel = 7
	if resp := sendTopic[*kmsg.UpdateFeaturesResponse](b, "admin", 2, q); resp.ErrorCode != wire.InvalidUpdateVersion {
		t.Errorf("an unknown level: %+v", resp)
	}
	if b.log.proposed != proposed || len(b.log.Image().Features()) != 0 {
		t.Errorf("%d commands, features %v", b.log.proposed-proposed, b.log.Image().Features())
	}
}

func TestUpdateFeaturesNeedsTheClusterAndBounds(t *testing.T) {
	b := newTopicBroker(t)
	b.rule(authz.Allow, "carol", authz.Alter, authz.TheCluster(), authz.Literal)
	b.rule(authz.Allow, "bob", authz.AlterConfigs, authz.TheCluster(), authz.Literal)
	if resp := sendTopic[*kmsg.UpdateFeaturesResponse](b, "bob", 2, levelled(bothFeatures, 1, 2)); resp.ErrorCode != wire.ClusterAuthorizationFailed {
		t.Errorf("without the right: %+v", resp)
	}
	if resp := sendTopic[*kmsg.UpdateFeaturesResponse](b, "carol", 2, levelled(bothFeatures, 1, 0)); resp.ErrorCode != wire.None {
		t.Errorf("with the right: %+v", resp)
	}
	if resp := sendTopic[*kmsg.UpdateFeaturesResponse](b, "carol", 2, levelled(nil)); resp.ErrorCode != wire.None {
		t.Errorf("nothing to do: %+v", resp)
	}
	many := make([]string, featuresPerRequest+1)
	if resp := sendTopic[*kmsg.UpdateFeaturesResponse](b, "carol", 2, levelled(many, make([]int16, len(many))...)); resp.ErrorCode != wire.PolicyViolation {
		t.Errorf("too many: %+v", resp)
	}
	b.log.err = wire.Errorf(wire.RequestTimedOut, "not known")
	if resp := sendTopic[*kmsg.UpdateFeaturesResponse](b, "carol", 2, levelled(bothFeatures, 1, 2)); resp.ErrorCode != wire.RequestTimedOut || !strings.Contains(*resp.ErrorMessage, "not known") {
		t.Errorf("an unknown outcome: %+v", resp)
	}
}
