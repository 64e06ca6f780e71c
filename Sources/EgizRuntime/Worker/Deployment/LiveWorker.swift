/// A worker as the database knows it.
public struct LiveWorker: Sendable, Equatable {
    public var identity: WorkerIdentity
    /// The only topologies it runs; nil: all that are deployed.
    public var scope: Set<String>?
    /// How long ago it was seen.
    public var silence: Duration
    /// By topology.
    public var reports: [String: TopologyReport]

    /// Workers say that they live at least this often…
    public static let heartbeat = Duration.seconds(1)
    /// …and count as gone after three that did not come.
    public static let patience = heartbeat * 3

    public init(
        identity: WorkerIdentity, scope: Set<String>? = nil, silence: Duration = .zero,
        reports: [String: TopologyReport] = [:]
    ) {
        self.identity = identity
        self.scope = scope
        self.silence = silence
        self.reports = reports
    }

    public var isLive: Bool { silence < Self.patience }

    /// `host, pid 12`, as messages name it.
    public var text: String { "\(identity.host), pid \(identity.processID)" }

    public func serves(_ topology: String) -> Bool { scope?.contains(topology) ?? true }
}
