import CSimdjson

/// simdjson's tape of the document that the parser read last: one word a token, strings beside it.
///
/// Borrowed from the parser: valid until it parses again.
struct JSONTape {
    private let words: UnsafePointer<UInt64>
    private let strings: UnsafePointer<UInt8>

    init(words: UnsafePointer<UInt64>, strings: UnsafePointer<UInt8>) {
        self.words = words
        self.strings = strings
    }

    /// Position of the document's value.
    static let root = 1

    enum Tag {
        static let object = UInt8(ascii: "{")
        static let array = UInt8(ascii: "[")
        static let string = UInt8(ascii: "\"")
        static let integer = UInt8(ascii: "l")
        static let double = UInt8(ascii: "d")
        static let yes = UInt8(ascii: "t")
        static let no = UInt8(ascii: "f")
        static let null = UInt8(ascii: "n")
    }

    @inline(__always)
    func tag(_ at: Int) -> UInt8 { UInt8(truncatingIfNeeded: words[at] >> 56) }

    /// The position after the value at `at`.
    @inline(__always)
    func after(_ at: Int) -> Int {
        switch tag(at) {
        case Tag.object, Tag.array: Int(UInt32(truncatingIfNeeded: words[at]))
        case Tag.integer, Tag.double: at &+ 2
        default: at &+ 1
        }
    }

    /// The position of the bracket that closes the container at `at`.
    @inline(__always)
    func end(_ at: Int) -> Int { Int(UInt32(truncatingIfNeeded: words[at])) &- 1 }

    /// Number of members or elements; saturated at 2^24 - 1.
    @inline(__always)
    func count(_ at: Int) -> Int { Int(truncatingIfNeeded: (words[at] >> 32) & 0xFF_FFFF) }

    @inline(__always)
    func integer(_ at: Int) -> Int64 { Int64(bitPattern: words[at &+ 1]) }

    @inline(__always)
    func double(_ at: Int) -> Double { Double(bitPattern: words[at &+ 1]) }

    /// The bytes of the string at `at`, without escapes.
    @inline(__always)
    func bytes(_ at: Int) -> UnsafeRawBufferPointer {
        let start = UnsafeRawPointer(strings) + Int(truncatingIfNeeded: words[at] & 0x00FF_FFFF_FFFF_FFFF)
        let count = Int(start.loadUnaligned(as: UInt32.self))
        return UnsafeRawBufferPointer(start: start + 4, count: count)
    }

    @inline(__always)
    func string(_ at: Int) -> String { String(decoding: bytes(at), as: UTF8.self) }

    /// Builds the value at `at`. Recursive: the parser has bounded the depth.
    func value(_ at: Int) -> JSONValue {
        switch tag(at) {
        case Tag.object: return .object(object(at))
        case Tag.array: return .array(array(at))
        case Tag.string: return .string(string(at))
        case Tag.integer: return .int(integer(at))
        case Tag.double: return .double(double(at))
        case Tag.yes: return .bool(true)
        case Tag.no: return .bool(false)
        default: return .null
        }
    }

    /// Of members with one name the last one wins.
    func object(_ at: Int) -> JSONObject {
        var object = JSONObject(capacity: count(at))
        let end = end(at)
        var position = at &+ 1
        while position < end {
            object.set(string(position), value(position &+ 1))
            position = after(position &+ 1)
        }
        return object
    }

    private func array(_ at: Int) -> [JSONValue] {
        var elements: [JSONValue] = []
        elements.reserveCapacity(count(at))
        let end = end(at)
        var position = at &+ 1
        while position < end {
            elements.append(value(position))
            position = after(position)
        }
        return elements
    }

    /// Whether an object anywhere in the document has an empty member name. Iterative, with a stack on the heap.
    func hasEmptyName() -> Bool {
        var open = [Self.root]
        while let at = open.popLast() {
            let isObject = tag(at) == Tag.object
            guard isObject || tag(at) == Tag.array else { continue }
            let end = end(at)
            var position = at + 1
            while position < end {
                if isObject {
                    if bytes(position).isEmpty { return true }
                    position += 1
                }
                if tag(position) == Tag.object || tag(position) == Tag.array { open.append(position) }
                position = after(position)
            }
        }
        return false
    }
}
