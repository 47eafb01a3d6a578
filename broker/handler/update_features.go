package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// featuresPerRequest bounds the features of one request. There are a handful; each is an audit record.
const featuresPerRequest = 100

// updateFeatures is API 57, versions 0-2 (KIP-584, KIP-1022): all levels change or none. Versions 0 and 1 answer for each feature,
// later ones only as a whole.
func (k *Cluster) updateFeatures() api.Row {
	return api.Spec[*kmsg.UpdateFeaturesRequest, struct{}]{
		Row:   api.Row{Key: 57, Name: "UpdateFeatures", Min: 0, Max: 2, Gate: api.Authenticated, MaxBytes: entryBody},
		Needs: func(*api.Call, *kmsg.UpdateFeaturesRequest, struct{}) authz.Needs { return onCluster(authz.Alter) },
		Refuse: func(_ *api.Call, q *kmsg.UpdateFeaturesRequest, code int16) kmsg.Response {
			return featuresFailed(q, code, nil)
		},
		Handle: func(ctx context.Context, c *api.Call, q *kmsg.UpdateFeaturesRequest, _ struct{}) api.Answer {
			return api.Now(k.finalize(ctx, c, q))
		},
	}.Build()
}

func featuresFailed(q *kmsg.UpdateFeaturesRequest, code int16, message *string) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.UpdateFeaturesResponse)
	resp.ErrorCode, resp.ErrorMessage = code, message
	return resp
}

func (k *Cluster) finalize(ctx context.Context, c *api.Call, q *kmsg.UpdateFeaturesRequest) kmsg.Response {
	if len(q.FeatureUpdates) > featuresPerRequest {
		return featuresFailed(q, wire.PolicyViolation, kmsg.StringPtr(excessive))
	}
	command := &meta.UpdateFeatures{Origin: originOf(c), Node: k.ControllerID(), Supported: meta.SupportedFeatures()}
	for i := range q.FeatureUpdates {
		u := &q.FeatureUpdates[i]
		command.Updates = append(command.Updates, meta.FeatureUpdate{Name: u.Feature, Level: u.MaxVersionLevel, Type: upgradeType(q.Version, u)})
	}
	resp := q.ResponseKind().(*kmsg.UpdateFeaturesResponse)
	commit(ctx, k.Metadata, k.Metadata.Image(), command, len(command.Updates), q.ValidateOnly, func(_ int, err error) {
		code, message := proposalFailure(err)
		if code == wire.OperationNotAttempted {
			return
		}
		if code == wire.InvalidUpdateVersion {
			message = kmsg.StringPtr("The update failed for all features since the following feature had an error: " + *message)
		}
		resp.ErrorCode, resp.ErrorMessage = code, message
	})
	if resp.ErrorCode == wire.None && q.Version < 2 {
		for _, u := range command.Updates {
			result := kmsg.NewUpdateFeaturesResponseResult()
			result.Feature = u.Name
			resp.Results = append(resp.Results, result)
		}
	}
	return resp
}

// upgradeType reads which way a level may go. Version 0 says only whether it may go down.
func upgradeType(version int16, u *kmsg.UpdateFeaturesRequestFeatureUpdate) meta.FeatureUpgradeType {
	switch {
	case version > 0:
		return enum[meta.FeatureUpgradeType](u.UpgradeType)
	case u.AllowDowngrade:
		return meta.FeatureSafeDowngrade
	default:
		return meta.FeatureUpgrade
	}
}
