package scram

import (
	"fmt"
	"strings"
	"time"

	"github.com/chronik-stream/chronik/auth"
)

// Token is a delegation token (KIP-48), as a log-in by it is checked: the client gives its id as user name and says tokenauth=true.
type Token struct {
	// Owner is who the client then is.
	Owner auth.Principal
	// Expires is when the session ends that begins with it.
	Expires time.Time
	// Credential is that of the token's secret.
	Credential Credential
}

// tokenExtension is the SCRAM extension by which a client says that its user name is the id of a delegation token
// (Apache Kafka's ScramLoginModule.TOKEN_AUTH_CONFIG).
const tokenExtension = "tokenauth"

// saysToken reports whether the extensions of a client-first message say that it is about a token. They may say so once, and by true or
// false only: to take anything else for one of them would be to guess who wants in.
func saysToken(extensions []string) (byToken bool, err error) {
	said := false
	for _, extension := range extensions {
		key, value, _ := strings.Cut(extension, "=")
		if key != tokenExtension {
			continue
		}
		byToken = strings.EqualFold(value, "true")
		if said || !byToken && !strings.EqualFold(value, "false") {
			return false, fmt.Errorf("%w: extension %s=%.16q, or twice", auth.ErrMalformed, tokenExtension, value)
		}
		said = true
	}
	return byToken, nil
}

// findToken is find for the id of a delegation token. What is made of an unknown one is not what is made of a user of that name, who
// would else tell whether there is such a token.
func (m *Mechanism) findToken(id string) (Token, error) {
	made := m.fake("delegation token\x00" + id)
	made.Iterations = DefaultIterations
	var found Token
	known := false
	if m.tokens != nil {
		found, known = m.tokens(id)
	}
	switch {
	case !known:
		return Token{Credential: made}, auth.ErrUnknownToken
	case found.Credential.Hash != m.hash:
		return Token{Credential: made}, fmt.Errorf("%w: for %s", ErrBadCredential, found.Credential.Hash)
	case found.Credential.Validate() != nil:
		return Token{Credential: made}, found.Credential.Validate()
	}
	return found, nil
}
