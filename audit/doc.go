// Package audit makes the events that an auditor reads: who logged in, who was refused what, who changed what, and where
// the record itself has a hole. Events are OCSF 1.8.0 as JSON (schema.ocsf.io), written through a one-method interface.
package audit
