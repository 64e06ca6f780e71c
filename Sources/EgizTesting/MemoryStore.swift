public import EgizCore
public import EgizRuntime
public import EgizTwin
import Foundation

/// The store of the engine in memory, with the fences of rules 1 to 3, and the accidents that a test wants to happen.
///
/// Safe from any thread. Unchecked: all state is guarded by `condition`.
public final class MemoryStore: @unchecked Sendable {
    /// The name of a series.
    public struct Series: Sendable, Hashable {
        public var thing: String
        public var path: String

        public init(_ thing: String, _ path: String) {
            self.thing = thing
            self.path = path
        }
    }

    /// A row of the table `task`.
    public struct TaskRow: Sendable {
        public var ownerEpoch: Int64 = 0
        public var epoch: Int64 = 0
        public var owner: String?
        public var positions: [String: TaskLease.Position] = [:]
        public var streamTime: EventTime?
        public var counters = StepCounters()
        public var log: LogIdentity?
        public var version: Int64 = 0
        public var incarnation: Int32 = 1
        public var transactionalID: String?
        /// Where stream time went on without a record, by the number of records before it.
        public var idle: [Int64: EventTime] = [:]
        public var rules: RulesProgress?
    }

    /// The key of a state.
    struct StateKey: Hashable {
        var stage: StageName
        var processor: String
        var thing: ThingID
    }

    /// The key of a rollup.
    struct RollupKey: Hashable {
        var stage: StageName
        var processor: String
        var thing: ThingID
        var path: String
        var start: EventTime
    }

    /// A dead letter in its row.
    public struct LetterRow: Sendable {
        public var id: Int64
        public var letter: DeadLetter
        public var incarnation: Int32
    }

    /// What somebody asked for.
    struct Request {
        var id: Int64
        var task: TaskID
        var action: RedriveBatch.Action
        var thing: ThingID?
        var rate: Int?
        var upTo: Int64
        var through: Int64 = 0
        var resolved = 0
        var failed = 0
        var isDone = false
    }

    /// What happens to one attempt to commit.
    public enum Accident: Sendable {
        /// Postgres is away before anything is written.
        case failsBeforeLanding
        /// The transaction is committed, its answer never comes.
        case answerIsLost
        /// A data error, SQLSTATE 22.
        case refusesData
    }

    /// What identifies the database.
    public static let databaseID = "memory"

    let condition = NSCondition()
    private var version = 0
    var partitions: [StageName: Int32] = [:]
    var tasks: [TaskID: TaskRow] = [:]
    var twins: [ThingID: TwinRow] = [:]
    /// Every sample ever written, in the order of commits.
    var samples: [Series: [MemorySample]] = [:]
    var letters: [LetterRow] = []
    var nextLetter: Int64 = 1
    var requests: [Request] = []
    var looks = 0
    var states: [StateKey: StateRow] = [:]
    var timers: [TaskID: Set<TaskTimer>] = [:]
    var rollups: [RollupKey: RollupRow] = [:]
    var scenes: [SceneKey: SceneRow] = [:]
    var alerts: [AlertKey: AlertRow] = [:]
    var predictions: [PredictionRow.Key: PredictionRow] = [:]
    var inbox: [InboxMessage] = []
    var nextMessage: Int64 = 1
    var ruleRegistry = RuleRegistry.empty
    var outboxes: [TaskID: [Outbox]] = [:]
    var deadOutputs: [OutputRecord] = []
    var outputs: [OutputRecord] = []
    /// Values of records as text, things of predictions and codes of dead letters that the store refuses as Postgres refuses a value
    /// out of range.
    var poison: Set<String> = []
    var gaps: [LogGap] = []
    var commits: [[TaskAdvance]] = []
    var attempts = 0
    var refusedEpochCount = 0
    var loads: [[ThingID]] = []
    var isAway = false
    var isRegistryAway = false
    var isParkedAway = false
    var isHeld = false
    var held = 0
    var accidents: [Accident] = []
    var failingLoads = 0
    var refusals = 0
    /// Loads of outboxes until one fails.
    var outboxLoadsLeft: Int?
    var outboxFailures = 0
    /// Done once, before outboxes are read.
    var beforeOutboxLoad: (@Sendable () -> Void)?

    public init() {}

    func change<T, E: Error>(_ body: () throws(E) -> T) throws(E) -> T {
        condition.lock()
        defer {
            version += 1
            condition.broadcast()
            condition.unlock()
        }
        return try body()
    }

    func read<T, E: Error>(_ body: () throws(E) -> T) throws(E) -> T {
        condition.lock()
        defer { condition.unlock() }
        return try body()
    }

    /// Waits until `predicate` holds, looking at every change of the store; false at the deadline.
    public func wait(seconds: Double = 10, until predicate: (MemoryStore) -> Bool) -> Bool {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while true {
            let seen = read { version }
            if predicate(self) { return true }
            condition.lock()
            while version == seen {
                guard condition.wait(until: deadline) else { break }
            }
            let hasChanged = version != seen
            condition.unlock()
            if !hasChanged { return predicate(self) }
        }
    }

    // MARK: What is in it

    public func task(_ id: TaskID) -> TaskRow? { read { tasks[id] } }
    public var taskIDs: [TaskID] { read { tasks.keys.sorted() } }
    public func position(of task: TaskID, topic: String) -> Int64? { read { tasks[task]?.positions[topic]?.next.raw } }
    public var allTwins: [ThingID: TwinRow] { read { twins } }
    public func twin(_ thing: ThingID) -> TwinRow? { read { twins[thing] } }
    /// Every sample written to a series, in the order of commits; a repeat shows as a repeat.
    public func writtenSamples(_ series: Series) -> [MemorySample] { read { samples[series] ?? [] } }
    public var allSeries: [Series] { read { Array(samples.keys) } }
    public var allDeadLetters: [DeadLetter] { read { letters.map(\.letter) } }
    public var letterRows: [LetterRow] { read { letters } }
    public var allStates: [StateRow] { read { Array(states.values) } }
    public func allTimers(of task: TaskID) -> [TaskTimer] { read { (timers[task] ?? []).sorted() } }
    /// By thing, path, processor and start.
    public var allRollups: [RollupRow] {
        read {
            rollups.values.sorted {
                ($0.thing, $0.path, $0.processor, $0.start) < ($1.thing, $1.path, $1.processor, $1.start)
            }
        }
    }
    /// Outboxes that nobody has deleted.
    public func pendingOutboxes(of task: TaskID) -> [Outbox] { read { outboxes[task] ?? [] } }
    /// Everything that committed epochs emitted, in order.
    public var emitted: [OutputRecord] { read { outputs } }
    public var allDeadOutputs: [OutputRecord] { read { deadOutputs } }
    public var allGaps: [LogGap] { read { gaps } }
    public var committedEpochs: [[TaskAdvance]] { read { commits } }
    /// How often anybody tried to commit.
    public var commitAttempts: Int { read { attempts } }
    /// How many calls found Postgres away, or a load that failed.
    public var refusedCalls: Int { read { refusals } }
    /// The things of each `loadTwins`.
    public var loadCalls: [[ThingID]] { read { loads } }
    /// The sums of the counters of all tasks of a stage, by name.
    public func counters(of stage: StageName) -> [String: Int64] {
        read {
            var sums: [String: Int64] = [:]
            for (id, row) in tasks where id.stage == stage {
                for (name, value) in row.counters.named { sums[name, default: 0] += value }
            }
            return sums
        }
    }

    /// The samples of a series as a reader sees them: ascending, of equal times the last written (rule 23).
    public func samples(_ series: Series) -> [MemorySample] {
        var last: [Int64: MemorySample] = [:]
        for sample in writtenSamples(series) { last[sample.time] = sample }
        return last.values.sorted { $0.time < $1.time }
    }
}
