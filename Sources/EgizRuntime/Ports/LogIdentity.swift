/// What tells one log from another (contract 8, rule 15): the same topic names on another cluster are other records.
public struct LogIdentity: Sendable, Hashable, Codable {
    /// Kafka's cluster id.
    public var clusterID: String
    /// The uuid in the name of the topic `__egiz_log_<uuid>` where the embedded broker runs (its cluster id is a heap
    /// address and can repeat); nil for a real Kafka.
    public var embeddedLog: String?

    public init(clusterID: String, embeddedLog: String?) {
        self.clusterID = clusterID
        self.embeddedLog = embeddedLog
    }

    public var isEmbedded: Bool { embeddedLog != nil }

    /// One log, as far as it can be told.
    public func isSameLog(as other: LogIdentity) -> Bool {
        if let embeddedLog { return embeddedLog == other.embeddedLog }
        return other.embeddedLog == nil && clusterID == other.clusterID
    }
}
