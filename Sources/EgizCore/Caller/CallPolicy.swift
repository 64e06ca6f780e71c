/// How calls are made; the defaults live here and nowhere else. `concurrency`, `rate` and the breaker hold for the whole stage in a
/// worker, whatever its number of stream threads; records that are taken in and not done count for each thread.
public struct CallPolicy: Sendable, Equatable {
    /// Records in a call at most, how long the first of them waits for others, and the bytes of a body.
    public var batchSize = 1
    public var batchDelay: Duration = .zero
    public var batchBytes = 1 << 20
    /// Calls under way in each lane.
    public var concurrency = 4
    public var timeout: Duration = .seconds(10)
    /// Tries until an answer of no use counts as one.
    public var attempts = 3
    /// Tries until somebody who is away counts as gone, and his records become dead letters; nil: never.
    public var mostAttempts: Int?
    /// Where records fail and nothing else is asked, the question that was answered last is asked again: it shows whose fault it is. Only
    /// where a call that is repeated does no harm.
    public var asksAgain = false
    /// Before anything was answered: how long a service may answer records with errors of its own while it says that it is well, until
    /// the records count as the fault; and how long a gateway may refuse a record while others are answered. Nil: for ever.
    public var poisonAfter: Duration?
    /// The wait before the second try, which doubles up to the longest; each with jitter.
    public var retryFirst: Duration = .milliseconds(200)
    public var retryMost: Duration = .seconds(10)
    /// Failures in a row after which a lane is left alone, and for how long.
    public var breakerFailures = 5
    public var breakerPause: Duration = .seconds(5)
    /// Calls a second in each lane; nil: no limit.
    public var rate: Double?
    /// A record that is so much older than the newest of its partition is not asked about any more (microseconds); nil: all are.
    public var maxAge: Int64?
    /// How long a record waits for its shadows when the first lane is done.
    public var shadowWait: Duration = .seconds(1)
    /// Records and their bytes that are taken in and not done; beyond, no more are taken.
    public var maxOpen = 4096
    public var maxOpenBytes = 64 << 20
    public var maxAnswerBytes = 4 << 20
    /// No record is asked about before those of its key that came earlier are done.
    public var keepsOrder = false

    public init() {}

    /// About one call a day: far less would be a wait beyond what durations hold.
    private static let leastRate = 0.000_01

    /// The YAML words of every caller; `policy(_:)` reads them.
    public static let fields: [KindField] = [
        .init(
            "timeout", .duration, default: "10s",
            "How long a call may take, from its start to the last byte of the answer."),
        .init("concurrency", .int(1...1000), default: "4", "Calls under way at most, in each worker."),
        .init(
            "retry",
            .map([
                .init("attempts", .int(1...100), default: "3", "Tries until an answer of no use makes dead letters."),
                .init("first", .duration, default: "200ms", "The wait before the second try; it doubles, with jitter."),
                .init("most", .duration, default: "10s", "The longest wait between two tries."),
            ]), "How calls are tried again."),
        .init(
            "breaker",
            .map([
                .init("failures", .int(1...1000), default: "5", "Failures in a row after which no call is made."),
                .init("pause", .duration, default: "5s", "How long; then one call tries whether it is over."),
            ]), "The circuit breaker, one for each of those that are called."),
        .init("rate", .number, "Calls a second at most, in each worker; without it, no limit."),
        .init(
            "maxAge", .duration,
            "A record that is so much older than the newest one read of its partition is not asked about any more; without it, all are."
        ),
        .init("maxAnswer", .size, default: "4MiB", "Bytes of an answer at most."),
    ]

    /// Reads the words of `fields` that are there.
    public static func policy(_ reader: SettingsReader) throws(TopologyFaults) -> CallPolicy {
        var policy = CallPolicy()
        if let timeout = try reader.duration("timeout") {
            guard timeout > 0 else { throw reader.fault("timeout", "a time above 0") }
            policy.timeout = .microseconds(timeout)
        }
        if let number = try reader.integer("concurrency") { policy.concurrency = number }
        if let retry = try reader.map("retry") {
            if let number = try retry.integer("attempts") { policy.attempts = number }
            if let first = try retry.duration("first") { policy.retryFirst = .microseconds(max(first, 1000)) }
            if let most = try retry.duration("most") { policy.retryMost = .microseconds(max(most, 1000)) }
            guard policy.retryFirst <= policy.retryMost else {
                throw retry.fault("first", "at most `most`")
            }
        }
        if let breaker = try reader.map("breaker") {
            if let number = try breaker.integer("failures") { policy.breakerFailures = number }
            if let pause = try breaker.duration("pause") { policy.breakerPause = .microseconds(pause) }
        }
        if let rate = try reader.number("rate") {
            guard rate >= leastRate, rate <= 1_000_000 else {
                throw reader.fault("rate", "a number above 0: from 0.00001 to 1000000 calls a second")
            }
            policy.rate = rate
        }
        policy.maxAge = try reader.duration("maxAge")
        if let bytes = try reader.integer("maxAnswer") { policy.maxAnswerBytes = max(bytes, 1) }
        return policy
    }
}
