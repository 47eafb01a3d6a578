package config

// ldapKeys are the keys by which PLAIN checks passwords against a directory. Each may be set for one listener.
func ldapKeys() []Key {
	return []Key{
		{Name: "chronik.sasl.plain.ldap.url", Type: String, Null: true, Effect: ActedOn, Doc: "Directory that PLAIN checks passwords against, by binding as the user: ldaps://host:port or ldap://host:port. Without it, or empty for a listener, PLAIN does not ask one."},
		{Name: "chronik.sasl.plain.ldap.starttls", Type: Boolean, Default: "true", Effect: ActedOn, Doc: "Whether a connection to ldap://... is secured by StartTLS before anything is sent on it. false is for loopback alone."},
		{Name: "chronik.sasl.plain.ldap.ca", Type: String, Null: true, Effect: ActedOn, Doc: "PEM file with the authorities that sign the directory's certificate. Without it the system's count."},
		{Name: "chronik.sasl.plain.ldap.bind.dn.template", Type: String, Null: true, Effect: ActedOn, Doc: "Distinguished name of users, of the form ATTRIBUTE=%s,..., such as uid=%s,ou=people,dc=example,dc=com. Users have to be allowed to read that attribute of their own entry. Not together with search.*."},
		{Name: "chronik.sasl.plain.ldap.search.base", Type: String, Null: true, Effect: ActedOn, Doc: "Entry below which users are searched for."},
		{Name: "chronik.sasl.plain.ldap.search.filter", Type: String, Null: true, Effect: ActedOn, Doc: "Filter that finds a user's one entry; it holds (ATTRIBUTE=%s) once, such as (&(objectClass=person)(uid=%s))."},
		{Name: "chronik.sasl.plain.ldap.bind.dn", Type: String, Null: true, Effect: ActedOn, Doc: "Distinguished name of who searches. Without it the search is anonymous."},
		{Name: "chronik.sasl.plain.ldap.bind.password", Type: Password, Null: true, Effect: ActedOn, Doc: "Password of who searches."},
		{Name: "chronik.sasl.plain.ldap.groups.attribute", Type: String, Default: "memberOf", Effect: ActedOn, Doc: "Attribute of a user's entry with the names of his groups, at most 256 of 255 bytes: who has more is refused. Empty means that no groups are read."},
		{Name: "chronik.sasl.plain.ldap.timeout.ms", Type: Int, Default: "5000", Check: between(100, 60000), Effect: ActedOn, Doc: "Longest time that the check of one password may take, connecting included, in milliseconds. A log-in that is not decided then is closed without an answer."},
		{Name: "chronik.sasl.plain.ldap.cache.ms", Type: Long, Default: "0", Check: between(0, 3600000), Effect: ActedOn, Doc: "How long a right password is taken again without asking the directory, in milliseconds: for so long a user whom the directory has locked, or whose password it has changed, can still log in. 0 means not at all."},
	}
}
