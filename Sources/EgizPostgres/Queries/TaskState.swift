public import EgizCore
public import EgizTwin

/// One task: who has it and how far it is.
public struct TaskState: Sendable {
    public struct Owner: Sendable, Equatable {
        /// The worker's UUID.
        public var worker: String
        public var host: String?
        public var processID: Int64?

        public init(worker: String, host: String?, processID: Int64?) {
            self.worker = worker
            self.host = host
            self.processID = processID
        }
    }

    public struct Offset: Sendable, Equatable {
        public var topic: String
        public var next: NextOffset

        public init(topic: String, next: NextOffset) {
            self.topic = topic
            self.next = next
        }
    }

    public var partition: Int32
    /// Nil where no worker has it at the moment.
    public var owner: Owner?
    public var ownerEpoch: Int64
    /// The last committed epoch.
    public var epoch: Int64
    public var lastCommit: EventTime?
    public var streamTime: EventTime?
    public var counters: StepCounters
    /// Ascending by topic.
    public var offsets: [Offset]

    public init(
        partition: Int32, owner: Owner?, ownerEpoch: Int64, epoch: Int64, lastCommit: EventTime?,
        streamTime: EventTime?,
        counters: StepCounters, offsets: [Offset] = []
    ) {
        self.partition = partition
        self.owner = owner
        self.ownerEpoch = ownerEpoch
        self.epoch = epoch
        self.lastCommit = lastCommit
        self.streamTime = streamTime
        self.counters = counters
        self.offsets = offsets
    }
}
