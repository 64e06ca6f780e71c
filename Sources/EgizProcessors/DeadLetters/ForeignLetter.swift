import EgizCore
import EgizTwin

/// What a dead letter of some system says of itself, in the headers of ours, of Kafka Connect, or of Spring Kafka.
struct ForeignLetter {
    static let retryHeader = "egiz-retry"

    private static let codes = [
        "egiz-dlq-code", "__connect.errors.exception.class.name", "kafka_dlt-exception-cause-fqcn",
        "kafka_dlt-exception-fqcn",
    ]
    private static let messages = [
        "egiz-dlq-message", "__connect.errors.exception.message", "kafka_dlt-exception-message",
    ]
    private static let origins = ["egiz-dlq-topic", "__connect.errors.topic", "kafka_dlt-original-topic"]

    let code: String
    let message: String
    let thing: ThingID?
    /// How often it was tried again before.
    let attempts: Int

    init(_ record: InputRecord) {
        func first(_ names: [String]) -> String? {
            names.lazy.compactMap { record.header($0) }.first { !$0.utf8.isEmpty }
        }
        code = Self.bounded(first(Self.codes) ?? "unknown", 200)
        let origin = first(Self.origins).map { " (of \(Self.bounded($0, 249)))" } ?? ""
        message = Self.bounded(first(Self.messages) ?? "the letter does not say why", 4000) + origin
        thing =
            record.header("egiz-dlq-thing").flatMap { try? ThingID(validating: $0) }
            ?? record.key.flatMap { try? ThingID(validating: String(decoding: $0, as: UTF8.self)) }
        attempts = record.header(Self.retryHeader).flatMap { Int($0) }.map { min(max($0, 0), 1_000_000) } ?? 0
    }

    /// Headers that are about the letter and not of the record.
    static func isNote(_ name: String) -> Bool {
        name == retryHeader || name == "egiz-id" || name == "egiz-db" || name == "egiz-late"
            || name.hasPrefix("egiz-dlq-")
    }

    /// At most so many bytes, at the end of a character.
    private static func bounded(_ text: String, _ most: Int) -> String {
        guard text.utf8.count > most else { return text }
        var result = String.UnicodeScalarView()
        var bytes = 0
        for scalar in text.unicodeScalars {
            bytes += UTF8.width(scalar)
            if bytes > most { break }
            result.append(scalar)
        }
        return String(result)
    }
}
