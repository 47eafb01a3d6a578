package quota

// bucket holds tokens that come back at a steady pace, up to what comes in a span (org.apache.kafka.common.metrics.stats.TokenBucket).
// It may be in debt; then nothing is taken until it is not. A new one is full.
type bucket struct {
	tokens float64
	// updated is when the tokens were counted, in milliseconds; 0 for a new bucket.
	updated int64
}

// count brings the bucket up to date and returns its tokens.
func (b *bucket) count(s span, perSecond float64, now int64) float64 {
	passed := max(now-b.updated, 0)
	b.tokens = min(s.seconds()*perSecond, b.tokens+perSecond*float64(passed)/1000)
	b.updated = max(b.updated, now)
	return b.tokens
}

// take takes tokens, more than there are too.
func (b *bucket) take(n float64) { b.tokens -= n }

// throttle is how many milliseconds it takes until the bucket is out of debt.
func (b *bucket) throttle(perSecond float64) int64 {
	if b.tokens >= 0 {
		return 0
	}
	return toMillis(-b.tokens / perSecond * 1000)
}
