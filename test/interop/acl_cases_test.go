//go:build interop

package interop

import (
	"encoding/binary"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/authz"
)

// aclCases are steps for Apache Kafka's StandardAuthorizer, in the form that AclCases.java reads.
type aclCases struct{ steps []byte }

// begin makes a new authorizer. superUsers is the configuration's text.
func (c *aclCases) begin(superUsers string, allowIfNoACL bool) {
	c.steps = append(c.steps, 'n')
	c.text(&superUsers)
	c.steps = append(c.steps, 0)
	if allowIfNoACL {
		c.steps[len(c.steps)-1] = 1
	}
}

// add adds an ACL, which has a number of its own.
func (c *aclCases) add(number int, b authz.Binding) { c.change('+', number, b) }

func (c *aclCases) remove(number int, b authz.Binding) { c.change('-', number, b) }

func (c *aclCases) change(step byte, number int, b authz.Binding) {
	c.steps = binary.BigEndian.AppendUint32(append(c.steps, step), uint32(number))
	c.pattern(b.Type, &b.Name, b.Pattern)
	c.entry(&b.Principal, &b.Host, b.Operation, b.Permission)
}

// ask asks about one resource; the answer is a byte.
func (c *aclCases) ask(who authz.Subject, op authz.Operation, on authz.Resource) {
	c.who('?', who)
	c.steps = append(c.steps, byte(op), byte(on.Type))
	c.text(&on.Name)
}

// askAny asks about all resources of a type; the answer is a byte.
func (c *aclCases) askAny(who authz.Subject, op authz.Operation, t authz.ResourceType) {
	c.who('t', who)
	c.steps = append(c.steps, byte(op), byte(t))
}

// filter asks which ACLs a filter matches; the answer is how many they are and their numbers, four bytes each.
func (c *aclCases) filter(f authz.Filter) {
	c.steps = append(c.steps, 'f')
	c.pattern(f.Type, f.Name, f.Pattern)
	c.entry(f.Principal, f.Host, f.Operation, f.Permission)
}

func (c *aclCases) who(step byte, who authz.Subject) {
	c.steps = append(c.steps, step)
	c.text(&who.Principal.Type)
	c.text(&who.Principal.Name)
	c.text(&who.Host)
}

func (c *aclCases) pattern(t authz.ResourceType, name *string, p authz.PatternType) {
	c.steps = append(c.steps, byte(t))
	c.text(name)
	c.steps = append(c.steps, byte(p))
}

func (c *aclCases) entry(principal, host *string, op authz.Operation, p authz.Permission) {
	c.text(principal)
	c.text(host)
	c.steps = append(c.steps, byte(op), byte(p))
}

func (c *aclCases) text(s *string) {
	if s == nil {
		c.steps = append(c.steps, 0xff, 0xff)
		return
	}
	c.steps = append(binary.BigEndian.AppendUint16(c.steps, uint16(len(*s))), *s...)
}

// write writes the steps into a file.
func (c *aclCases) write(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, c.steps, 0o600); err != nil {
		t.Fatal(err)
	}
}

// run lets Apache Kafka take the steps and returns its answers.
func (c *aclCases) run(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	c.write(t, dir+"/cases")
	tools.Must(t, "stream.chronik.test.AuthorizerOracle", dir+"/cases", dir+"/answers")
	answers, err := os.ReadFile(dir + "/answers")
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

// javaHost spells a host as Java spells addresses, which is how Apache Kafka's authorizer compares them, as text.
func javaHost(host string) string {
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Zone() != "" {
		return host
	}
	if ip = ip.Unmap(); ip.Is4() {
		return ip.String()
	}
	var groups []string
	for a := ip.As16(); len(groups) < 8; {
		i := 2 * len(groups)
		groups = append(groups, strconv.FormatUint(uint64(a[i])<<8|uint64(a[i+1]), 16))
	}
	return strings.Join(groups, ":")
}
