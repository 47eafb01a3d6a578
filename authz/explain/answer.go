package explain

import (
	"encoding/json"
	"fmt"

	"github.com/chronik-stream/chronik/authz"
)

// Answer is what a broker says to a question.
type Answer struct {
	// Mode is the broker's chronik.authorizer.mode, or ModeOff.
	Mode string `json:"mode"`
	// Case is the answer to the question as it was asked.
	Case Case `json:"case"`
	// Invariant, where set, says why the broker refuses this to every client, whatever the rules say.
	Invariant string `json:"invariant,omitempty"`
	// Elsewhere are hosts and listeners that the question leaves open and for which the answer is another one, or has another reason.
	Elsewhere []Case `json:"elsewhere,omitempty"`
	// Omitted counts the hosts that ACLs name and that were not looked at: there are too many.
	Omitted int `json:"omitted,omitempty"`
}

// ModeOff is the mode of a broker that keeps nobody from anything (chronik.acl.enabled=false).
const ModeOff = "off"

// Allowed says whether the broker would carry it out.
func (a *Answer) Allowed() bool { return a.Case.Allowed && a.Invariant == "" }

// Case is the answer for one host and listener.
type Case struct {
	Host     string `json:"host,omitempty"`
	Listener string `json:"listener,omitempty"`
	Verdict
	// ACLs and Policies are what each says by itself, where policies were asked; else nil.
	ACLs     *Verdict `json:"acls,omitempty"`
	Policies *Verdict `json:"policies,omitempty"`
}

// Verdict is a decision.
type Verdict struct {
	Allowed bool   `json:"allowed"`
	Reason  string `json:"reason"`
	// ACL is the one that decided, nil where none did.
	ACL *ACL `json:"acl,omitempty"`
}

// ACL is an ACL by the names that Apache Kafka's tools print.
type ACL struct {
	ResourceType   string `json:"resourceType"`
	Name           string `json:"name"`
	PatternType    string `json:"patternType"`
	Principal      string `json:"principal"`
	Host           string `json:"host"`
	Operation      string `json:"operation"`
	PermissionType string `json:"permissionType"`
}

// ACLOf is a binding by its names.
func ACLOf(b authz.Binding) ACL {
	return ACL{
		ResourceType: b.Type.String(), Name: b.Name, PatternType: b.Pattern.String(), Principal: b.Principal, Host: b.Host,
		Operation: b.Operation.String(), PermissionType: b.Permission.String(),
	}
}

// VerdictOf is a decision by its names.
func VerdictOf(d authz.Decision) Verdict {
	v := Verdict{Allowed: d.Allowed, Reason: d.Reason}
	if d.Rule != nil {
		a := ACLOf(*d.Rule)
		v.ACL = &a
	}
	return v
}

func caseOf(x authz.Explanation) Case {
	c := Case{Verdict: VerdictOf(x.Decision)}
	if x.Policies != nil {
		acls, policies := VerdictOf(x.ACLs), VerdictOf(*x.Policies)
		c.ACLs, c.Policies = &acls, &policies
	}
	return c
}

// Encode returns the answer as the value of a configuration.
func (a *Answer) Encode() (string, error) {
	b, err := json.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("encode an answer: %w", err)
	}
	return string(b), nil
}

// DecodeAnswer reads an answer.
func DecodeAnswer(text string) (*Answer, error) {
	a := &Answer{}
	if err := json.Unmarshal([]byte(text), a); err != nil {
		return nil, fmt.Errorf("decode an answer: %w", err)
	}
	return a, nil
}
