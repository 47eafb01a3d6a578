package meta

import (
	"strconv"
	"strings"
)

// auditToken records what became of a token, or of a request about one. The action is the API's where it is "".
func (d *draft) auditToken(o Origin, action, id string, code int16, before, after *Token) {
	if action == "" {
		action = o.API
	}
	d.auditAction(o, action, "DELEGATION_TOKEN", id, code, tokenFields(before), tokenFields(after))
}

func tokenFields(t *Token) map[string]string {
	if t == nil {
		return nil
	}
	return map[string]string{
		"owner": t.Owner, "requester": t.Requester, "renewers": strings.Join(t.Renewers, ","),
		"issued": strconv.FormatInt(t.Issued, 10), "expires": strconv.FormatInt(t.Expires, 10), "max.time": strconv.FormatInt(t.MaxTime, 10),
	}
}
