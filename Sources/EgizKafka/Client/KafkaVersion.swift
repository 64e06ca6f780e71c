import CRdkafka

/// The librdkafka this process runs with (not the one it was compiled against).
enum KafkaVersion {
    static var text: String { String(cString: rd_kafka_version_str()) }

    /// Whether the library is at least `major.minor.patch`.
    static func isAtLeast(_ major: Int32, _ minor: Int32, _ patch: Int32) -> Bool {
        // 0xMMmmrrxx, xx = 0xff for a release.
        rd_kafka_version() >> 8 >= (major << 16 | minor << 8 | patch)
    }
}
