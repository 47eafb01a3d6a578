package oauth

import (
	"errors"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/auth"
)

func TestMessages(t *testing.T) {
	for text, want := range map[string]first{
		"n,,^auth=Bearer a.b.c^^":                                          {token: "a.b.c"},
		"n,,^auth=bearer   a-_9^^":                                         {token: "a-_9"},
		"n,a=alice,^auth=Bearer t^^":                                       {authzid: "alice", token: "t"},
		"n,a=x=2Cy=3D,^auth=Bearer t^^":                                    {authzid: "x,y=", token: "t"},
		"n,a=u@example.com,^host=h.example.com^port=143^auth=Bearer t^^":   {authzid: "u@example.com", token: "t"},
		"n,,^auth=Bearer t^logicalCluster=lkc-1^identityPoolId=pool-2 x^^": {token: "t"},
		"n,,^auth=Bearer t^a=1^A=2\t\r\n^^":                                {token: "t"},
	} {
		got, err := parseFirst([]byte(strings.ReplaceAll(text, "^", separator)))
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestBadMessages(t *testing.T) {
	for _, text := range []string{
		"", "^", "n", "n,", "n,,", "n,,^^", "n,,^^^", "n,,^auth=Bearer t^", "n,,^auth=Bearer t", "n,,^auth=Bearer t^^^", "n,,auth=Bearer t^^",
		"y,,^auth=Bearer t^^", "p=tls-unique,,^auth=Bearer t^^", "n,a=,^auth=Bearer t^^", "n,b=x,^auth=Bearer t^^", "n,a=x=,^auth=Bearer t^^",
		"n,a=x=2c,^auth=Bearer t^^", "n,a=\x00,^auth=Bearer t^^", "n,a=ä,^auth=Bearer t^^", "n,a=a,b,^auth=Bearer t^^",
		"n,a=" + strings.Repeat("a", auth.MaxNameBytes+1) + ",^auth=Bearer t^^",
		"n,,^auth=Basic t^^", "n,,^auth=Bearer^^", "n,,^auth=Bearer ^^", "n,,^auth=Bearer\tt^^", "n,,^auth=Bearer t t^^", "n,,^auth=Bearer t=^^",
		"n,,^auth=Bearer t+/^^", "n,,^auth=Bearer t^auth=Bearer u^^", "n,,^host=h^^", "n,,^auth=Bearer t^x^^", "n,,^auth=Bearer t^=x^^",
		"n,,^auth=Bearer t^x=^^", "n,,^auth=Bearer t^x1=y^^", "n,,^auth=Bearer t^x=\x7f^^", "n,,^auth=Bearer t^x=ä^^", "n,,^auth=Bearer t^x=1^x=2^^",
		"n,,^Auth=Bearer t^^", "n,,^auth=Bearer t^^x", "n,,^auth=Bearer " + strings.Repeat("t", auth.MaxOAuthMessage) + "^^",
	} {
		if got, err := parseFirst([]byte(strings.ReplaceAll(text, "^", separator))); !errors.Is(err, auth.ErrMalformed) || got != (first{}) {
			t.Errorf("%.80q: %+v, %v", text, got, err)
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte("n,a=alice,\x01auth=Bearer a.b.c\x01host=h\x01\x01"))
	f.Add([]byte("n,,\x01\x01\x01"))
	f.Add([]byte("n,a=0,\x01auth=0\x01\x01"))
	f.Add([]byte("n,a=x=2Cy=3D,\x01auth=bearer  t\x01\x01"))
	f.Fuzz(func(t *testing.T, message []byte) {
		got, err := parseFirst(message)
		if err != nil {
			if !errors.Is(err, auth.ErrMalformed) || got != (first{}) {
				t.Errorf("%q: %+v, %v", message, got, err)
			}
			return
		}
		if got.token == "" || strings.ContainsFunc(got.token, notInToken) || !strings.Contains(string(message), got.token) {
			t.Errorf("%q: the token is %q", message, got.token)
		}
		escaped := strings.NewReplacer(",", "=2C", "=", "=3D").Replace(got.authzid)
		if got.authzid != "" && !strings.HasPrefix(string(message), "n,a="+escaped+",") {
			t.Errorf("%q: the authorization id is %q", message, got.authzid)
		}
	})
}
