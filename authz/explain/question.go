package explain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// ConfigType is the number of the type of a resource that a question comes as. Apache Kafka's protocol has no request for it, so that it is
// asked by DescribeConfigs: the resource's name is the question, and its one configuration, ConfigName, the answer, both in JSON. Kafka's
// own types (ConfigResource.Type) end at 32.
const ConfigType = 101

// ConfigName is the name of the configuration that is the answer.
const ConfigName = "explanation"

const (
	// MaxQuestionBytes bounds a question: names in the protocol have 32 KiB at most.
	MaxQuestionBytes = 32 << 10
	// MaxGroups bounds the groups in a question. Directories have people in a few hundred.
	MaxGroups = 1000
)

// ErrBadQuestion is wrapped by whatever is wrong with a question.
var ErrBadQuestion = errors.New("bad question")

// Question asks whether somebody may do something. The fields are as in Apache Kafka's tools, such as DESCRIBE_CONFIGS and TRANSACTIONAL_ID.
type Question struct {
	Principal    string `json:"principal"`
	Operation    string `json:"operation"`
	ResourceType string `json:"resourceType"`
	Name         string `json:"name"`
	// Host is the client's address; "" stands for any that no ACL names.
	Host string `json:"host,omitempty"`
	// Listener is the name of the listener that the client comes in by; "" for none.
	Listener string `json:"listener,omitempty"`
	// Groups and Method are what a log-in would have brought. Only policies look at them.
	Groups []string `json:"groups,omitempty"`
	Method string   `json:"method,omitempty"`
}

// Encode returns the question as the name of a resource.
func (q *Question) Encode() (string, error) {
	b, err := json.Marshal(q)
	if err != nil {
		return "", fmt.Errorf("encode a question: %w", err)
	}
	if len(b) > MaxQuestionBytes {
		return "", fmt.Errorf("%w: %d bytes, at most %d are sent", ErrBadQuestion, len(b), MaxQuestionBytes)
	}
	return string(b), nil
}

// DecodeQuestion reads a question.
func DecodeQuestion(text string) (*Question, error) {
	if len(text) > MaxQuestionBytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrBadQuestion, len(text), MaxQuestionBytes)
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	q := &Question{}
	if err := d.Decode(q); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadQuestion, err)
	}
	if d.More() {
		return nil, fmt.Errorf("%w: something follows it", ErrBadQuestion)
	}
	return q, nil
}

// Validate says what is wrong with a question.
func (q *Question) Validate() error {
	_, err := q.parse()
	return err
}

// asked is a question in the terms of an authorizer.
type asked struct {
	who auth.Principal
	op  authz.Operation
	on  authz.Resource
}

func (q *Question) parse() (a asked, err error) {
	if a.who, err = auth.ParsePrincipal(q.Principal); err != nil {
		return a, fmt.Errorf("%w: %w", ErrBadQuestion, err)
	}
	if a.op, err = authz.ParseOperation(q.Operation); err != nil {
		return a, fmt.Errorf("%w: %w", ErrBadQuestion, err)
	}
	if a.on.Type, err = authz.ParseResourceType(q.ResourceType); err != nil {
		return a, fmt.Errorf("%w: %w", ErrBadQuestion, err)
	}
	a.on.Name = q.Name
	switch {
	case a.op == authz.All:
		return a, fmt.Errorf("%w: ALL is no operation that anybody does; ask about one", ErrBadQuestion)
	case q.Name == "":
		return a, fmt.Errorf("%w: the resource has no name", ErrBadQuestion)
	case a.on.Type == authz.Cluster && q.Name != authz.ClusterName:
		return a, fmt.Errorf("%w: the only cluster is %s, not %q", ErrBadQuestion, authz.ClusterName, q.Name)
	case len(q.Groups) > MaxGroups:
		return a, fmt.Errorf("%w: %d groups, at most %d are read", ErrBadQuestion, len(q.Groups), MaxGroups)
	case q.Host == "":
		return a, nil
	}
	if _, err := netip.ParseAddr(q.Host); err != nil {
		return a, fmt.Errorf("%w: a client's host is an IP address: %w", ErrBadQuestion, err)
	}
	return a, nil
}
