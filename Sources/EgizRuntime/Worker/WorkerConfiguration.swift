/// What a worker needs to know besides its topologies; the defaults live here and nowhere else.
public struct WorkerConfiguration: Sendable {
    /// How long a drain may take at shutdown; a revocation takes at most half the session timeout as well (rule 8).
    public var shutdownGrace: Duration = .seconds(4)
    /// The consumer groups' session timeout: how long a dead worker keeps its tasks.
    public var sessionTimeout: Duration = .seconds(10)
    /// How long a commit that was given up in a rebalance may hang before its thread is left behind.
    public var hangingCommit: Duration = .seconds(30)
    /// Beyond so many paths a stream thread begins with fresh tables and caches.
    public var mostPaths = 500_000
    /// Upper bound of the twin cache of each stream thread, in estimated bytes.
    public var cacheBytes = 256 << 20
    /// At most so many bytes of a stream thread may be committed and not yet in Kafka; beyond, it takes no records (rule 12).
    public var mostUnpublished = 64 << 20
    /// Most records taken from the consumer at a time.
    public var pollLimit = 4096
    /// How often a stream thread looks for redrive requests.
    public var redriveInterval: Duration = .milliseconds(500)
    /// How often a stream thread of a stage with rules looks for another registry.
    public var registryInterval: Duration = .milliseconds(500)
    /// Where stream threads leave the place of the record under way (rule 7); nil: nowhere.
    public var guardFolder: String?
    /// librdkafka properties for every client; a topology's own win over them.
    public var kafka: [String: String] = [:]

    public init() {}
}
