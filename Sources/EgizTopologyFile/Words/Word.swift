import EgizCore

/// One YAML word: what may stand behind it, its default, and what it means. Checking, the JSON Schema and the reference all
/// derive from it.
package struct Word: Sendable {
    /// What may stand behind a word.
    package enum Shape: Sendable {
        /// A name of ours.
        case name
        case topicName
        case text
        case bool
        case int(ClosedRange<Int64>)
        /// In milliseconds.
        case duration(ClosedRange<Int64>)
        /// In bytes.
        case size(ClosedRange<Int64>)
        case globs
        case choice([String])
        case texts
        case number
        case expression(allowsValue: Bool)
        case path
        case template(allowsValue: Bool)
        /// A text, a number, true, false, or a list of numbers.
        case value
        case pair
        case values
        case map([Word])
        case list(noun: String, [Word])
        case model
        case node
        /// A map or list with words of its own; described here, read by its own reader.
        case section(String)

        init(_ kind: KindSpec.Field.Kind) {
            switch kind {
            case .string: self = .text
            case .bool: self = .bool
            case .int(let range): self = .int(range)
            case .duration: self = .duration(0...Int64.max)
            case .size: self = .size(0...Int64.max)
            case .globs: self = .globs
            case .choice(let words): self = .choice(words)
            case .texts: self = .texts
            case .topic: self = .topicName
            case .number: self = .number
            case .expression(let allowsValue): self = .expression(allowsValue: allowsValue)
            case .path: self = .path
            case .template(let allowsValue): self = .template(allowsValue: allowsValue)
            case .value: self = .value
            case .pair: self = .pair
            case .values: self = .values
            case .map(let fields): self = .map(fields.map { Word($0) })
            case .list(let noun, let fields): self = .list(noun: noun, fields.map { Word($0) })
            case .model: self = .model
            case .node: self = .node
            }
        }

        /// What is expected, for errors and the reference.
        package var expected: String {
            switch self {
            case .name: "a name of small letters, digits and dashes that begins with a letter, at most 63 characters"
            case .topicName: "a Kafka topic name: letters, digits, `.`, `_` and `-`, at most 249 characters"
            case .text: "a text"
            case .bool: "true or false"
            case .int(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
            case .duration(let range):
                "a duration such as \"10s\", \"250ms\", \"5m\", \"2h\" or \"90d\""
                    + Self.bounds(range, DurationText.text(milliseconds:))
            case .size(let range):
                "a size such as \"64MiB\", \"1KiB\" or \"2GiB\"" + Self.bounds(range, SizeText.text(bytes:))
            case .globs: "a list of path patterns such as \"/features/*/properties/**\""
            case .choice(let words): Self.list(words)
            case .texts: "a list of texts"
            case .number: "a number"
            case .expression: "an expression such as \"features.filler.temperature > 80\""
            case .path: "a path such as \"features.filler.temperature\" or \"/features/filler/properties/temperature\""
            case .template: "a text such as \"{features.filler.temperature:.1} °C\""
            case .value: "a text, a number, true, false or a list of numbers"
            case .pair: "a list of two values"
            case .values: "a map of texts to values"
            case .map(let words): Self.with("a map", words)
            case .list(let noun, let words): Self.with("a list, each \(noun) a map", words)
            case .model: "the name of a .gltf or .glb file, from the folder of the topology file"
            case .node: "the name of an object of the 3D model"
            case .section(let what): what
            }
        }

        private static func with(_ what: String, _ words: [Word]) -> String {
            let names = words.filter(\.required).map { "`\($0.name)`" }
            return names.isEmpty ? what : "\(what) with " + names.joined(separator: " and ")
        }

        private static func bounds(_ range: ClosedRange<Int64>, _ text: (Int64) -> String) -> String {
            range.upperBound == Int64.max ? "" : " from \(text(range.lowerBound)) to \(text(range.upperBound))"
        }

        /// `` `a`, `b` or `c` ``; of very many only the first.
        package static func list(_ words: [String]) -> String {
            guard words.count <= 20 else {
                return words.prefix(20).map { "`\($0.shortened)`" }.joined(separator: ", ") + " …"
            }
            let quoted = words.map { "`\($0.shortened)`" }
            guard let last = quoted.last, quoted.count > 1 else { return quoted.first ?? "nothing" }
            return quoted.dropLast().joined(separator: ", ") + " or " + last
        }
    }

    package let name: String
    package let shape: Shape
    package let required: Bool
    /// The default as it would be written in YAML; nil: none.
    let defaultText: String?
    package let summary: String

    package init(_ name: String, _ shape: Shape, required: Bool = false, default: String? = nil, _ summary: String) {
        self.name = name
        self.shape = shape
        self.required = required
        self.defaultText = `default`
        self.summary = summary
    }

    init(_ field: KindSpec.Field) {
        self.init(
            field.name, Shape(field.kind), required: field.required, default: field.defaultText, field.summary)
    }
}
