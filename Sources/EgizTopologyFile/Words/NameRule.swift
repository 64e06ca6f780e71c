/// What may be called what.
enum NameRule {
    static let namePattern = "[a-z][a-z0-9-]{0,62}"
    static let topicPattern = "[a-zA-Z0-9._-]{1,249}"
    static let propertyPattern = "[a-z][a-z0-9._]{0,127}"

    private static func isLower(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// Names of topologies, sources and processors: they become consumer groups, file names and URL segments.
    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLower(first), text.utf8.count <= 63 else { return false }
        return text.utf8.allSatisfy { isLower($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    /// Kafka's rule for topics.
    static func isTopic(_ text: String) -> Bool {
        guard (1...249).contains(text.utf8.count), text != ".", text != ".." else { return false }
        return text.utf8.allSatisfy {
            isLower($0) || isDigit($0) || (0x41...0x5A).contains($0) || $0 == UInt8(ascii: ".")
                || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
        }
    }

    /// Names of librdkafka properties and of Kafka's topic configuration.
    static func isProperty(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLower(first), text.utf8.count <= 128 else { return false }
        return text.utf8.allSatisfy {
            isLower($0) || isDigit($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_")
        }
    }
}
