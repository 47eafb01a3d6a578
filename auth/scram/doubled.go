package scram

import (
	"crypto/hmac"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/chronik-stream/chronik/auth"
)

// doubled checks the last message of librdkafka before 2.6.1, which repeats the client's nonce in front of the whole one. Such
// clients are everywhere (Debian's kcat is one), and nothing is lost by letting them in: the proof covers the server's first
// message, and with it the server's fresh nonce, whatever the last message repeats. Any other nonce stays refused
// (CVE-2024-56128).
type doubled struct {
	hash Hash
	// bare is the client's first message without its header, header that header.
	bare, header, clientNonce string
	// serverFirst is the server's first message.
	serverFirst string
	credential  Credential
}

// begin notes the first two messages.
func (d *doubled) begin(clientFirst, serverFirst string) {
	parts := strings.SplitN(clientFirst, ",", partName+1)
	d.header = parts[partFlag] + "," + parts[partAuthzid] + ","
	d.bare = parts[partName]
	_, nonce, _ := strings.Cut(d.bare, ",r=")
	d.clientNonce, _, _ = strings.Cut(nonce, ",")
	d.serverFirst = serverFirst
}

// sent reports whether a client-final message has the doubled nonce.
func (d *doubled) sent(clientFinal string) bool {
	nonce, _, _ := strings.Cut(strings.TrimPrefix(d.serverFirst, "r="), ",")
	return strings.Contains(clientFinal, ",r="+d.clientNonce+nonce+",p=")
}

// verify checks the message and its proof (RFC 5802 section 3) and returns the server's last message.
func (d *doubled) verify(clientFinal string) (string, error) {
	withoutProof, proof, _ := strings.Cut(clientFinal, ",p=")
	binding, _, _ := strings.Cut(strings.TrimPrefix(withoutProof, "c="), ",")
	if binding != base64.StdEncoding.EncodeToString([]byte(d.header)) {
		return "", fmt.Errorf("%w: channel binding differs from the first message's", auth.ErrBadCredential)
	}
	given, err := base64.StdEncoding.DecodeString(proof)
	if err != nil || len(given) != d.hash.Size() {
		return "", fmt.Errorf("%w: the proof has not the form of one", auth.ErrBadCredential)
	}
	message := []string{d.bare, ",", d.serverFirst, ",", withoutProof}
	key := mac(d.hash, d.credential.StoredKey, message...)
	subtle.XORBytes(key, key, given) // the client's key
	stored := d.hash.new()
	_, _ = stored.Write(key)
	if !hmac.Equal(stored.Sum(nil), d.credential.StoredKey) {
		return "", auth.ErrBadCredential
	}
	return "v=" + base64.StdEncoding.EncodeToString(mac(d.hash, d.credential.ServerKey, message...)), nil
}
