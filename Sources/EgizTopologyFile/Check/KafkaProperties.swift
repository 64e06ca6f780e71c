import EgizCore

/// Reads `kafka: {…}`: librdkafka properties, with `${NAME}` taken from the environment, without those that the engine
/// owns and without secrets in the file.
struct KafkaProperties {
    let environment: [String: String]
    /// The properties that librdkafka has; empty where nobody said.
    let known: [String]
    let faults: FaultList

    /// Properties that the engine sets itself, with what to do instead.
    static let owned: [String: String] = [
        "group.id": "a stage's group is `<topology>.<source>`",
        "transactional.id": "the engine derives it from the group, the worker and the thread",
        "enable.auto.commit": "positions are kept in Postgres",
        "auto.commit.interval.ms": "positions are kept in Postgres; see `spec.commit.interval`",
        "auto.commit.enable": "positions are kept in Postgres",
        "auto.offset.reset": "use `start` and `onGap` of the source",
        "enable.auto.offset.store": "positions are kept in Postgres",
        "partition.assignment.strategy": "the topics of a source must be assigned alike",
        "enable.idempotence": "use `spec.delivery`",
        "isolation.level": "the engine reads committed records only",
        "partitioner": "records of one thing must lie where every other client puts them (`murmur2_random`)",
        "bootstrap.servers": "set EGIZ_KAFKA_BROKERS for the worker",
        "metadata.broker.list": "set EGIZ_KAFKA_BROKERS for the worker",
    ]

    /// True where the value must never stand in a file nor in anything printed.
    static func isSecret(_ name: String) -> Bool {
        name.contains("password") || name.contains("secret") || name == "ssl.key.pem"
            || name == "sasl.oauthbearer.config"
    }

    func read(_ value: ConfigValue) -> [String: String] {
        guard case .map(let members) = value.content else {
            faults.error(
                at: value.mark, "`spec.kafka`: found \(value.found), expected a map of librdkafka properties")
            return [:]
        }
        var properties: [String: String] = [:]
        for member in members {
            guard let value = property(member.key, member.mark, member.value) else { continue }
            properties[member.key] = value
        }
        return properties
    }

    private func property(_ name: String, _ mark: SourceMark, _ value: ConfigValue) -> String? {
        guard NameRule.isProperty(name) else {
            faults.error(
                at: mark,
                "`spec.kafka`: found \"\(name.shortened)\", expected a librdkafka property such as `security.protocol`")
            return nil
        }
        if let reason = Self.owned[name] {
            faults.error(at: mark, "`spec.kafka.\(name)` is set by the engine, remove it: \(reason)")
            return nil
        }
        if !known.isEmpty, !known.contains(name) {
            faults.warning(
                at: mark,
                "`spec.kafka.\(name)`: librdkafka knows no such property\(ValueCheck.hint(for: name, among: known))")
        }
        guard let text = value.scalarText else {
            faults.error(
                at: value.mark, "`spec.kafka.\(name)`: found \(value.found), expected a text, a number, true or false")
            return nil
        }
        if Self.isSecret(name), !Self.isReference(text) {
            // The value is not repeated: errors are logged.
            faults.error(
                at: value.mark,
                "`spec.kafka.\(name)` is a secret and must not stand in the file; write \"${\(Self.variable(for: name))}\" and set that environment variable"
            )
            return nil
        }
        return substitute(text, name, value.mark)
    }

    static func variable(for property: String) -> String {
        "KAFKA_" + property.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
    }

    private static func isVariableByte(_ byte: UInt8, first: Bool) -> Bool {
        switch byte {
        case 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"): true
        case 0x30...0x39: !first
        default: false
        }
    }

    /// True for exactly one `${NAME}`.
    private static func isReference(_ text: String) -> Bool {
        guard text.hasPrefix("${"), text.hasSuffix("}") else { return false }
        let name = Array(text.utf8.dropFirst(2).dropLast())
        return !name.isEmpty && name.indices.allSatisfy { isVariableByte(name[$0], first: $0 == 0) }
    }

    /// Puts the environment's values in; a variable that is not set or a reference that does not close is a fault.
    private func substitute(_ text: String, _ name: String, _ mark: SourceMark) -> String? {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        var good = true
        while let byte = rest.first {
            guard byte == UInt8(ascii: "$"), rest.dropFirst().first == UInt8(ascii: "{") else {
                result.append(byte)
                rest.removeFirst()
                continue
            }
            rest.removeFirst(2)
            guard let close = rest.firstIndex(of: UInt8(ascii: "}")) else {
                faults.error(at: mark, "`spec.kafka.\(name)`: a `${` has no `}`, expected \"${NAME}\"")
                return nil
            }
            let variable = Array(rest[..<close])
            rest = rest[(close + 1)...]
            guard !variable.isEmpty,
                variable.indices.allSatisfy({ Self.isVariableByte(variable[$0], first: $0 == 0) })
            else {
                faults.error(
                    at: mark,
                    "`spec.kafka.\(name)`: found `${…}` without a variable's name, expected \"${NAME}\" of letters, digits and `_`"
                )
                good = false
                continue
            }
            let key = String(decoding: variable, as: UTF8.self)
            if let value = environment[key] {
                result.append(contentsOf: value.utf8)
            } else {
                faults.error(at: mark, "`spec.kafka.\(name)`: the environment variable \(key) is not set; set it")
                good = false
            }
        }
        return good ? String(decoding: result, as: UTF8.self) : nil
    }
}
