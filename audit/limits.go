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
	// maxBatchEvents and maxBatchBytes bound one append to the log, unless it is of one event: far below the largest record batch of a topic.
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

// What clients can make the broker write at will.
const (
	// defaultBurst is how much a client may at once, in bytes: ten thousand sessions that come and go, or what one session did on a hundred
	// thousand topics.
	defaultBurst = 32 << 20
	// defaultBytesPerSecond is how much in the long run: some eight events a second, 700 MB a day.
	defaultBytesPerSecond = 8 << 10
	// defaultMergeInterval is how often what was merged is written, and as much of the counts as a crash loses.
	defaultMergeInterval = time.Minute
	// strangersShare is how many budgets all who have not logged in have together.
	strangersShare = 16
	// maxAccounts bounds the clients whose budgets are not whole, some 300 bytes each; further ones share one.
	maxAccounts = 16 << 10
	// sweepInterval is how often budgets that are whole again may be looked for among so many.
	sweepInterval = time.Second
	// eventBytes is more than the longest event has: an Access whose names, groups and certificate are all as long as they may be.
	eventBytes = 1 << 20
	// recordBytes is what an event takes in the log beside its key and value, in a batch of its own.
	recordBytes = 100
)

// What merged events may hold, and how many there are.
const (
	// aggregatesAlike is how many different events of one client are merged at a time with what they have in common, and aggregatesAlikeOfKind
	// how many of each kind are where others have taken these. Of the rest only kind and outcome are kept.
	aggregatesAlike       = 8
	aggregatesAlikeOfKind = 2
	// aggregatesOfKind are those of which only that is kept: at most two outcomes of each kind that who, of Event, is somebody for.
	aggregatesOfKind = 8
	// maxAggregates bounds the merged events of all clients at a time: some 10 MB.
	maxAggregates = 512
	// alikeBytes is the longest event that is merged with what it has in common, as JSON; usual ones have 1 KB.
	alikeBytes = 4 << 10
	// mergedClientID is what stays of a client id, in bytes, that makes an event longer than that.
	mergedClientID = 64
	// mergedNames and mergedNameBytes bound the names in a merged event, the bytes as JSON.
	mergedNames     = 16
	mergedNameBytes = 4 << 10
	// mergedBytes is more than the longest merged event has.
	mergedBytes = 12 << 10
)
