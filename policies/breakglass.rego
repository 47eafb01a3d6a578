# In an emergency some principals may do what they otherwise may not, if they say why: their client id has to be
# break-glass:REFERENCE:reason, such as break-glass:INC-1234:the order topic is stuck.
#
# data.breakglass.principals   who
# data.breakglass.reference    a regular expression for the whole reference; [A-Z]+-[0-9]+ where it is missing
# data.breakglass.least        the least number of characters of the reason; 10 where it is missing
#
# Let data.kafka.authz.reason be data.chronik.breakglass.reason, so that each use is in the audit log.
package chronik.breakglass

import rego.v1

said := split(input.requestContext.header.data.clientId, ":")

least := object.get(data.breakglass, "least", 10)

reference := object.get(data.breakglass, "reference", "[A-Z]+-[0-9]+")

allow if {
	input.requestContext.principal.name in data.breakglass.principals
	count(said) == 3
	said[0] == "break-glass"
	regex.match(sprintf("^(?:%s)$", [reference]), said[1])
	count(trim_space(said[2])) >= least
}

reason := sprintf("break-glass %s: %s", [said[1], trim_space(said[2])]) if allow
