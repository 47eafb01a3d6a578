package doctor

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

const markdownHead = `# Posture: what chronik doctor looks at

This page is made from the list in ` + "`broker/doctor`" + ` by ` + "`make docs`" + `.

    chronik doctor --config FILE                      a configuration, before or after the start
    chronik doctor --url http://127.0.0.1:9095        a running broker of this machine, by its chronik.http.listen
    chronik doctor --bootstrap HOST:PORT              a listener for clients, from any machine

--bootstrap sees what strangers see: it connects several times, trusts nobody, logs in nowhere, and sends nothing after a handshake. What a
listener refuses to clients without a certificate it takes for not offered.

Each finding has a severity (critical, high, medium, low, info), says whether something is *weak* (a protection that is there and
could be stronger), *open* (one that is missing) or *unverified* (it could not be looked at; never graver than low), and how to mend
it. The controls are what auditors ask for it by: NIST SP 800-53 (AC-7), PCI DSS 4 (PCI 8.3.4), the criteria of SOC 2 (CC6.1, A1.2)
and KafkaGuard's list (KG-001).

| exit code | meaning |
|---|---|
| 0 | no finding of the severity of ` + "`--fail-on`" + ` (medium, unless said otherwise) or a graver one |
| 1 | there are such |
| 2 | it could not be checked: the configuration is not valid, the broker does not answer, wrong flags |

` + "`--format json`" + ` is for programs: ` + "`source`, `time`, `checked`, `notChecked`" + ` (ids of checks that need a running broker) and
` + "`findings`" + ` with ` + "`check`, `state`, `severity`, `controls`, `subject`, `text` and `mend`" + `. The ids stay the same from release to
release. A check tells at most 20 findings; the last one then says how many more there are. A listener, a user or a file is named; no
password and no key is.

| check | severity | state | looked at | controls | what it finds | how to mend it |
|---|---|---|---|---|---|---|
`

// WriteMarkdown writes the documentation of all checks.
func WriteMarkdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	_, _ = b.WriteString(markdownHead)
	all := Checks()
	for i := range all {
		c := &all[i]
		where := "configuration"
		switch {
		case c.running:
			where = "running broker"
		case c.outside:
			where = "configuration, outside"
		}
		_, _ = fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", c.ID, c.Severity, c.State, where, strings.Join(c.Controls, ", "), c.Title, c.Mend)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write the documentation of the checks: %w", err)
	}
	return nil
}
