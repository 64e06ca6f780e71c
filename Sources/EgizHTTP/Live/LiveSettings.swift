/// Bounds of live push.
public struct LiveSettings: Sendable {
    /// What the topics that live push reads begin with: for the `LogTail` of an `APIServer`.
    public static let topicPrefixes = LiveKind.prefixes

    /// Bytes of documents in one page of a snapshot, as they are stored.
    static let pageBytes = 1 << 20

    /// Changes are gathered for this long before they go out together.
    public var tick: Duration = .milliseconds(40)
    /// Bytes that wait for one client at most; beyond that it begins anew.
    public var mostHeldBytes = 1 << 20
    /// Records of each partition that are kept for clients that come back, and bytes of all.
    public var keptRecords = 4096
    public var keptBytes = 64 << 20
    /// A client that has not said who it is by then is let go.
    public var signInDeadline: Duration = .seconds(10)
    /// How often the server looks whether a client is there, and how long one may be silent.
    public var pingInterval: Duration = .seconds(25)
    public var silence: Duration = .seconds(60)
    /// How often rights and tokens are looked at again.
    public var rightsInterval: Duration = .seconds(2)
    /// Bytes of one message of a client, and messages between two pings.
    public var largestMessage = 64 << 10
    public var mostMessages = 100
    /// Bytes of messages that wait while the server asks who the client is, or the client does not read.
    static let earlyBytes = 256 << 10
    /// How long those who come back wait for a server that has just started to reach the log.
    public var readyDeadline: Duration = .seconds(10)
    /// Connections at a time.
    public var mostConnections = 10_000
    /// Snapshots that are read from the database at a time.
    public var snapshotsAtATime = 2
    /// Things in one page of a snapshot.
    public var snapshotPage = 200

    public init() {}
}
