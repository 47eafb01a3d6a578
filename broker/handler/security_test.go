package handler

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/scram"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// securityLog is a metadata log of one node without a log: it encodes and applies at once.
type securityLog struct {
	*meta.Store
	index uint64
	err   error
	// proposed counts the commands.
	proposed int
	// before, where set, comes into the log before the next command.
	before meta.Command
}

func (l *securityLog) Propose(ctx context.Context, c meta.Command) (meta.Result, error) {
	l.proposed++
	if l.err != nil {
		return meta.Result{}, l.err
	}
	if first := l.before; first != nil {
		l.before = nil
		if _, err := l.Propose(ctx, first); err != nil {
			return meta.Result{}, err
		}
	}
	data, err := meta.Encode(c)
	if err != nil {
		return meta.Result{}, err
	}
	l.index++
	result, err := l.Apply(l.index, data)
	if err != nil {
		return meta.Result{}, err
	}
	return result.(meta.Result), nil
}

func testSecurity() (*Security, *securityLog) {
	log := &securityLog{Store: meta.NewStore()}
	return &Security{Metadata: log}, log
}

// askSecurity sends a request of the area through its row and returns the answer as a client decodes it.
func askSecurity[R kmsg.Response](t *testing.T, s *Security, q kmsg.Request) R {
	t.Helper()
	table, err := api.NewTable(s.Rows()...)
	if err != nil {
		t.Fatal(err)
	}
	row, found := table.Row(q.Key())
	if !found {
		t.Fatalf("no row for API %d", q.Key())
	}
	q.SetVersion(row.Max)
	c := &api.Call{
		Conn: api.Conn{Listener: "SASL_SSL", Host: netip.MustParseAddr("10.0.0.1")}, Key: q.Key(), API: row.Name, Request: q, Received: time.UnixMilli(1),
		Session: &auth.Session{Principal: auth.User("admin")},
	}
	return overTheWire(t, answer(t, *row, c).Response).(R)
}

func overTheWire(t *testing.T, resp kmsg.Response) kmsg.Response {
	t.Helper()
	decoded := kmsg.ResponseForKey(resp.Key())
	decoded.SetVersion(resp.GetVersion())
	if err := decoded.ReadFrom(resp.AppendTo(nil)); err != nil {
		t.Fatalf("decode %T: %v", resp, err)
	}
	return decoded
}

func aclCreation(b authz.Binding) kmsg.CreateACLsRequestCreation {
	c := kmsg.NewCreateACLsRequestCreation()
	c.ResourceType, c.ResourceName = kmsg.ACLResourceType(b.Type), b.Name
	c.ResourcePatternType = kmsg.ACLResourcePatternType(b.Pattern)
	c.Principal, c.Host = b.Principal, b.Host
	c.Operation, c.PermissionType = kmsg.ACLOperation(b.Operation), kmsg.ACLPermissionType(b.Permission)
	return c
}

func createACLs(t *testing.T, s *Security, bindings ...authz.Binding) *kmsg.CreateACLsResponse {
	t.Helper()
	q := kmsg.NewPtrCreateACLsRequest()
	for _, b := range bindings {
		q.Creations = append(q.Creations, aclCreation(b))
	}
	return askSecurity[*kmsg.CreateACLsResponse](t, s, q)
}

func readACL(pattern authz.PatternType, name, principal string) authz.Binding {
	return authz.Binding{
		Type: authz.Topic, Name: name, Pattern: pattern, Principal: principal, Host: "*", Operation: authz.Read, Permission: authz.Allow,
	}
}

func storedACLs(log *securityLog) []authz.Binding {
	var all []authz.Binding
	log.Image().ACLs(func(b authz.Binding) bool { all = append(all, b); return true })
	return all
}

func TestSecurityRowsNeedTheCluster(t *testing.T) {
	s, _ := testSecurity()
	want := map[int16]authz.Operation{29: authz.Describe, 30: authz.Alter, 31: authz.Alter, 50: authz.Describe, 51: authz.Alter}
	for _, row := range s.Rows() {
		q := kmsg.RequestForKey(row.Key)
		q.SetVersion(row.Max)
		c := &api.Call{Request: q}
		if diff := cmp.Diff(authz.Needs{All: []authz.Need{{Op: want[row.Key], On: authz.TheCluster()}}}, row.Needs(c)); diff != "" {
			t.Errorf("%s needs %s", row.Name, diff)
		}
	}
}

func TestSecurityRowsRefuseWhole(t *testing.T) {
	s, log := testSecurity()
	describe := kmsg.NewPtrDescribeUserSCRAMCredentialsRequest()
	describe.Users = []kmsg.DescribeUserSCRAMCredentialsRequestUser{{Name: "a"}, {Name: "b"}}
	create := kmsg.NewPtrCreateACLsRequest()
	create.Creations = make([]kmsg.CreateACLsRequestCreation, 2)
	remove := kmsg.NewPtrDeleteACLsRequest()
	remove.Filters = make([]kmsg.DeleteACLsRequestFilter, 2)
	alter := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
	alter.Deletions = []kmsg.AlterUserSCRAMCredentialsRequestDeletion{{Name: "a"}}
	alter.Upsertions = []kmsg.AlterUserSCRAMCredentialsRequestUpsertion{{Name: "a"}, {Name: "b"}}
	for _, q := range []kmsg.Request{kmsg.NewPtrDescribeACLsRequest(), describe, create, remove, alter} {
		i := slices.IndexFunc(s.Rows(), func(r api.Row) bool { return r.Key == q.Key() })
		row := s.Rows()[i]
		q.SetVersion(row.Max)
		var codes []int16
		switch r := overTheWire(t, row.Refuse(&api.Call{Request: q}, wire.ClusterAuthorizationFailed)).(type) {
		case *kmsg.DescribeACLsResponse:
			codes = []int16{r.ErrorCode, r.ErrorCode}
		case *kmsg.DescribeUserSCRAMCredentialsResponse:
			codes = []int16{r.ErrorCode, r.Results[0].ErrorCode}
			if len(r.Results) != 2 || r.Results[0].User+r.Results[1].User != "" {
				t.Errorf("the refusal of two users tells %+v", r.Results)
			}
		case *kmsg.CreateACLsResponse:
			codes = []int16{r.Results[0].ErrorCode, r.Results[1].ErrorCode}
		case *kmsg.DeleteACLsResponse:
			codes = []int16{r.Results[0].ErrorCode, r.Results[1].ErrorCode}
		case *kmsg.AlterUserSCRAMCredentialsResponse:
			if len(r.Results) != 2 {
				t.Errorf("%d results for two users", len(r.Results))
			}
			codes = []int16{r.Results[0].ErrorCode, r.Results[1].ErrorCode}
		}
		if !slices.Equal(codes, []int16{wire.ClusterAuthorizationFailed, wire.ClusterAuthorizationFailed}) {
			t.Errorf("%s answers %v", row.Name, codes)
		}
	}
	if log.proposed != 0 {
		t.Errorf("%d commands", log.proposed)
	}
}

func TestCreateACLsAnswersEach(t *testing.T) {
	s, log := testSecurity()
	good := readACL(authz.Literal, "t", "User:a")
	change := func(f func(*authz.Binding)) authz.Binding { b := good; f(&b); return b }
	cases := []struct {
		acl     authz.Binding
		message string
	}{
		{good, ""},
		{change(func(b *authz.Binding) { b.Type = authz.AnyResource }), "Invalid resourceType ANY"},
		{change(func(b *authz.Binding) { b.Type = 100 }), "Invalid resourceType UNKNOWN"},
		{change(func(b *authz.Binding) { b.Pattern = authz.Match }), "Invalid patternType MATCH"},
		{change(func(b *authz.Binding) { b.Operation = authz.AnyOperation }), "Invalid operation ANY"},
		{change(func(b *authz.Binding) { b.Permission = authz.UnknownPermission }), "Invalid permissionType UNKNOWN"},
		{change(func(b *authz.Binding) { b.Name = "" }), "Invalid empty resource name"},
		{change(func(b *authz.Binding) { b.Type = authz.Cluster }), "The only valid name for the CLUSTER resource is kafka-cluster"},
		{change(func(b *authz.Binding) { b.Principal = "alice" }), "Could not parse principal from `alice` (no colon is present separating the principal type from the principal name)"},
		{change(func(b *authz.Binding) { b.Name = "\xff" }), "Resource name, principal and host have to be UTF-8"},
		{good, ""},
		{change(func(b *authz.Binding) { b.Pattern = authz.Prefixed }), ""},
	}
	var all []authz.Binding
	for _, c := range cases {
		all = append(all, c.acl)
	}
	resp := createACLs(t, s, all...)
	for i, c := range cases {
		got := resp.Results[i]
		code, message := wire.None, ""
		if c.message != "" {
			code = wire.InvalidRequest
		}
		if got.ErrorMessage != nil {
			message = *got.ErrorMessage
		}
		if got.ErrorCode != code || message != c.message {
			t.Errorf("%+v: %d %q, want %d %q", c.acl, got.ErrorCode, message, code, c.message)
		}
	}
	if n := len(storedACLs(log)); n != 2 {
		t.Errorf("%d ACLs are stored", n)
	}
}

func TestCreateACLsTellsWhyNotForSure(t *testing.T) {
	s, log := testSecurity()
	log.err = wire.Errorf(wire.RequestTimedOut, "not known whether it was committed")
	resp := createACLs(t, s, readACL(authz.Literal, "t", "User:a"), readACL(authz.Literal, "", "User:a"))
	if resp.Results[0].ErrorCode != wire.RequestTimedOut || resp.Results[1].ErrorCode != wire.InvalidRequest {
		t.Errorf("answered %+v", resp.Results)
	}
	log.err = errors.New("detail for the log only")
	resp = createACLs(t, s, readACL(authz.Literal, "t", "User:a"))
	if resp.Results[0].ErrorCode != wire.UnknownServerError || resp.Results[0].ErrorMessage != nil {
		t.Errorf("answered %+v", resp.Results)
	}
}

func TestCreateACLsIsBounded(t *testing.T) {
	s, log := testSecurity()
	resp := createACLs(t, s, make([]authz.Binding, aclsPerRequest+1)...)
	if resp.Results[0].ErrorCode != wire.PolicyViolation || len(resp.Results) != aclsPerRequest+1 || log.proposed != 0 {
		t.Errorf("answered %+v after %d commands", resp.Results[0], log.proposed)
	}
}

func anyACL() *kmsg.DescribeACLsRequest {
	q := kmsg.NewPtrDescribeACLsRequest()
	q.ResourceType, q.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	q.Operation, q.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	return q
}

func TestDescribeACLsGroupsByResource(t *testing.T) {
	s, _ := testSecurity()
	createACLs(t, s, readACL(authz.Literal, "t", "User:a"), readACL(authz.Prefixed, "t", "User:a"), readACL(authz.Literal, "t", "User:b"),
		readACL(authz.Literal, "*", "User:c"))
	resp := askSecurity[*kmsg.DescribeACLsResponse](t, s, anyACL())
	var got []string
	for _, r := range resp.Resources {
		got = append(got, fmt.Sprintf("%s:%s:%s %d", r.ResourceType, r.ResourcePatternType, r.ResourceName, len(r.ACLs)))
	}
	slices.Sort(got)
	want := []string{"TOPIC:LITERAL:* 1", "TOPIC:LITERAL:t 2", "TOPIC:PREFIXED:t 1"}
	if diff := cmp.Diff(want, got); diff != "" || resp.ErrorCode != wire.None {
		t.Errorf("code %d, %s", resp.ErrorCode, diff)
	}
}

func TestDescribeACLsFilters(t *testing.T) {
	s, _ := testSecurity()
	user := readACL(authz.Literal, "u", "User:a")
	user.Type, user.Operation = authz.UserResource, authz.DescribeTokens
	createACLs(t, s, readACL(authz.Literal, "topic", "User:a"), readACL(authz.Prefixed, "to", "User:b"), readACL(authz.Literal, "*", "User:a"), user)
	cases := map[string]struct {
		change func(*kmsg.DescribeACLsRequest)
		want   int
	}{
		"everything":     {func(*kmsg.DescribeACLsRequest) {}, 4},
		"by principal":   {func(q *kmsg.DescribeACLsRequest) { q.Principal = kmsg.StringPtr("User:a") }, 3},
		"by host":        {func(q *kmsg.DescribeACLsRequest) { q.Host = kmsg.StringPtr("10.0.0.1") }, 0},
		"user resources": {func(q *kmsg.DescribeACLsRequest) { q.ResourceType = kmsg.ACLResourceTypeUser }, 1},
		"this very name": {func(q *kmsg.DescribeACLsRequest) { q.ResourceName = kmsg.StringPtr("topic") }, 1},
		"what affects it": {func(q *kmsg.DescribeACLsRequest) {
			q.ResourceName, q.ResourcePatternType = kmsg.StringPtr("topic"), kmsg.ACLResourcePatternTypeMatch
		}, 3},
		"prefixed":       {func(q *kmsg.DescribeACLsRequest) { q.ResourcePatternType = kmsg.ACLResourcePatternTypePrefixed }, 1},
		"ALL is not ANY": {func(q *kmsg.DescribeACLsRequest) { q.Operation = kmsg.ACLOperationAll }, 0},
		"denies":         {func(q *kmsg.DescribeACLsRequest) { q.PermissionType = kmsg.ACLPermissionTypeDeny }, 0},
		"a name and a kind": {func(q *kmsg.DescribeACLsRequest) {
			q.ResourceName, q.ResourceType = kmsg.StringPtr("u"), kmsg.ACLResourceTypeTopic
		}, 0},
	}
	for name, c := range cases {
		q := anyACL()
		c.change(q)
		resp := askSecurity[*kmsg.DescribeACLsResponse](t, s, q)
		n := 0
		for _, r := range resp.Resources {
			n += len(r.ACLs)
		}
		if n != c.want || resp.ErrorCode != wire.None {
			t.Errorf("%s: %d ACLs, code %d; want %d", name, n, resp.ErrorCode, c.want)
		}
	}
	q := anyACL()
	q.Operation = kmsg.ACLOperationUnknown
	if resp := askSecurity[*kmsg.DescribeACLsResponse](t, s, q); resp.ErrorCode != wire.InvalidRequest || resp.ErrorMessage == nil {
		t.Errorf("an unknown element is answered with %+v", resp)
	}
}

func aclDeletion(pattern kmsg.ACLResourcePatternType, name *string) kmsg.DeleteACLsRequestFilter {
	f := kmsg.NewDeleteACLsRequestFilter()
	f.ResourceType, f.ResourcePatternType, f.ResourceName = kmsg.ACLResourceTypeTopic, pattern, name
	f.Operation, f.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	return f
}

func TestDeleteACLsAnswersPerFilter(t *testing.T) {
	s, log := testSecurity()
	kept := readACL(authz.Literal, "other", "User:a")
	createACLs(t, s, readACL(authz.Literal, "topic", "User:a"), readACL(authz.Prefixed, "to", "User:b"), kept)
	q := kmsg.NewPtrDeleteACLsRequest()
	unknown := aclDeletion(kmsg.ACLResourcePatternTypeUnknown, nil)
	q.Filters = append(q.Filters, aclDeletion(kmsg.ACLResourcePatternTypeMatch, kmsg.StringPtr("topic")), unknown,
		aclDeletion(kmsg.ACLResourcePatternTypeLiteral, kmsg.StringPtr("topic")))
	resp := askSecurity[*kmsg.DeleteACLsResponse](t, s, q)
	first, second, third := resp.Results[0], resp.Results[1], resp.Results[2]
	if first.ErrorCode != wire.None || len(first.MatchingACLs) != 2 {
		t.Errorf("the first: %+v", first)
	}
	if second.ErrorCode != wire.InvalidRequest || len(second.MatchingACLs) != 0 {
		t.Errorf("the second: %+v", second)
	}
	if third.ErrorCode != wire.None {
		t.Errorf("the third: %+v", third)
	}
	for _, m := range first.MatchingACLs {
		if m.ErrorCode != wire.None || m.Principal == "" || m.Operation != kmsg.ACLOperationRead {
			t.Errorf("removed %+v", m)
		}
	}
	if diff := cmp.Diff([]authz.Binding{kept}, storedACLs(log)); diff != "" {
		t.Error(diff)
	}
}

func TestDeleteACLsIsBounded(t *testing.T) {
	s, log := testSecurity()
	for range 2 {
		var many []authz.Binding
		for i := range aclsPerRequest/2 + 1 {
			many = append(many, readACL(authz.Literal, fmt.Sprintf("t-%d-%d", log.proposed, i), "User:a"))
		}
		createACLs(t, s, many...)
	}
	q := kmsg.NewPtrDeleteACLsRequest()
	q.Filters = append(q.Filters, aclDeletion(kmsg.ACLResourcePatternTypeAny, nil))
	if resp := askSecurity[*kmsg.DeleteACLsResponse](t, s, q); resp.Results[0].ErrorCode != wire.PolicyViolation {
		t.Errorf("too many ACLs: %d", resp.Results[0].ErrorCode)
	}
	q.Filters = make([]kmsg.DeleteACLsRequestFilter, filtersPerRequest+1)
	for i := range q.Filters {
		q.Filters[i] = aclDeletion(kmsg.ACLResourcePatternTypeLiteral, kmsg.StringPtr("none"))
	}
	if resp := askSecurity[*kmsg.DeleteACLsResponse](t, s, q); resp.Results[0].ErrorCode != wire.PolicyViolation {
		t.Errorf("too many filters: %d", resp.Results[0].ErrorCode)
	}
	if log.proposed != 2 {
		t.Errorf("%d commands", log.proposed)
	}
}

func TestWithoutAuthorizer(t *testing.T) {
	s, log := testSecurity()
	s.NoAuthorizer = true
	q := kmsg.NewPtrDeleteACLsRequest()
	q.Filters = append(q.Filters, aclDeletion(kmsg.ACLResourcePatternTypeAny, nil))
	codes := []int16{
		createACLs(t, s, readACL(authz.Literal, "t", "User:a")).Results[0].ErrorCode,
		askSecurity[*kmsg.DescribeACLsResponse](t, s, anyACL()).ErrorCode,
		askSecurity[*kmsg.DeleteACLsResponse](t, s, q).Results[0].ErrorCode,
	}
	if !slices.Equal(codes, []int16{wire.SecurityDisabled, wire.SecurityDisabled, wire.SecurityDisabled}) || log.proposed != 0 {
		t.Errorf("answered %v after %d commands", codes, log.proposed)
	}
}

func scramUpsertion(user string, mechanism int8, iterations int32) kmsg.AlterUserSCRAMCredentialsRequestUpsertion {
	u := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
	u.Name, u.Mechanism, u.Iterations = user, mechanism, iterations
	u.Salt = []byte("salt of " + user)
	u.SaltedPassword = bytes.Repeat([]byte{7}, scram.Hash(mechanism).Size())
	return u
}

func alterScram(t *testing.T, s *Security, deletes []kmsg.AlterUserSCRAMCredentialsRequestDeletion, upserts ...kmsg.AlterUserSCRAMCredentialsRequestUpsertion) []string {
	t.Helper()
	q := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
	q.Deletions, q.Upsertions = deletes, upserts
	var got []string
	for _, r := range askSecurity[*kmsg.AlterUserSCRAMCredentialsResponse](t, s, q).Results {
		line := r.User + " " + wire.CodeName(r.ErrorCode)
		if r.ErrorMessage != nil {
			line += " " + *r.ErrorMessage
		}
		got = append(got, line)
	}
	return got
}

// TestAlterUserScramCredentials holds what Apache Kafka 4.3.1's ScramControlManager answers.
func TestAlterUserScramCredentials(t *testing.T) {
	const twice = " DUPLICATE_RESOURCE A user credential cannot be altered twice in the same request"
	type deletes = []kmsg.AlterUserSCRAMCredentialsRequestDeletion
	type upserts = []kmsg.AlterUserSCRAMCredentialsRequestUpsertion
	cases := map[string]struct {
		deletes deletes
		upserts upserts
		want    []string
	}{
		"nothing":             {},
		"two users":           {nil, upserts{scramUpsertion("zed", 1, 4096), scramUpsertion("amy", 2, 16384)}, []string{"zed NONE", "amy NONE"}},
		"both mechanisms":     {nil, upserts{scramUpsertion("bob", 1, 4096), scramUpsertion("bob", 2, 4096)}, []string{"bob" + twice}},
		"deleted and set":     {deletes{{Name: "there", Mechanism: 2}}, upserts{scramUpsertion("there", 1, 4096)}, []string{"there" + twice}},
		"failed, then again":  {nil, upserts{scramUpsertion("bob", 1, 1), scramUpsertion("bob", 2, 4096)}, []string{"bob UNACCEPTABLE_CREDENTIAL Too few iterations"}},
		"empty user":          {deletes{{Mechanism: 1}}, nil, []string{" UNACCEPTABLE_CREDENTIAL Username must not be empty"}},
		"unknown mechanism":   {deletes{{Name: "x", Mechanism: 9}}, upserts{scramUpsertion("q", 0, 1)}, []string{"x UNSUPPORTED_SASL_MECHANISM Unknown SCRAM mechanism", "q UNSUPPORTED_SASL_MECHANISM Unknown SCRAM mechanism"}},
		"too many iterations": {nil, upserts{scramUpsertion("z", 1, 16385)}, []string{"z UNACCEPTABLE_CREDENTIAL Too many iterations"}},
		"not there":           {deletes{{Name: "nobody", Mechanism: 1}}, nil, []string{"nobody RESOURCE_NOT_FOUND Attempt to delete a user credential that does not exist"}},
		"there, other kind":   {deletes{{Name: "there", Mechanism: 1}}, nil, []string{"there RESOURCE_NOT_FOUND Attempt to delete a user credential that does not exist"}},
		"the good beside it":  {deletes{{Name: "there", Mechanism: 2}}, upserts{scramUpsertion("bad", 1, 1), scramUpsertion("aa", 1, 4096)}, []string{"there NONE", "aa NONE", "bad UNACCEPTABLE_CREDENTIAL Too few iterations"}},
		"not a name":          {deletes{{Name: "\xff", Mechanism: 1}}, nil, []string{"\xff UNACCEPTABLE_CREDENTIAL Username must be UTF-8 of at most 255 bytes"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, _ := testSecurity()
			alterScram(t, s, nil, scramUpsertion("there", 2, 4096))
			if diff := cmp.Diff(c.want, alterScram(t, s, c.deletes, c.upserts...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAlterRefusesWhatNoPasswordGives(t *testing.T) {
	s, log := testSecurity()
	noSalt, short := scramUpsertion("a", 2, 4096), scramUpsertion("b", 2, 4096)
	noSalt.Salt, short.SaltedPassword = nil, []byte{}
	for _, line := range alterScram(t, s, nil, noSalt, short) {
		if !strings.Contains(line, "UNACCEPTABLE_CREDENTIAL") {
			t.Errorf("answered %s", line)
		}
	}
	if log.proposed != 0 {
		t.Errorf("%d commands", log.proposed)
	}
}

func TestTheDerivedCredentialChecksThePassword(t *testing.T) {
	s, log := testSecurity()
	want, err := scram.Derive("pencil", []byte("salt"), 4096, scram.SHA512)
	if err != nil {
		t.Fatal(err)
	}
	u := scramUpsertion("alice", 2, 4096)
	u.Salt, u.SaltedPassword = []byte("salt"), saltedPassword(t, "pencil", "salt", 4096)
	alterScram(t, s, nil, u)
	got := log.Image().Scram("alice", meta.ScramSHA512)
	if got == nil || !bytes.Equal(got.StoredKey, want.StoredKey) || !bytes.Equal(got.ServerKey, want.ServerKey) || got.Iterations != 4096 {
		t.Errorf("stored %v, and the keys are not the password's", got)
	}
}

func TestDescribeUserScramCredentials(t *testing.T) {
	s, _ := testSecurity()
	alterScram(t, s, nil, scramUpsertion("alice", 1, 4096), scramUpsertion("bob", 2, 8192))
	alterScram(t, s, nil, scramUpsertion("alice", 2, 5000))
	describe := func(users ...string) []string {
		q := kmsg.NewPtrDescribeUserSCRAMCredentialsRequest()
		for _, u := range users {
			q.Users = append(q.Users, kmsg.DescribeUserSCRAMCredentialsRequestUser{Name: u})
		}
		resp := askSecurity[*kmsg.DescribeUserSCRAMCredentialsResponse](t, s, q)
		if resp.ErrorCode != wire.None {
			t.Errorf("code %d", resp.ErrorCode)
		}
		if raw := resp.AppendTo(nil); bytes.Contains(raw, []byte("salt of")) || bytes.Contains(raw, bytes.Repeat([]byte{7}, 8)) {
			t.Error("a secret is in the answer")
		}
		var got []string
		for _, r := range resp.Results {
			line := r.User + " " + wire.CodeName(r.ErrorCode)
			for _, i := range r.CredentialInfos {
				line += fmt.Sprintf(" %d/%d", i.Mechanism, i.Iterations)
			}
			got = append(got, line)
		}
		return got
	}
	if diff := cmp.Diff([]string{"alice NONE 1/4096 2/5000", "bob NONE 2/8192"}, describe()); diff != "" {
		t.Error(diff)
	}
	want := []string{"bob NONE 2/8192", "carol RESOURCE_NOT_FOUND", "alice DUPLICATE_RESOURCE"}
	if diff := cmp.Diff(want, describe("bob", "carol", "alice", "alice")); diff != "" {
		t.Error(diff)
	}
}

func TestChangesCarryTheirOrigin(t *testing.T) {
	s, log := testSecurity()
	createACLs(t, s, readACL(authz.Literal, "t", "User:a"))
	alterScram(t, s, nil, scramUpsertion("alice", 2, 4096))
	var records []*meta.AuditRecord
	log.Image().PendingAudit(func(r *meta.AuditRecord) bool { records = append(records, r); return true })
	if len(records) != 2 {
		t.Fatalf("%d audit records", len(records))
	}
	for _, r := range records {
		if r.Origin.Principal != "User:admin" || r.Origin.Host != "10.0.0.1" || r.Origin.EventID == "" || len(r.Origin.Digest) != 64 {
			t.Errorf("origin %+v", r.Origin)
		}
		if text := fmt.Sprint(r.Before, r.After); strings.Contains(text, "salt of") {
			t.Errorf("a secret is in %s", text)
		}
	}
}

// saltedPassword is what a client computes (RFC 5802, Hi), spelled out: it must not share the code under test.
func saltedPassword(t *testing.T, password, salt string, iterations int) []byte {
	t.Helper()
	u := hmacSHA512([]byte(password), append([]byte(salt), 0, 0, 0, 1))
	out := bytes.Clone(u)
	for range iterations - 1 {
		u = hmacSHA512([]byte(password), u)
		for i := range out {
			out[i] ^= u[i]
		}
	}
	if len(out) != sha512.Size {
		t.Fatalf("%d bytes", len(out))
	}
	return out
}

func hmacSHA512(key, text []byte) []byte {
	mac := hmac.New(sha512.New, key)
	mac.Write(text)
	return mac.Sum(nil)
}
