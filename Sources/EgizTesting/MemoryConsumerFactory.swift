public import EgizCore
public import EgizRuntime

/// Opens members of groups on one `MemoryLog`.
public struct MemoryConsumerFactory: LogConsumerFactory {
    private let log: MemoryLog

    public init(log: MemoryLog) { self.log = log }

    public func open(group: String, topics: [String], properties: [String: String]) throws(EngineError)
        -> any LogConsumer
    {
        MemoryConsumer(log: log, group: group, topics: topics)
    }
}
