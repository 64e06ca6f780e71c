public import EgizCore
public import EgizRuntime
public import Logging

public struct KafkaOutputProducerFactory: OutputProducerFactory {
    public init(brokers: String, properties: [String: String] = [:], log: Logger) {}
    public func openOutput(transactionalID: String?, properties: [String: String]) throws(EngineError)
        -> any OutputProducer
    {
        throw EngineError(.bug, .stop, "not there yet")
    }
    public func fence(transactionalID: String, properties: [String: String]) throws(EngineError) {}
    public func largestRecord(properties: [String: String]) -> Int { 1_000_000 }
}
