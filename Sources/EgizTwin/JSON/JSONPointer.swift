/// An RFC 6901 JSON pointer, with one extension: `~2` stands for U+0000, which Postgres' text cannot hold.
public struct JSONPointer: Sendable, CustomStringConvertible {
    public var segments: [String]

    public init(segments: [String]) { self.segments = segments }

    /// - Throws: if the text neither is empty nor starts with a slash, or a tilde starts no escape.
    public init(parsing text: String) throws(JSONError) {
        guard !text.utf8.isEmpty else {
            segments = []
            return
        }
        guard text.utf8.first == UInt8(ascii: "/") else {
            throw JSONError("a JSON pointer starts with a slash: \(text)")
        }
        var segments: [String] = []
        var segment: [UInt8] = []
        var isEscape = false
        for byte in text.utf8.dropFirst() {
            if isEscape {
                switch byte {
                case UInt8(ascii: "0"): segment.append(UInt8(ascii: "~"))
                case UInt8(ascii: "1"): segment.append(UInt8(ascii: "/"))
                case UInt8(ascii: "2"): segment.append(0)
                default: throw JSONError("~ is followed by 0, 1 or 2 in a JSON pointer: \(text)")
                }
                isEscape = false
            } else if byte == UInt8(ascii: "~") {
                isEscape = true
            } else if byte == UInt8(ascii: "/") {
                segments.append(String(decoding: segment, as: UTF8.self))
                segment.removeAll(keepingCapacity: true)
            } else {
                segment.append(byte)
            }
        }
        guard !isEscape else { throw JSONError("~ is followed by 0, 1 or 2 in a JSON pointer: \(text)") }
        segments.append(String(decoding: segment, as: UTF8.self))
        self.segments = segments
    }

    public var text: String {
        var bytes: [UInt8] = []
        for segment in segments { Self.append(segment, to: &bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }

    public var description: String { text }

    static func append(_ segment: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "/"))
        for byte in segment.utf8 {
            switch byte {
            case UInt8(ascii: "~"): bytes.append(contentsOf: "~0".utf8)
            case UInt8(ascii: "/"): bytes.append(contentsOf: "~1".utf8)
            case 0: bytes.append(contentsOf: "~2".utf8)
            default: bytes.append(byte)
            }
        }
    }
}

extension JSONPointer: Hashable {
    public static func == (a: JSONPointer, b: JSONPointer) -> Bool {
        a.segments.count == b.segments.count && zip(a.segments, b.segments).allSatisfy { UTF8Text.equal($0, $1) }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(segments.count)
        for segment in segments { hasher.combine(UTF8Text.hash(segment)) }
    }
}
