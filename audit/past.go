package audit

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// Past is an event of the log as far as it tells of decisions and of what they were about. Of Decided, Gap, Lifecycle, Merged and DeletedTopic
// one is set, or none: other events tell nothing of them.
type Past struct {
	// LogName and Sequence tell events apart: within a log name the numbers rise, and an event that comes twice has its number twice.
	LogName  string
	Sequence uint64
	// Time is when the event was recorded.
	Time      time.Time
	Decided   *Decided
	Gap       *Gap
	Lifecycle *Lifecycle
	Merged    *Merged
	// DeletedTopic is the name of a topic that was deleted, so that there was one.
	DeletedTopic string
}

// Merged is an event that stands for many, and does not tell what each of them was about.
type Merged struct {
	// Denials and Accesses are how many decisions of these kinds it stands for.
	Denials, Accesses uint64
}

// Decided is what a Denial or an Access tells.
type Decided struct {
	Allowed bool
	// Client is who asked. Its session has what was recorded of it.
	Client Client
	// API is the name of the requests, and Version theirs, nil in events of releases that did not record it.
	API     string
	Version *int16
	// Need is what was asked, with the names in Resources; Or are the others of which any was enough.
	Need authz.Need
	Or   []authz.Need
	// Reason is why, and ACL the one that decided, nil for none.
	Reason    string
	ACL       *authz.Binding
	Resources []Accessed
	// More decisions of the same kind are not told of one by one: further denials of the same request, or what was merged.
	More uint64
}

// Read reads an event of the log. Fields that it does not know are left out; what it does know and can not read is an error.
func Read(value []byte) (Past, error) {
	var d document
	if err := json.Unmarshal(value, &d); err != nil {
		return Past{}, fmt.Errorf("read audit event: %w", err)
	}
	p := Past{LogName: d.Metadata.LogName, Sequence: d.Metadata.Sequence, Time: time.UnixMilli(d.Time)}
	var err error
	switch {
	case d.ClassUID == classError:
		p.Gap = gapOf(&d)
	case d.ClassUID == classLifecycle && d.ActivityID != activityUpdateApp:
		p.Lifecycle = lifecycleOf(&d)
	case d.Unmapped != nil && d.Unmapped.Merged != nil && d.Unmapped.Merged.By != mergedAlike:
		p.Merged = mergedOf(d.Unmapped.Merged.Of, d.Count)
	case d.deletesTopic():
		p.DeletedTopic = d.Resources[0].Name
	case d.decides():
		p.Decided, err = decidedOf(&d)
	}
	if err != nil {
		return Past{}, fmt.Errorf("read audit event %s: %w", d.Metadata.UID, err)
	}
	return p, nil
}

func mergedOf(kind string, count uint64) *Merged {
	switch kind {
	case Denial{}.kind():
		return &Merged{Denials: count}
	case Access{}.kind():
		return &Merged{Accesses: count}
	default:
		return nil
	}
}

// decides reports whether the event is a Denial or an Access. A PolicyDecision tells of a decision that has one of these too.
func (d *document) decides() bool {
	if d.ClassUID != classAPIActivity || d.Unmapped == nil || d.Unmapped.Operation == "" || d.Actor == nil ||
		len(d.Actor.Authorizations) != 1 || len(d.Resources) == 0 {
		return false
	}
	if m := d.Unmapped.Merged; m != nil {
		return mergedOf(m.Of, 1) != nil
	}
	return d.Actor.Authorizations[0].Decision == "Denied" || d.Resources[0].Data != nil
}

func (d *document) deletesTopic() bool {
	return d.ClassUID == classAPIActivity && d.ActivityID == activityDelete && d.StatusID == statusSuccess && d.API != nil &&
		d.API.Operation == "DeleteTopics" && len(d.Resources) == 1 && d.Resources[0].Type == authz.Topic.String()
}

func gapOf(d *document) *Gap {
	g := &Gap{From: time.UnixMilli(d.StartTime), To: time.UnixMilli(d.EndTime), Cause: d.StatusDetail}
	if d.Unmapped != nil {
		g.Lost = d.Unmapped.Lost
	}
	return g
}

func lifecycleOf(d *document) *Lifecycle {
	l := &Lifecycle{Stopping: d.ActivityID == activityStop, Reason: d.StatusDetail}
	if d.App != nil {
		l.Version = d.App.Version
	}
	if d.Unmapped != nil {
		l.Accesses = d.Unmapped.Accesses
	}
	return l
}

func decidedOf(d *document) (*Decided, error) {
	out := &Decided{Allowed: d.Actor.Authorizations[0].Decision == "Allowed", Reason: d.StatusDetail}
	var err error
	if err = out.readAPI(d.API); err != nil {
		return nil, err
	}
	if out.Client, err = clientOf(d); err != nil {
		return nil, err
	}
	if out.Need, err = needOf(needObject{Operation: d.Unmapped.Operation, ResourceType: d.Resources[0].Type}); err != nil {
		return nil, err
	}
	out.Need.AnyOfType = d.Unmapped.AnyOfType
	for _, o := range d.Unmapped.Alternatives {
		other, err := needOf(o)
		if err != nil {
			return nil, err
		}
		other.AnyOfType = o.Name == ""
		out.Or = append(out.Or, other)
	}
	if out.ACL, err = d.Unmapped.ACL.binding(); err != nil {
		return nil, err
	}
	out.Resources, out.More = d.accessed()
	return out, nil
}

func (d *Decided) readAPI(o *apiObject) error {
	if o == nil {
		return nil
	}
	d.API = o.Operation
	if o.Version == "" {
		return nil
	}
	n, err := strconv.ParseInt(o.Version, 10, 16)
	if err != nil {
		return fmt.Errorf("version of %s: %w", o.Operation, err)
	}
	version := int16(n) //nolint:gosec // of 16 bits
	d.Version = &version
	return nil
}

// accessed are the resources that the event names, and how many decisions about others it stands for.
func (d *document) accessed() (named []Accessed, more uint64) {
	told := uint64(0)
	for i := range d.Resources {
		if d.Unmapped.Merged != nil && d.Resources[i].Data == nil {
			continue // it has the type alone
		}
		a := accessedOf(&d.Resources[i], d.Time)
		named, told = append(named, a), told+a.Count
	}
	if d.Count > told {
		more = d.Count - told
	}
	return named, more
}

// accessedOf is a resource of an event. Of a denial there is one time, that of the event.
func accessedOf(r *resource, at int64) Accessed {
	if r.Data == nil {
		return Accessed{Name: r.Name, Count: 1, First: time.UnixMilli(at), Last: time.UnixMilli(at)}
	}
	return Accessed{Name: r.Name, Count: r.Data.Count, First: time.UnixMilli(r.Data.First), Last: time.UnixMilli(r.Data.Last)}
}

func needOf(o needObject) (n authz.Need, err error) {
	if n.Op, err = authz.ParseOperation(o.Operation); err != nil {
		return n, err
	}
	n.On.Name = o.Name
	n.On.Type, err = authz.ParseResourceType(o.ResourceType)
	return n, err
}

func (o *aclObject) binding() (*authz.Binding, error) {
	if o == nil {
		return nil, nil
	}
	b := &authz.Binding{Name: o.Name, Principal: o.Principal, Host: o.Host}
	var err error
	if b.Permission, err = authz.ParsePermission(o.Permission); err != nil {
		return nil, err
	}
	if b.Operation, err = authz.ParseOperation(o.Operation); err != nil {
		return nil, err
	}
	if b.Type, err = authz.ParseResourceType(o.ResourceType); err != nil {
		return nil, err
	}
	if b.Pattern, err = authz.ParsePatternType(o.PatternType); err != nil {
		return nil, err
	}
	return b, nil
}

// clientOf is who an event is about. What the event does not have of the session is missing there.
func clientOf(d *document) (c Client, err error) {
	c.ClientID = d.Actor.AppName
	if d.Source != nil {
		c.Host = d.Source.IP
	}
	if d.Destination != nil {
		c.Listener = d.Destination.Name
	}
	u := d.Actor.User
	if u == nil || u.TypeID != userProven {
		return c, nil
	}
	if c.Principal, err = auth.ParsePrincipal(u.UID); err != nil {
		return c, err
	}
	c.Protocol = d.Unmapped.Protocol
	c.Session = &auth.Session{
		Principal: c.Principal, Token: d.Unmapped.Token, Proven: d.Unmapped.Proven, Method: d.Unmapped.Method,
		Listener: c.Listener, Protocol: c.Protocol, Certificate: d.Certificate.read(),
	}
	c.Session.Host, _ = netip.ParseAddr(c.Host) // the zero address where it is none: rules go by Client.Host
	for _, g := range u.Groups {
		c.Session.Groups = append(c.Session.Groups, g.Name)
	}
	if t := d.Unmapped.TLS; t != nil {
		c.Session.Encryption = &auth.Encryption{Version: t.Version, Suite: t.Cipher, Group: t.Group, PostQuantum: t.PostQuantum}
	}
	return c, nil
}

// read is the certificate that an event describes, without its bytes.
func (o *certificateObject) read() *auth.Certificate {
	if o == nil {
		return nil
	}
	c := &auth.Certificate{
		Subject: o.Subject, Issuer: o.Issuer, Serial: o.Serial, NotBefore: time.UnixMilli(o.Created), NotAfter: time.UnixMilli(o.Expiration),
	}
	if len(o.Fingerprints) > 0 {
		c.Fingerprint = o.Fingerprints[0].Value
	}
	for _, n := range o.Names {
		switch n.Type {
		case "URI":
			c.URIs = append(c.URIs, n.Name)
		case "DNS":
			c.DNSNames = append(c.DNSNames, n.Name)
		case "email":
			c.Emails = append(c.Emails, n.Name)
		case "IP":
			c.Addresses = append(c.Addresses, n.Name)
		}
	}
	return c
}

// Cut reports whether a name was too long for an event, so that its end is not known.
func Cut(name string) bool { return len(name) > maxText && strings.HasSuffix(name, cutMark) }
