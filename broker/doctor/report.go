package doctor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Finding is something weak, open or not verified.
type Finding struct {
	Check    string   `json:"check"`
	State    State    `json:"state"`
	Severity Severity `json:"severity"`
	Controls []string `json:"controls"`
	// Subject is what it is about: a listener, a key, a file, a user.
	Subject string `json:"subject"`
	Text    string `json:"text"`
	Mend    string `json:"mend"`
}

// Report is what the checks have found, the gravest first.
type Report struct {
	Source string    `json:"source"`
	Time   time.Time `json:"time"`
	// Checked is the number of checks that were run, NotChecked those that need a running broker or its configuration.
	Checked    int       `json:"checked"`
	NotChecked []string  `json:"notChecked"`
	Findings   []Finding `json:"findings"`
}

// AtLeast counts the findings of a severity or a graver one.
func (r *Report) AtLeast(least Severity) int {
	n := 0
	for i := range r.Findings {
		if r.Findings[i].Severity >= least {
			n++
		}
	}
	return n
}

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	shown := *r
	if shown.Findings == nil {
		shown.Findings = []Finding{}
	}
	if shown.NotChecked == nil {
		shown.NotChecked = []string{}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(&shown); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// WriteText writes the report for people. show makes a text that others have chosen, such as the name of a user, fit for a terminal.
func (r *Report) WriteText(w io.Writer, show func(string) string) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s, %s\n", show(r.Source), r.Time.Format(time.RFC3339))
	for i := range r.Findings {
		f := &r.Findings[i]
		fmt.Fprintf(&b, "\n%-8s %s: %s (%s)\n", strings.ToUpper(f.Severity.String()), f.Check, show(f.Subject), f.State)
		fmt.Fprintf(&b, "         %s\n         mend: %s\n         controls: %s\n", show(f.Text), show(f.Mend), show(strings.Join(f.Controls, ", ")))
	}
	fmt.Fprintf(&b, "\n%d checks, %d findings%s\n", r.Checked, len(r.Findings), r.counts())
	if len(r.NotChecked) > 0 {
		fmt.Fprintf(&b, "not checked, for want of a running broker or its configuration (--url, --config): %s\n", show(strings.Join(r.NotChecked, ", ")))
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func (r *Report) counts() string {
	var parts []string
	for s := Critical; s >= Info; s-- {
		if n := r.AtLeast(s) - r.AtLeast(s+1); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	if parts == nil {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}
