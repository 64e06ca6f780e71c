import CRdkafka
import EgizCore

/// A `rd_kafka_conf_t` until `rd_kafka_new` takes it over; freed where that never happens.
struct ConfigHandle: ~Copyable {
    private(set) var raw: OpaquePointer

    init() { raw = rd_kafka_conf_new() }

    deinit { rd_kafka_conf_destroy(raw) }

    /// Sets one property. The message of a failure never repeats the value: it may be a secret.
    func set(_ name: String, _ value: String) throws(EngineError) {
        var errstr = [CChar](repeating: 0, count: 256)
        switch rd_kafka_conf_set(raw, name, value, &errstr, errstr.count) {
        case RD_KAFKA_CONF_OK: return
        case RD_KAFKA_CONF_UNKNOWN:
            throw EngineError(
                .config, .stop,
                "librdkafka \(KafkaVersion.text) knows no property \"\(name)\"; correct it under `kafka:` "
                    + "(the names are those of librdkafka's CONFIGURATION.md)")
        default:
            throw EngineError(
                .config, .stop,
                "librdkafka refuses the value of the property \"\(name)\"; correct it under `kafka:` "
                    + "(ranges are in librdkafka's CONFIGURATION.md)")
        }
    }

    func set(_ properties: [String: String]) throws(EngineError) {
        for (name, value) in properties.sorted(by: { $0.key < $1.key }) { try set(name, value) }
    }

    /// Gives the raw configuration away; the receiver owns it. A copy, so that a failed `rd_kafka_new` cannot free it twice.
    func duplicate() -> OpaquePointer { rd_kafka_conf_dup(raw) }
}
