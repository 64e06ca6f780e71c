import EgizCore
import EgizHTTP
import EgizKafka
import Logging

extension Program {
    /// What reads the notifications for live push.
    static func tail(
        _ brokers: String, _ settings: Settings, _ configuration: APIConfiguration, _ logger: Logger
    ) throws(EngineError) -> KafkaTail {
        try KafkaTail(
            brokers: brokers, properties: settings.kafkaProperties, prefixes: LiveSettings.topicPrefixes,
            behind: configuration.live.keptRecords, log: logger)
    }
}
