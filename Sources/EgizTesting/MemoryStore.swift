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
    var isHeld = false
    var held = 0
    var accidents: [Accident] = []
    var failingLoads = 0
    var refusals = 0
    /// Loads of outboxes until one fails.
    var outboxLoadsLeft: Int?
    var outboxFailures = 0

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

    // MARK: Accidents

    /// Postgres goes away and comes back: every call throws `.postgres`/`.backoff` meanwhile.
    public func setAway(_ away: Bool) { change { isAway = away } }

    /// Only the registry of rules cannot be read meanwhile.
    public func setRegistryAway(_ away: Bool) { change { isRegistryAway = away } }

    /// What happens to the next attempts to commit, one each.
    public func plan(_ accidents: [Accident]) { change { self.accidents += accidents } }

    /// The next `count` loads of twins fail with `.postgres`/`.backoff`.
    public func failLoads(_ count: Int) { change { failingLoads = count } }

    /// So many loads of outboxes succeed, the one after fails with `.postgres`/`.backoff`.
    public func failOutboxLoads(after count: Int) { change { outboxLoadsLeft = count } }
    /// How many did.
    public var failedOutboxLoads: Int { read { outboxFailures } }

    func checkOutboxLoad() throws(EngineError) {
        let fails = change {
            defer { outboxLoadsLeft = outboxLoadsLeft.flatMap { $0 > 0 ? $0 - 1 : nil } }
            guard outboxLoadsLeft == 0 else { return false }
            outboxFailures += 1
            return true
        }
        if fails { throw EngineError(.postgres, .backoff, "Postgres did not answer") }
    }

    /// Commits stop before they write until `letCommitsGo`.
    public func holdCommits() { change { isHeld = true } }
    public func letCommitsGo() { change { isHeld = false } }
    /// Commits that are being held now.
    public var heldCommits: Int { read { held } }

    /// Another worker takes a task over behind everybody's back: the owner is fenced from now on.
    public func steal(_ task: TaskID) {
        change {
            tasks[task]?.ownerEpoch += 1
            tasks[task]?.owner = "thief"
        }
    }

    /// Epochs with a sample of this text are refused as Postgres refuses data, SQLSTATE 22.
    public func refuse(text: String) { change { _ = poison.insert(text) } }
    /// How many epochs were refused for it.
    public var refusedEpochs: Int { read { refusedEpochCount } }

    /// Somebody asks for dead letters to be tried again or dropped; all of the task's, or those parked of one thing.
    public func request(
        _ action: RedriveBatch.Action, of task: TaskID, thing: ThingID? = nil, rate: Int? = nil
    ) {
        change {
            requests.append(
                Request(
                    id: Int64(requests.count + 1), task: task, action: action, thing: thing, rate: rate,
                    upTo: thing == nil ? nextLetter - 1 : .max))
        }
    }

    /// How often an owner looked for requests.
    public var redriveLooks: Int { read { looks } }

    /// Whether every request is done, and what became of the letters.
    public var requestsDone: Bool { read { requests.allSatisfy(\.isDone) } }
    public var requestCounts: (resolved: Int, failed: Int) {
        read { requests.reduce((0, 0)) { ($0.0 + $1.resolved, $0.1 + $1.failed) } }
    }

    /// Somebody edits the value of a letter.
    public func edit(_ letter: Int64, value: [UInt8]) {
        change {
            for index in letters.indices where letters[index].id == letter { letters[index].letter.value = value }
        }
    }

    /// Another stage creates a thing.
    public func put(_ row: TwinRow) { change { twins[row.snapshot.thing] = row } }

    func checkPresence() throws(EngineError) {
        guard read({ isAway }) else { return }
        change { refusals += 1 }
        throw EngineError(.postgres, .backoff, "Postgres is away")
    }
}
