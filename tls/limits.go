package tls

import "time"

const (
	// maxStoreBytes bounds a key store or trust store; the system's bundle of all public authorities has 0.25 MB.
	maxStoreBytes = 8 << 20
	// maxKeyIterations bounds the work that an encrypted private key asks for: seconds.
	maxKeyIterations = 10_000_000
	// maxCRLBytes bounds a file of certificate revocation lists: some 800,000 entries.
	maxCRLBytes = 32 << 20
	// maxCRLFiles bounds the files in all directories of chronik.ssl.crl.location together.
	maxCRLFiles = 1000
	// maxSigners bounds how many certificates a list remembers to have checked its signature with: an authority has few keys.
	maxSigners = 64
	// maxClockSkew is how far an authority's clock may be ahead.
	maxClockSkew = 5 * time.Minute
	// maxSubjectBytes bounds the subject of a refused certificate, in DER, that is told in words; long ones in use have 300 bytes.
	maxSubjectBytes = 2 << 10
	// maxResponseBytes bounds an OCSP response: one with the certificate of its signer has some 2 KiB.
	maxResponseBytes = 64 << 10
	// maxResponders bounds how many of the responders that a certificate names are asked, responderTimeout the time of each.
	maxResponders    = 4
	responderTimeout = 10 * time.Second
	// firstStapleRetry is the pause after a failed attempt to get a response; it doubles, at most maxStapleDoublings times.
	// longestStaplePause is the longest pause between two attempts, failed or not; shortestStaple that between two looks at what is shown.
	firstStapleRetry   = 30 * time.Second
	maxStapleDoublings = 16
	longestStaplePause = time.Hour
	shortestStaple     = time.Second
	// expiryInterval is how often it is looked for certificates that expire soon where files are never looked at.
	expiryInterval = time.Hour
)
