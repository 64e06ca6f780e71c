import EgizPostgres
import EgizTwin

/// Reads a filter in the part of RQL that Ditto's search has: `and(eq(definition,"x:y:1"),gt(features/a/properties/t,50))`.
struct FilterParser {
    /// What is wrong with a filter, in words.
    struct SyntaxError: Error, Equatable {
        var message: String
    }

    private static let mostComparisons = 100
    private static let deepest = 16
    private static let words = [
        "and", "or", "not", "eq", "ne", "gt", "ge", "lt", "le", "in", "like", "ilike", "exists",
    ]

    private let bytes: [UInt8]
    private var position = 0

    static func parse(_ text: String) throws(SyntaxError) -> TwinFilter {
        var parser = FilterParser(bytes: Array(text.utf8))
        let filter = try parser.expression(depth: 1)
        parser.skipBlanks()
        guard parser.position == parser.bytes.count else { throw parser.error("there is something after the filter") }
        guard filter.size <= mostComparisons else {
            throw SyntaxError(message: "filter has more than \(mostComparisons) comparisons.")
        }
        return filter
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func error(_ what: String) -> SyntaxError {
        SyntaxError(message: "filter: \(what), at byte \(position + 1).")
    }

    // MARK: Grammar

    private mutating func expression(depth: Int) throws(SyntaxError) -> TwinFilter {
        guard depth <= Self.deepest else { throw error("it goes deeper than \(Self.deepest) levels") }
        let start = position
        let word = try name()
        guard Self.words.contains(word) else {
            position = start
            throw error("expected one of \(Self.words.joined(separator: ", "))")
        }
        try expect("(")
        let filter: TwinFilter
        switch word {
        case "and": filter = .and(try expressions(depth: depth + 1))
        case "or": filter = .or(try expressions(depth: depth + 1))
        case "not": filter = .not(try expression(depth: depth + 1))
        case "exists": filter = .exists(try property())
        case "in":
            let property = try property()
            try expect(",")
            var values = [try value(of: property)]
            while take(",") { values.append(try value(of: property)) }
            filter = .among(property, values)
        case "like", "ilike":
            let property = try property()
            try expect(",")
            guard case .text(let pattern) = try value() else { throw error("\(word) needs a text in quotes") }
            filter = .like(property, pattern, ignoresCase: word == "ilike")
        default:
            let property = try property()
            try expect(",")
            let comparison = Self.comparison(word)
            let value = try value(of: property)
            if property == .type, comparison != .equal, comparison != .notEqual {
                throw error("types are compared with eq, ne and in")
            }
            filter = .compare(property, comparison, value)
        }
        try expect(")")
        return filter
    }

    private mutating func expressions(depth: Int) throws(SyntaxError) -> [TwinFilter] {
        var parts = [try expression(depth: depth)]
        while take(",") { parts.append(try expression(depth: depth)) }
        return parts
    }

    private static func comparison(_ word: String) -> TwinFilter.Comparison {
        switch word {
        case "eq": .equal
        case "ne": .notEqual
        case "gt": .greater
        case "ge": .atLeast
        case "lt": .less
        default: .atMost
        }
    }

    // MARK: Words

    private mutating func name() throws(SyntaxError) -> String {
        skipBlanks()
        let start = position
        while position < bytes.count, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(bytes[position]) {
            position += 1
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// A path as `thingId`, `/features/a/properties/b`, `attributes/a`, `metadata/hall`; `~0` and `~1` as in a JSON pointer.
    private mutating func property() throws(SyntaxError) -> TwinFilter.Property {
        skipBlanks()
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: ","), bytes[position] != UInt8(ascii: ")") {
            position += 1
        }
        var text = bytes[start..<position]
        while text.last == UInt8(ascii: " ") { text.removeLast() }
        guard let path = String(validating: text, as: UTF8.self) else { throw error("the property is no UTF-8") }
        let pointer = path.utf8.first == UInt8(ascii: "/") ? path : "/" + path
        let segments: [String]
        do throws(JSONError) { segments = try JSONPointer(parsing: pointer).segments } catch {
            throw SyntaxError(message: "filter: \(error.message).")
        }
        guard segments.allSatisfy({ !$0.isEmpty && !$0.utf8.contains(0) }), segments.count <= 64 else {
            throw error("the property has an empty name, or more than 64 of them")
        }
        return try property(segments, path)
    }

    private func property(_ segments: [String], _ path: String) throws(SyntaxError) -> TwinFilter.Property {
        if segments.count == 1 {
            switch segments[0] {
            case "thingId": return .thingID
            case "namespace": return .namespace
            case "definition": return .definition
            case "type": return .type
            case "_revision": return .revision
            case "_created": return .created
            case "_modified": return .modified
            case "policyId", "attributes", "features", "_metadata": return .document(segments)
            case "metadata": return .metadata([])
            default: break
            }
        }
        switch segments[0] {
        case "attributes", "features", "_metadata": return .document(segments)
        case "metadata": return .metadata(Array(segments.dropFirst()))
        default:
            throw error(
                """
                there is no property \(path.prefix(80)); known are thingId, namespace, definition, type, policyId, _revision, \
                _created, _modified, attributes/…, features/… and metadata/…
                """)
        }
    }

    // MARK: Values

    /// Times are checked here: Postgres would refuse the whole question.
    private mutating func value(of property: TwinFilter.Property) throws(SyntaxError) -> TwinFilter.Value {
        let value = try value()
        guard property == .created || property == .modified else { return value }
        guard case .text(let text) = value, let time = TimeText.parse(text), time >= .earliest, time <= .latest else {
            throw error("it needs a time in quotes, such as \"2026-01-31T12:00:00Z\"")
        }
        return .text(time.text)
    }

    private mutating func value() throws(SyntaxError) -> TwinFilter.Value {
        skipBlanks()
        guard position < bytes.count else { throw error("a value is missing") }
        let quote = bytes[position]
        if quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") { return .text(try quoted(quote)) }
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: ","), bytes[position] != UInt8(ascii: ")") {
            position += 1
        }
        var word = bytes[start..<position]
        while word.last == UInt8(ascii: " ") { word.removeLast() }
        switch String(decoding: word, as: UTF8.self) {
        case "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        case let text:
            guard let number = Double(text), number.isFinite,
                text.utf8.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) })
            else {
                position = start
                throw error("a value is a number, true, false, null, or a text in quotes")
            }
            return .number(number)
        }
    }

    /// A text in one of the two quotes; a backslash takes the next character as it is.
    private mutating func quoted(_ quote: UInt8) throws(SyntaxError) -> String {
        position += 1
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == quote {
                guard let result = String(validating: text, as: UTF8.self), !text.contains(0) else {
                    throw error("the text is no UTF-8, or has U+0000")
                }
                return result
            }
            if byte == UInt8(ascii: "\\") {
                guard position < bytes.count else { break }
                text.append(bytes[position])
                position += 1
            } else {
                text.append(byte)
            }
        }
        throw error("a quote is never closed")
    }

    private mutating func skipBlanks() {
        while position < bytes.count, bytes[position] == UInt8(ascii: " ") { position += 1 }
    }

    private mutating func take(_ character: Character) -> Bool {
        skipBlanks()
        guard position < bytes.count, bytes[position] == character.asciiValue else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Character) throws(SyntaxError) {
        guard take(character) else { throw error("expected \(character)") }
    }
}
