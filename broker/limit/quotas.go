package limit

// QuotaClients is how many clients are measured one by one for one kind of quota. Each takes under 500 bytes, and clients choose their
// client ids: without a bound one of them could fill the memory. A client that takes nothing for a span of samples needs no place.
const QuotaClients = 64 << 10
