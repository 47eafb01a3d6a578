// Package history checks what clients saw of a broker. Clients record what they asked for and what they were told, in the order of one
// clock, as a list of Events; Check says which of it no correct broker can have brought about. It knows nothing of brokers: a history of
// processes, of a simulation or of another broker are the same to it.
//
// What is written has to stay: compaction, retention and DeleteRecords must not be at work on the partitions of a history.
package history
