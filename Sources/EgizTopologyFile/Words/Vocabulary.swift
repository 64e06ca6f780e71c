import EgizCore
import EgizTwin

/// All words of a topology file but those of the processor kinds, which say theirs in their `KindSpec`.
enum Vocabulary {
    static let apiVersion = "egiz/v1"

    static let root = [
        Word("apiVersion", .choice([apiVersion]), required: true, "The version of this language."),
        Word("kind", .choice(["Topology"]), required: true, "What the file describes."),
        Word("metadata", .section("a map with `name`"), required: true, "Who the topology is."),
        Word("spec", .section("a map with `sources` and `processors`"), required: true, "What the topology does."),
    ]

    static let metadata = [
        Word(
            "name", .name, required: true,
            "The topology's name, unique in a deployment. Its stages are called `<topology>.<source>`, and so are their consumer groups: another name begins from the start of the log."
        ),
        Word("description", .text, "A sentence for people, shown by `egiz topology explain` and the API."),
    ]

    static let spec = [
        Word(
            "delivery", .choice(Topology.Delivery.allCases.map(\.rawValue)), default: "exactly_once",
            "How records reach Kafka: `exactly_once` publishes them in Kafka transactions, `at_least_once` may repeat some after a crash. Projections in Postgres are exact in both."
        ),
        Word(
            "parallelism", .int(1...64), default: "1",
            "Stream threads of each stage in each worker. More threads than partitions stay idle."),
        Word("commit", .section("a map"), "When the work done is committed to Postgres."),
        Word(
            "kafka", .section("a map of librdkafka properties"),
            "librdkafka properties of this topology's clients, over the worker's own."),
        Word(
            "sources", .section("a map of names to sources"), required: true,
            "What is read from Kafka. Each source and all processors that it feeds form one stage, with a consumer group, threads and a lag of its own."
        ),
        Word(
            "processors", .section("a map of names to processors"), required: true,
            "What is done with the records, in a tree that begins at a source."),
    ]

    static let commit = [
        Word(
            "interval", .duration(1...3_600_000), default: "100ms",
            "The least time between two commits while records come in. Longer means fewer, larger transactions and later answers."
        ),
        Word(
            "maxRecords", .int(1...1_000_000), default: "1000000",
            "A commit is due at this many records, whatever the interval says."),
        Word(
            "maxBytes", .size(64 << 10...4 << 30), default: "64MiB",
            "A commit is due at this many bytes of samples, twins, states and what is emitted."),
    ]

    static let source = [
        Word(
            "topics", .section("a list of topics"), required: true,
            "The topics to read: names, or maps with `name`, `partitions` and `config`. The topics of one source have equal partition counts, and one thing lies in the same partition of each."
        ),
        Word(
            "format", .choice(RecordFormat.allCases.map(\.rawValue)), required: true,
            "How records are read: `ditto` (Ditto Protocol twin events), `telemetry` (plain telemetry records) or `json`."
        ),
        Word(
            "start", .choice(SourceDefinition.Start.allCases.map(\.rawValue)), default: "earliest",
            "Where to begin when no offset is stored yet."),
        Word(
            "onGap", .choice(SourceDefinition.OnGap.allCases.map(\.rawValue)), default: "fail",
            "What to do where records that were not read yet are gone from the log: `fail` stops the stage, `report` notes the gap in `log_gap` and goes on."
        ),
        Word(
            "idle", .duration(100...86_400_000), default: "5s",
            "Stream time moves on with the clock after this long at the end of the log."),
        Word(
            "onError", .choice(ErrorPolicy.names), default: "deadLetter",
            "What to do with a record that cannot be folded: `deadLetter` sets it aside alone, `park` also makes later records of its thing wait behind it. A record that cannot be decoded always stands aside alone."
        ),
        Word("park", .section("a map"), "How much may wait behind parked records before a task pauses."),
        Word(
            "deadLetterTopic", .bool, default: "true",
            "Dead letters also go to the topic `<topic>.dlq`, with headers that say where they came from and why."),
        Word(
            "cycle", .bool, default: "false",
            "Records that processors made of this source's records may come back to it through topics. Such a circle is refused unless one of its sources says so."
        ),
    ]

    static let park = [
        Word(
            "maxPerThing", .int(1...1_000_000), default: "1000",
            "Most records of one thing that wait; one more pauses the task."),
        Word(
            "max", .int(1...100_000_000), default: "100000",
            "Most records that wait in one task; one more pauses it."),
    ]

    static let topic = [
        Word("name", .topicName, required: true, "The topic's name."),
        Word(
            "partitions", .int(1...10_000),
            "The partitions the topic is created with where it is missing, and must have where it exists; the broker's default where left out."
        ),
        Word(
            "config", .section("a map of topic settings"),
            "Kafka topic configuration used when the topic is created, such as `retention.ms`."),
    ]

    static let processor = [
        Word("kind", .text, required: true, "The processor's kind, one of those below."),
        Word("from", .name, required: true, "The source or processor that feeds it."),
        Word(
            "onError", .choice(ErrorPolicy.names), default: "park",
            "What to do with a record that the processor refuses: `park` sets it aside and makes later records of its thing wait behind it, so that their order holds; `deadLetter` sets it aside alone."
        ),
    ]
}
