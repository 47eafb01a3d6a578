package audit

import "time"

// What one event may hold. Names come from clients, so each is cut before it is kept.
const (
	// maxText is the longest text in an event, in bytes: longer than any topic name, shorter than an abuse.
	maxText = 512
	// maxDetails is how many keys of a before or after state are kept: more than any resource has configs.
	maxDetails = 256
)

// What the recorder holds while the log is slow or away.
const (
	// defaultQueueEvents bounds the events that wait for the log: some 10 MiB of usual ones.
	defaultQueueEvents = 16 << 10
	// defaultQueueBytes bounds their JSON, in bytes, whatever they hold.
	defaultQueueBytes = 32 << 20
	// provokedShare divides the queue: events that anybody can provoke at will (refused log-ins, denials) may fill one
	// part in this many of it, so that a storm of them leaves room for the record of everybody else.
	provokedShare = 2
	// maxBatchEvents and maxBatchBytes bound one append to the log: far below the largest record batch of a topic.
	maxBatchEvents = 500
	maxBatchBytes  = 512 << 10
	// defaultPatience is how long a caller waits for room in the queue; it slows a storm down to the log's own speed.
	defaultPatience = time.Second
	// appendTimeout bounds one attempt to append.
	appendTimeout = 10 * time.Second
	// firstRetry and lastRetry bound the pause between attempts; it doubles.
	firstRetry = 50 * time.Millisecond
	lastRetry  = 2 * time.Second
)
