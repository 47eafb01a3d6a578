package record

// Bounds of what a compressed batch may become. Compression reaches 1000:1 on zeros, so the size of the batch bounds nothing.
const (
	// MaxUncompressed caps the records of one batch after decompression, in bytes. Java's producer fills a batch up to
	// max.request.size of plain records before it compresses, 1 MiB by default; who raises that to 64 MiB still fits.
	MaxUncompressed = 128 << 20
	// MaxRatio caps decompressed to compressed size beyond FreeUncompressed: 64 times what text reaches in practice.
	MaxRatio = 1024
	// FreeUncompressed is how far a batch may expand before the ratio counts. Java's producer fills its 16 KiB batches by an
	// estimate of their compressed size: records that are all alike, at 2000:1 with zstd, make 32 MiB of one.
	FreeUncompressed = 32 << 20
	// maxWindow caps the memory of one zstd decoder: level 19 uses 8 MiB, the long modes that ask for more are not Kafka's.
	maxWindow = 32 << 20
	// maxSnappyBlock caps one block of the snappy framing: snappy-java writes 32 KiB, librdkafka one block for the batch.
	maxSnappyBlock = 32 << 20
	// maxSnappyRatio is more than the format can reach (64 bytes by a copy of 3): a block that claims more lies, and gets no memory.
	maxSnappyRatio = 24
	// zstdWindow is how far back the zstd encoder looks, that of level 3 in zstd itself. Decoders need as much memory.
	zstdWindow = 2 << 20
	// maxKept is the largest memory of a converted batch that is kept for the next one: batches are rarely larger than 1 MiB.
	maxKept = 2 << 20
	// maxRecordErrors caps how many records of a refused batch are told apart.
	maxRecordErrors = 100
	// readAhead is the buffer between decompression and the walk over the records.
	readAhead = 32 << 10
)
