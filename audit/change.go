package audit

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Change is an administrative change, made or refused (OCSF 6003).
type Change struct {
	// Index is where in the metadata log the change was decided, and Item which of the changes of that command it is;
	// Index 0 is a change outside the metadata log.
	Index uint64
	Item  int
	// EventID is the request's random id; all that one request changed has the same.
	EventID string
	// Principal is who asked, in the form Type:name.
	Principal string
	// Host, Listener and ClientID say where from.
	Host, Listener, ClientID string
	// API is the request's name, such as CreateTopics.
	API string
	// Action is what was done where that is more than the API says; "" means the API.
	Action string
	// RequestDigest is the hex SHA-256 of the request's body, less what is secret in it.
	RequestDigest string
	// ResourceType and Resource say what was changed, such as TOPIC and its name.
	ResourceType, Resource string
	// Intent says that the change is about to be made, and After is what it is to become. The outcome follows in another event
	// with the same EventID; an intent without one has an unknown outcome.
	Intent bool
	// Code is the Kafka error code of the outcome, 0 for success, and CodeName its name.
	Code     int16
	CodeName string
	// Before and After are the state of the resource; values of keys that name a secret are hidden.
	Before, After map[string]string
	// Time is when the request came in.
	Time time.Time
}

var _ Event = Change{}

// intentStatus is the status_code of an intent; its status_id is absent, which OCSF reads as unknown.
const intentStatus = "INTENT"

// metadataLog is the log_name of what the metadata log decided.
const metadataLog = "metadata"

// ChangeEvent encodes a change that the metadata log decided. The same change always gives the same bytes, whoever
// encodes it, so that projecting it twice makes no second event. The key is the index and the item, big-endian.
func ChangeEvent(s Source, c Change) (Entry, error) {
	item := max(0, c.Item)
	uid := fmt.Sprintf("%s-%d-%d", metadataLog, c.Index, item)
	value, err := encode(c.document(""), c.Time, metadata{
		Version: ocsfVersion, Product: productObject{Name: productName, Vendor: vendor, UID: s.ClusterID},
		UID: uid, LogName: metadataLog, Sequence: c.Index,
	})
	if err != nil {
		return Entry{}, err
	}
	key := binary.BigEndian.AppendUint64(make([]byte, 0, 12), c.Index)
	key = binary.BigEndian.AppendUint32(key, uint32(item)) //nolint:gosec // an item's number is bounded by its command
	return Entry{Key: key, Value: value, Time: c.Time}, nil
}

func (c Change) document(string) document {
	activity, name := c.activity()
	d := of(classAPIActivity, activity, c.severity())
	d.ActivityName = name
	d.StatusID, d.StatusCode = statusSuccess, clip(c.CodeName)
	if c.Code != 0 {
		d.StatusID = statusFailure
	}
	who := &userObject{Name: unknownName, TypeID: userClaimed}
	if _, plain, found := strings.Cut(c.Principal, ":"); found {
		who = &userObject{Name: clip(plain), UID: clip(c.Principal), TypeID: userProven}
	}
	d.Actor = &actorObject{User: who, AppName: clip(c.ClientID)}
	d.API = &apiObject{
		Operation: clip(c.API), Service: &nameObject{Name: serviceName},
		Response: &apiResponse{Code: int(c.Code), Error: c.errorName()},
	}
	if c.Intent {
		d.StatusID, d.StatusCode, d.API.Response = 0, intentStatus, nil
	}
	if c.EventID != "" {
		d.API.Request = &apiRequest{UID: c.EventID}
	}
	d.Source, d.Destination = source(c.Host), destination(c.Listener)
	d.Resources = []resource{{Name: clip(c.Resource), Type: clip(c.ResourceType)}}
	d.Unmapped = &unmapped{
		Operation: clip(c.Action), RequestDigest: clip(c.RequestDigest), Before: withoutSecrets(c.Before), After: withoutSecrets(c.After),
	}
	if c.Index != 0 {
		d.Unmapped.Item = &c.Item
	}
	d.Metadata.CorrelationUID = c.EventID
	return d
}

func (c Change) errorName() string {
	if c.Code == 0 {
		return ""
	}
	return clip(c.CodeName)
}

func (c Change) action() string {
	if c.Action != "" {
		return c.Action
	}
	return c.API
}

func (c Change) activity() (int, string) {
	switch action := c.action(); {
	case strings.HasPrefix(action, "Create"), strings.HasPrefix(action, "Register"):
		return activityCreate, "Create"
	case strings.HasPrefix(action, "Delete"), strings.HasPrefix(action, "Remove"), strings.HasPrefix(action, "Unregister"), action == sweptToken:
		return activityDelete, "Delete"
	default:
		return activityUpdate, "Update"
	}
}

// sweptToken is the action by which a broker removes what is left of a delegation token that has expired.
const sweptToken = "SweepDelegationToken"

// severity is high for what changes who may do what, or destroys data, and for the approvals of that.
func (c Change) severity() int {
	action := c.action()
	if action == sweptToken {
		return severityInformational
	}
	for _, risky := range [...]string{"Acl", "ACL", "Scram", "Credential", "Token", "Feature"} {
		if strings.Contains(action, risky) {
			return severityHigh
		}
	}
	if strings.HasPrefix(action, "Delete") || strings.EqualFold(c.ResourceType, "BROKER") || strings.EqualFold(c.ResourceType, "USER") || strings.EqualFold(c.ResourceType, "APPROVAL") {
		return severityHigh
	}
	return severityLow
}

func (c Change) kind() string { return "change" }

func (c Change) provoked() bool { return false }

func (c Change) who() subject { return subject{} }

func (c Change) attrs() []slog.Attr {
	outcome := clip(c.CodeName)
	if c.Intent {
		outcome = intentStatus
	}
	return []slog.Attr{
		slog.String("principal", clip(c.Principal)), slog.String("host", clip(c.Host)), slog.String("api", clip(c.API)),
		slog.String("resource_type", clip(c.ResourceType)), slog.String("resource", clip(c.Resource)),
		slog.String("outcome", outcome), slog.String("request", c.EventID),
	}
}

// hidden stands for a value that might be a secret.
const hidden = "[hidden]"

// withoutSecrets copies a state, without what its key says is a secret: the last guard, should one ever come this far.
func withoutSecrets(state map[string]string) map[string]string {
	if len(state) == 0 {
		return nil
	}
	kept := make(map[string]string, min(len(state), maxDetails))
	for _, k := range firstKeys(state, maxDetails) {
		v := clip(state[k])
		if namesSecret(k) {
			v = hidden
		}
		kept[clip(k)] = v
	}
	return kept
}

func namesSecret(key string) bool {
	key = strings.ToLower(key)
	for _, word := range [...]string{"password", "secret", "jaas", "salt", "storedkey", "serverkey", "stored_key", "server_key"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	return strings.HasSuffix(key, ".key")
}
