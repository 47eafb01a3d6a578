package broker

import (
	"log/slog"

	"github.com/chronik-stream/chronik/auth/scram"
	"github.com/chronik-stream/chronik/broker/meta"
)

// maxUnusableNamed is how many credentials that open nothing are named in the log of a start.
const maxUnusableNamed = 100

// credentialOf is a stored credential as log-ins check it.
func credentialOf(c *meta.ScramCredential) scram.Credential {
	return scram.Credential{
		Hash: scram.Hash(c.Mechanism), Salt: c.Salt, Iterations: c.Iterations, StoredKey: c.StoredKey, ServerKey: c.ServerKey, //nolint:gosec // 1 or 2
	}
}

// warnOfUnusable names the users whose stored credentials open nothing, as those with short salts in FIPS 140-3 mode: else they would
// learn it by failed log-ins that say nothing.
func warnOfUnusable(img *meta.Image, logger *slog.Logger) {
	unusable := 0
	img.ScramUsers(func(user string, credentials []meta.ScramCredential) bool {
		for i := range credentials {
			err := credentialOf(&credentials[i]).Validate()
			if err == nil {
				continue
			}
			if unusable++; unusable <= maxUnusableNamed {
				logger.Warn("a user can not log in by a stored credential", "user", user, "mechanism", credentials[i].Mechanism, "error", err)
			}
		}
		return true
	})
	if unusable > maxUnusableNamed {
		logger.Warn("more users can not log in by stored credentials", "more", unusable-maxUnusableNamed)
	}
}
