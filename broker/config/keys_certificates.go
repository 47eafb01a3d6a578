package config

import "strconv"

// certificateKeys are the keys of what Chronik does with certificates and Apache Kafka has no name for.
func certificateKeys() []Key {
	return []Key{
		{Name: "chronik.ssl.principal.source", Type: String, Default: "dn", Check: anyCase("dn", "uri", "dns", "email"), Effect: ActedOn, Doc: "What of a client certificate names its owner on a listener without SASL: dn, the distinguished name of the subject; uri, the one URI among its alternative names, which has to be a SPIFFE ID; dns, the one DNS name, in lower case; email, the one email address, its domain in lower case. A certificate with none or several names of that kind is refused. ssl.principal.mapping.rules apply to what is found."},
		{Name: "chronik.ssl.crl.location", Type: List, Null: true, Effect: ActedOn, Doc: "Files with certificate revocation lists, in PEM or DER, and directories of such files. Every certificate of a client's chain is looked up in its issuer's list. The files are looked at as often as certificates (chronik.tls.reload.interval.ms); sessions of certificates that are newly revoked end at once. Delta lists and indirect ones are refused."},
		{Name: "chronik.ssl.crl.on.expired", Type: String, Default: "refuse", Check: oneOf("refuse", acceptWithWarning), Effect: ActedOn, Doc: "What becomes of a client certificate whose issuer's revocation list is past its nextUpdate: refuse or accept-with-warning. Those that the list names are refused all the same."},
		{Name: "chronik.ssl.crl.on.missing", Type: String, Default: "refuse", Check: oneOf("refuse", acceptWithWarning), Effect: ActedOn, Doc: "What becomes of a client certificate whose issuer has no revocation list in chronik.ssl.crl.location, where that is set: refuse or accept-with-warning."},
		{Name: "chronik.ssl.ocsp.staple", Type: String, Default: "off", Check: oneOf("off", "on"), Effect: ActedOn, Doc: "Whether the server shows in handshakes what the OCSP responder says that its own certificate names (OCSP stapling): on or off. The key store has to hold the issuer's certificate too."},
		{Name: "chronik.ssl.ocsp.response.location", Type: String, Null: true, Effect: ActedOn, Doc: "File with an OCSP response about the server's certificate, in DER, that something else keeps fresh. Where it is set, it is shown and no responder is asked."},
		{Name: "chronik.ssl.expiry.warning.days", Type: List, Default: "30,14,7,1", Check: days{}, Effect: ActedOn, Doc: "How many days before a certificate in use expires the log warns of it, once at each: those of the key store and of the trust store. Empty means never."},
	}
}

// days are whole numbers of days.
type days struct{}

const maxDays = 3650

func (days) problem(value string) string {
	for _, text := range SplitList(value) {
		if n, err := strconv.Atoi(text); err != nil || n < 1 || n > maxDays {
			return text + " is no number of days; allowed: " + days{}.allowed()
		}
	}
	return ""
}

func (days) allowed() string { return "numbers from 1 to " + strconv.Itoa(maxDays) }
