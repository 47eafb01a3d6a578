package audit

import "github.com/chronik-stream/chronik/auth"

// certificateObject is OCSF's certificate.
type certificateObject struct {
	Subject      string              `json:"subject"`
	Issuer       string              `json:"issuer"`
	Serial       string              `json:"serial_number"`
	Fingerprints []fingerprintObject `json:"fingerprints"`
	Names        []nameTypeObject    `json:"sans,omitempty"`
	Created      int64               `json:"created_time"`
	Expiration   int64               `json:"expiration_time"`
}

type fingerprintObject struct {
	Algorithm   string `json:"algorithm"`
	AlgorithmID int    `json:"algorithm_id"`
	Value       string `json:"value"`
}

// nameTypeObject is OCSF's subject alternative name.
type nameTypeObject struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// certificate describes what a client showed, nil for nothing.
func certificate(c *auth.Certificate) *certificateObject {
	if c == nil {
		return nil
	}
	const sha256ID = 3
	o := &certificateObject{
		Subject: clip(c.Subject), Issuer: clip(c.Issuer), Serial: clip(c.Serial),
		Fingerprints: []fingerprintObject{{Algorithm: "SHA-256", AlgorithmID: sha256ID, Value: c.Fingerprint}},
		Created:      c.NotBefore.UnixMilli(), Expiration: c.NotAfter.UnixMilli(),
	}
	add := func(kind string, names []string) {
		for _, name := range names {
			o.Names = append(o.Names, nameTypeObject{Name: clip(name), Type: kind})
		}
	}
	add("URI", c.URIs)
	add("DNS", c.DNSNames)
	add("email", c.Emails)
	add("IP", c.Addresses)
	return o
}
