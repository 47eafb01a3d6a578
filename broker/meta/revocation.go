package meta

import (
	"strconv"
	"time"

	"github.com/chronik-stream/chronik/auth"
)

// RevokedBefore is the key of a principal's configuration that revokes him: what he has logged in by before this time, in
// milliseconds since 1970, is good for nothing any more. Passwords are not of a time; they are deleted.
const RevokedBefore = "chronik.revoked.before.ms"

// RevokedBefore is when a principal, in the form Type:name, was revoked; the zero time means never.
func (img *Image) RevokedBefore(principal string) time.Time {
	ms := revokedSince(img.Config(ResourceKey{Type: UserConfig, Name: principal}))
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// revokedSince is 0 for never, and for what is no number: the proposer has checked it.
func revokedSince(config map[string]string) int64 {
	ms, err := strconv.ParseInt(config[RevokedBefore], 10, 64)
	if err != nil {
		return 0
	}
	return ms
}

// LoginLocked is a key of a principal's configuration that is not kept: set to false, it lifts what lock-outs of his there are.
const LoginLocked = "chronik.login.locked"

// Standing is what can be taken away from a principal.
type Standing struct {
	// Revoked is when he was revoked, in milliseconds since 1970; 0 means never.
	Revoked int64 `json:"revoked,omitempty"`
	// Password says that he has a SCRAM credential.
	Password bool `json:"password,omitempty"`
}

// Standing is that of a principal in the form Type:name.
func (img *Image) Standing(principal string) Standing {
	s := Standing{Revoked: revokedSince(img.Config(ResourceKey{Type: UserConfig, Name: principal}))}
	if p, err := auth.ParsePrincipal(principal); err == nil && p.Type == auth.UserType {
		s.Password = img.Scram(p.Name, ScramSHA256) != nil || img.Scram(p.Name, ScramSHA512) != nil
	}
	return s
}

// lessThan reports whether something was taken away since.
func (s Standing) lessThan(before Standing) bool {
	return s.Revoked > before.Revoked || before.Password && !s.Password
}
