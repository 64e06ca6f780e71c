public import EgizTwin

/// A source: topics read by one consumer group, their format, and what to do at the edges of the log.
public struct SourceDefinition: Sendable {
    public enum Start: String, Sendable, CaseIterable { case earliest, latest }
    public enum OnGap: String, Sendable, CaseIterable { case fail, report }

    public struct Topic: Sendable {
        public var name: String
        /// The partitions the topic is created with where it is missing; nil: the broker's default.
        public var partitions: Int32?
        /// Kafka topic configuration used when it is created, such as `retention.ms`.
        public var config: [String: String]
        public var mark: SourceMark

        public init(name: String, partitions: Int32?, config: [String: String], mark: SourceMark) {
            self.name = name
            self.partitions = partitions
            self.config = config
            self.mark = mark
        }
    }

    public var name: String
    public var topics: [Topic]
    public var format: RecordFormat
    /// Where to begin when no offset is stored.
    public var start: Start
    public var onGap: OnGap
    /// Stream time advances after this long at the end of the log (rule 16).
    public var idle: Duration
    /// What becomes of a record that cannot be folded: stands aside alone, or parks its thing. What cannot be decoded, or belongs
    /// elsewhere, always stands aside.
    public var onError: DeadLetter.Disposition
    /// How much may be parked in each task before it pauses.
    public var park: ParkLimits
    /// Dead letters also go to the topic `<topic>.dlq`.
    public var deadLetterTopic: Bool
    /// Records that came of its own records may come back to it (rule 21).
    public var mayCycle: Bool
    public var mark: SourceMark

    public init(
        name: String, topics: [Topic], format: RecordFormat, start: Start, onGap: OnGap, idle: Duration,
        onError: DeadLetter.Disposition = .dead, park: ParkLimits = .standard, deadLetterTopic: Bool = true,
        mayCycle: Bool = false, mark: SourceMark
    ) {
        self.name = name
        self.topics = topics
        self.format = format
        self.start = start
        self.onGap = onGap
        self.idle = idle
        self.onError = onError
        self.park = park
        self.deadLetterTopic = deadLetterTopic
        self.mayCycle = mayCycle
        self.mark = mark
    }
}
