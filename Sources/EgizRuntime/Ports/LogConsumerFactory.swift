public import EgizCore

/// Opens consumers; one a stream thread. Safe from any thread.
public protocol LogConsumerFactory: Sendable {
    /// A member of `group` that reads `topics`; not connected before the first call. `sessionTimeout` is the group's.
    /// `properties` are librdkafka's own, from the topology's or the configuration's `kafka:` and win over our defaults.
    func open(group: String, topics: [String], properties: [String: String]) throws(EngineError) -> any LogConsumer
}
