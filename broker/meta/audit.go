package meta

import "time"

// Origin says who asked for a change. Every command of a client carries one, so that the change and the event that tells of it
// become durable in one entry of the log.
type Origin struct {
	// EventID is a random id, given when the request came in.
	EventID   string `json:"eventId"`
	Principal string `json:"principal"`
	Host      string `json:"host"`
	Listener  string `json:"listener"`
	ClientID  string `json:"clientId,omitempty"`
	// API is the name of the request, such as CreateTopics.
	API string `json:"api"`
	// Digest is the SHA-256 of the request's body, less what is secret in it, in hexadecimal.
	Digest string    `json:"digest,omitempty"`
	Time   time.Time `json:"time"`
}

// AuditRecord tells of one changed, or refused, resource. It stays in the image until it is projected into the audit log.
type AuditRecord struct {
	// Index is the entry of the metadata log that made the change, Seq counts within it.
	Index        uint64 `json:"index"`
	Seq          int    `json:"seq"`
	Origin       Origin `json:"origin"`
	Action       string `json:"action"`
	ResourceType string `json:"resourceType"`
	Resource     string `json:"resource"`
	// Outcome is a Kafka error code; 0 means that the change took place.
	Outcome int16             `json:"outcome"`
	Before  map[string]string `json:"before,omitempty"`
	After   map[string]string `json:"after,omitempty"`
}
