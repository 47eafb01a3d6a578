package config

// saslKeys are the keys of log-ins and authorization.
func saslKeys() []Key {
	return []Key{
		{Name: "sasl.enabled.mechanisms", Type: List, Default: "SCRAM-SHA-512,SCRAM-SHA-256", Check: mechanisms{}, Effect: ActedOn, Doc: "SASL mechanisms of the listeners that speak SASL: GSSAPI, OAUTHBEARER, PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512."},
		{Name: "sasl.mechanism.inter.broker.protocol", Type: String, Default: "GSSAPI", Check: oneOf(mechanisms{}.served()...), Effect: ActedOn, Doc: "SASL mechanism that brokers use among themselves. A single node only checks that it knows the mechanism."},
		{Name: "sasl.mechanism.controller.protocol", Type: String, Default: "GSSAPI", Check: oneOf(mechanisms{}.served()...), Effect: ActedOn, Doc: "SASL mechanism that brokers use towards controllers. A single node only checks that it knows the mechanism."},
		{Name: "sasl.server.max.receive.size", Type: Int, Default: "98304", Effect: ActedOn, Doc: "Largest request before the log-in is complete, in bytes."},
		{Name: "sasl.jaas.config", Type: Password, Null: true, Effect: Refused, Doc: "Log-in modules for all mechanisms at once. Write it per mechanism, such as listener.name.NAME.plain.sasl.jaas.config or plain.sasl.jaas.config."},
		{Name: "sasl.server.callback.handler.class", Type: Class, Null: true, Effect: Refused, Doc: "Java class that checks log-ins. For OAUTHBEARER listener.name.NAME.oauthbearer.sasl.server.callback.handler.class may name Apache Kafka's own."},
		{Name: "sasl.client.callback.handler.class", Type: Class, Null: true, Effect: Refused, Doc: "Java class that answers for a client."},
		{Name: "sasl.login.callback.handler.class", Type: Class, Null: true, Effect: Refused, Doc: "Java class that answers at the broker's own log-in."},
		{Name: "sasl.login.class", Type: Class, Null: true, Effect: Refused, Doc: "Java class of the broker's own log-in."},
		{Name: "sasl.login.connect.timeout.ms", Type: Int, Null: true, Effect: Refused, Doc: "Time-out of connections to an identity provider, in milliseconds."},
		{Name: "sasl.login.read.timeout.ms", Type: Int, Null: true, Effect: Refused, Doc: "Time-out of reads from an identity provider, in milliseconds."},
		{Name: "sasl.login.refresh.buffer.seconds", Type: Short, Default: "300", Effect: Refused, Doc: "Reserve before a token's end in which it is refreshed, in seconds."},
		{Name: "sasl.login.refresh.min.period.seconds", Type: Short, Default: "60", Effect: Refused, Doc: "Shortest time between two refreshes of a token, in seconds."},
		{Name: "sasl.login.refresh.window.factor", Type: Double, Default: "0.8", Effect: Refused, Doc: "Part of a token's life after which it is refreshed."},
		{Name: "sasl.login.refresh.window.jitter", Type: Double, Default: "0.05", Effect: Refused, Doc: "Random part of the time of a token's refresh."},
		{Name: "sasl.login.retry.backoff.max.ms", Type: Long, Default: "10000", Effect: Refused, Doc: "Longest pause between log-ins at an identity provider, in milliseconds."},
		{Name: "sasl.login.retry.backoff.ms", Type: Long, Default: "100", Effect: Refused, Doc: "First pause between log-ins at an identity provider, in milliseconds."},
		{Name: "sasl.kerberos.service.name", Type: String, Null: true, Effect: ActedOn, Doc: "First part of the Kerberos names that clients may have tickets for, such as kafka. Without it that of chronik.sasl.gssapi.principal counts."},
		{Name: "sasl.kerberos.kinit.cmd", Type: String, Default: "/usr/bin/kinit", Effect: Ignored, Doc: "Path of kinit. The broker has a keytab and renews no tickets."},
		{Name: "sasl.kerberos.min.time.before.relogin", Type: Long, Default: "60000", Effect: Ignored, Doc: "Shortest time between two Kerberos log-ins, in milliseconds. The broker has a keytab and renews no tickets."},
		{Name: "sasl.kerberos.principal.to.local.rules", Type: List, Default: "DEFAULT", Effect: ActedOn, Doc: "Rules that turn Kerberos names into the names that ACLs are for, separated by commas; the first that applies counts: DEFAULT, or RULE:[n:format](match)s/pattern/replacement/g with /L or /U."},
		{Name: "sasl.kerberos.ticket.renew.jitter", Type: Double, Default: "0.05", Effect: Ignored, Doc: "Random part of the time of a ticket's renewal. The broker has a keytab and renews no tickets."},
		{Name: "sasl.kerberos.ticket.renew.window.factor", Type: Double, Default: "0.8", Effect: Ignored, Doc: "Part of a ticket's life after which it is renewed. The broker has a keytab and renews no tickets."},
		{Name: "principal.builder.class", Type: Class, Default: "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder", Effect: Refused, Doc: "Java class that makes principals. The mapping of its default is built in."},
		{Name: "security.providers", Type: String, Null: true, Effect: Refused, Doc: "Java security providers."},
		{Name: "authorizer.class.name", Type: String, Check: oneOf("", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"), Effect: ActedOn, Doc: "Authorizer. Empty and org.apache.kafka.metadata.authorizer.StandardAuthorizer mean the built-in one, which is always on; see chronik.acl.enabled."},
		{Name: "super.users", Type: String, Check: principals{}, Effect: ActedOn, Doc: "Principals that may do everything, as User:name, separated by semicolons. Those of listener.name.NAME.super.users come beside them, and may do everything only where they have come in by that listener."},
		{Name: "allow.everyone.if.no.acl.found", Type: Boolean, Default: "false", Effect: ActedOn, Doc: "Whether a resource without any ACL is open to everyone who has logged in."},
	}
}
