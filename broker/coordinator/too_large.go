package coordinator

import "fmt"

// TooLarge says that what a coordinator wants to keep does not fit a batch of its topic: bytes of records are more than the most that it
// can hold.
func TooLarge(topic string, bytes, most int) error {
	return fmt.Errorf("%d bytes do not fit a batch of %s, which holds %d: raise the topic's max.message.bytes", bytes, topic, most)
}
