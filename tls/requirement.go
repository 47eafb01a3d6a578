package tls

import (
	stdtls "crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"
)

// RequirementError means that a handshake failed because the client does not offer what the listener requires.
type RequirementError struct {
	requirement, offered string
	cause                error
}

// Error says what is required and what the client offered.
func (e *RequirementError) Error() string {
	return fmt.Sprintf("the listener requires a post-quantum key exchange (%s over TLS 1.3), and the client offers %s: %s", postQuantumNames(), e.offered, e.cause)
}

// Unwrap returns crypto/tls's error.
func (e *RequirementError) Unwrap() error { return e.cause }

// RequirementRefused tells those who know the error only by this method which word of chronik.listener.require it is about.
func (e *RequirementError) RequirementRefused() string { return e.requirement }

func postQuantumNames() string {
	var names []string
	for _, group := range postQuantum() {
		names = append(names, groupName(group))
	}
	return strings.Join(names, ", ")
}

// maxOffered bounds how many of a client's groups an error names.
const maxOffered = 16

// accepted is a connection that remembers what the client offered in its first message.
type accepted struct {
	net.Conn
	groups   []stdtls.CurveID
	versions []uint16
}

// remember keeps what a client offers on a connection of Server; other connections are of no interest.
func remember(hello *stdtls.ClientHelloInfo) {
	if a, is := hello.Conn.(*accepted); is {
		a.groups, a.versions = hello.SupportedCurves, hello.SupportedVersions
	}
}

// forget lets go of what the client offered, which may be 64 KiB, when nobody will ask any more.
func (a *accepted) forget() { a.groups, a.versions = nil, nil }

// unmet returns the error of a handshake that failed for want of a post-quantum key exchange, and cause for others.
func (a *accepted) unmet(s *settings, cause error) error {
	if !s.postQuantum || a.versions == nil {
		return cause
	}
	hybrid := slices.ContainsFunc(a.groups, func(g stdtls.CurveID) bool { return slices.Contains(postQuantum(), g) })
	if hybrid && slices.Contains(a.versions, stdtls.VersionTLS13) {
		return cause
	}
	var offered []string
	for _, v := range a.versions[:min(len(a.versions), maxOffered)] {
		offered = append(offered, versionName(v))
	}
	for _, g := range a.groups[:min(len(a.groups), maxOffered)] {
		offered = append(offered, groupName(g))
	}
	return &RequirementError{requirement: "pq", offered: strings.Join(offered, ", "), cause: cause}
}
