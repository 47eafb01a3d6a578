package doctor

import (
	"strconv"
	"time"

	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/meta"
)

// auditRetention is how long auditors want audit events (PCI DSS 10.5.1: twelve months).
const auditRetention = 365 * 24 * time.Hour

// evidenceChecks look at what can be proved afterwards, and at what a power loss takes.
func evidenceChecks() []Check {
	return []Check{
		{
			ID: "audit-may-be-lost", State: Weak, Severity: High, Controls: []string{"AU-5", "PCI 10.7.2", "CC7.2", "KG-041"},
			Title: "What can not be audited is done all the same.",
			Mend:  "leave chronik.audit.on.failure at its default, deny",
			find: func(f *Facts, e *examination) {
				if f.Config.Security.AuditAllowOnFailure {
					e.found("chronik.audit.on.failure", "chronik.audit.on.failure=allow")
				}
			},
		},
		{
			ID: "audit-retention", State: Weak, Severity: Medium, Controls: []string{"AU-11", "PCI 10.5.1", "KG-042"},
			Title:   "Audit events are deleted before twelve months are over, or by size.",
			Mend:    "set retention.ms and retention.bytes of __audit_log to -1, its default",
			running: true,
			find:    auditIsDeleted,
		},
		{
			ID: "accesses-not-recorded", State: Weak, Severity: Medium, Controls: []string{"AU-2", "AU-12", "AC-6(7)", "PCI 10.2.1", "CC7.2"},
			Title: "What was allowed is not recorded: nobody can tell later what somebody did, chronik authz replay tries denials alone, and suggest has nothing to go by.",
			Mend:  "leave chronik.audit.access at its default, summary",
			find: func(f *Facts, e *examination) {
				if f.Config.Security.AuditAccessInterval <= 0 {
					e.found("chronik.audit.access", "chronik.audit.access=none")
				}
			},
		},
		{
			ID: "flush-policy", State: Weak, Severity: Medium, Controls: []string{"CP-10", "SI-13", "A1.2"},
			Title: "Records are confirmed before they are on disk: a power loss takes what clients believe to be safe.",
			Mend:  "leave chronik.flush.policy at its default, acks",
			find: func(f *Facts, e *examination) {
				switch f.Config.Storage.FlushPolicy {
				case config.FlushOS:
					e.found("chronik.flush.policy", "chronik.flush.policy=os: the operating system decides when")
				case config.FlushInterval:
					e.found("chronik.flush.policy", "chronik.flush.policy=interval: the last %s can be lost", f.Config.Storage.FlushInterval)
				}
			},
		},
		{
			ID: "clock", State: Open, Severity: Medium, Controls: []string{"AU-8", "SC-45", "PCI 10.6.1"},
			Title: "Nothing keeps the machine's clock in step, which audit events, certificates, tickets and tokens go by.",
			Mend:  "run chrony, ntpd or systemd-timesyncd on the machine",
			find: func(f *Facts, e *examination) {
				switch f.Clock {
				case ClockAlone:
					e.found("clock", "the kernel says that its clock is not synchronized")
				case ClockSynchronized:
				default:
					e.unknown("clock", "the operating system does not tell whether its clock is synchronized")
				}
			},
		},
	}
}

func auditIsDeleted(f *Facts, e *examination) {
	settings := f.Running.Image.Config(meta.ResourceKey{Type: meta.TopicConfig, Name: controller.AuditTopic})
	ms, err := strconv.ParseInt(settings["retention.ms"], 10, 64)
	if err != nil || ms >= 0 && ms < auditRetention.Milliseconds() {
		e.found("topic "+controller.AuditTopic, "retention.ms=%s", settings["retention.ms"])
	}
	if bytes := settings["retention.bytes"]; bytes != "" && bytes != "-1" {
		e.found("topic "+controller.AuditTopic, "retention.bytes=%s", bytes)
	}
}
