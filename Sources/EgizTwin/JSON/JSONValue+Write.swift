extension JSONValue {
    /// Compact JSON.
    public var text: String {
        var bytes: [UInt8] = []
        write(into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends compact JSON in UTF-8. Integers are exact, doubles the shortest text that reads back as the same double and
    /// always have a fraction or an exponent; a double that JSON has no text for (it can only be computed) becomes null.
    public func write(into bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let flag): bytes.append(contentsOf: (flag ? "true" : "false").utf8)
        case .int(let integer): Self.write(integer, into: &bytes)
        case .double(let double): bytes.append(contentsOf: (double.isFinite ? double.description : "null").utf8)
        case .string(let string): Self.write(string, into: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            var isFirst = true
            for element in elements {
                if !isFirst { bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                element.write(into: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let object):
            bytes.append(UInt8(ascii: "{"))
            // In place: each member that an iterator hands out counts two references.
            object.members.withUnsafeBufferPointer { members in
                for index in members.indices {
                    if index > 0 { bytes.append(UInt8(ascii: ",")) }
                    Self.write(members[index].key, into: &bytes)
                    bytes.append(UInt8(ascii: ":"))
                    members[index].value.write(into: &bytes)
                }
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ integer: Int64, into bytes: inout [UInt8]) {
        if integer < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = integer.magnitude
        let start = bytes.count
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest != 0
        bytes[start...].reverse()
    }

    /// Appends a JSON string with its quotes.
    static func write(_ string: String, into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        let done: Void? = string.utf8.withContiguousStorageIfAvailable { write(escaping: $0, into: &bytes) }
        if done == nil { Array(string.utf8).withUnsafeBufferPointer { write(escaping: $0, into: &bytes) } }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func write(escaping text: UnsafeBufferPointer<UInt8>, into bytes: inout [UInt8]) {
        // Nearly every text has nothing to escape.
        if !text.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) {
            bytes.append(contentsOf: text)
            return
        }
        var start = 0
        for index in text.indices {
            let byte = text[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            bytes.append(contentsOf: text[start..<index])
            start = index + 1
            bytes.append(UInt8(ascii: "\\"))
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
            case 0x08: bytes.append(UInt8(ascii: "b"))
            case 0x09: bytes.append(UInt8(ascii: "t"))
            case 0x0A: bytes.append(UInt8(ascii: "n"))
            case 0x0C: bytes.append(UInt8(ascii: "f"))
            case 0x0D: bytes.append(UInt8(ascii: "r"))
            default:
                let digits = Array("0123456789abcdef".utf8)
                bytes.append(contentsOf: "u00".utf8)
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            }
        }
        bytes.append(contentsOf: text[start...])
    }
}
