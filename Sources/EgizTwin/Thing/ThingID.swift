/// A Ditto thing id `namespace:name`; compared, hashed and ordered by its UTF-8 bytes. One reference, its hash is stored.
public struct ThingID: Sendable {
    private final class Storage: Sendable {
        let text: String
        let hash: UInt64
        /// UTF-8 bytes before the colon.
        let namespaceCount: Int

        init(text: String, namespaceCount: Int) {
            self.text = text
            hash = UTF8Text.hash(text)
            self.namespaceCount = namespaceCount
        }
    }

    private let storage: Storage

    /// - Throws: if the text is no `namespace:name` in Ditto's alphabet, or has more than 256 UTF-16 units.
    public init(validating text: String) throws(ThingIDError) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else {
            throw ThingIDError(message: "\"\(text)\" has no namespace; a thing id is namespace:name")
        }
        try self.init(
            text: text, namespaceCount: text.utf8.distance(from: text.utf8.startIndex, to: colon))
    }

    /// The thing that a topic's first two segments name.
    init(namespace: String, name: String) throws(ThingIDError) {
        try self.init(text: namespace + ":" + name, namespaceCount: namespace.utf8.count)
    }

    private init(text: String, namespaceCount: Int) throws(ThingIDError) {
        var text = text
        text.makeContiguousUTF8()
        guard text.utf16.count <= 256 else {
            throw ThingIDError(message: "a thing id has at most 256 UTF-16 units, not \(text.utf16.count)")
        }
        guard Self.isNamespace(text.utf8.prefix(namespaceCount)) else {
            throw ThingIDError(
                message: "the namespace of \"\(text)\" is not made of [A-Za-z][A-Za-z0-9_]* joined by . or -")
        }
        guard Self.isName(text.utf8.dropFirst(namespaceCount + 1)) else {
            throw ThingIDError(
                message:
                    "the name in \"\(text)\" is empty or has a slash, a control character or one of U+007F to U+00FF")
        }
        storage = Storage(text: text, namespaceCount: namespaceCount)
    }

    public var text: String { storage.text }

    /// UTF-8 bytes of the namespace, before the colon.
    var namespaceCount: Int { storage.namespaceCount }

    /// Borrows the id's UTF-8 bytes.
    func withBytes<T>(_ body: (UnsafeRawBufferPointer) -> T) -> T {
        var text = storage.text
        return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }

    /// Whether these are the id's UTF-8 bytes.
    public func isWritten(as bytes: UnsafeRawBufferPointer) -> Bool { withBytes { Bytes.equal($0, bytes) } }

    public var namespace: String { String(decoding: storage.text.utf8.prefix(storage.namespaceCount), as: UTF8.self) }

    public var name: String { String(decoding: storage.text.utf8.dropFirst(storage.namespaceCount + 1), as: UTF8.self) }

    /// Whether a text is an id of the kind that things and policies have.
    static func isValid(_ text: String) -> Bool { (try? ThingID(validating: text)) != nil }

    /// Empty, or words of ASCII letters, digits and `_` that start with a letter, joined by `.` or `-`.
    private static func isNamespace(_ bytes: Substring.UTF8View) -> Bool {
        var startsWord = true
        var isEmpty = true
        for byte in bytes {
            isEmpty = false
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): startsWord = false
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                if startsWord { return false }
            case UInt8(ascii: "."), UInt8(ascii: "-"):
                if startsWord { return false }
                startsWord = true
            default: return false
            }
        }
        return isEmpty || !startsWord
    }

    private static func isName(_ bytes: Substring.UTF8View) -> Bool {
        var isEmpty = true
        for byte in bytes {
            isEmpty = false
            // C2 and C3 lead U+0080 to U+00FF.
            if byte < 0x20 || byte == UInt8(ascii: "/") || byte == 0x7F || byte == 0xC2 || byte == 0xC3 { return false }
        }
        return !isEmpty
    }
}

extension ThingID: Hashable, Comparable, CustomStringConvertible {
    public static func == (a: ThingID, b: ThingID) -> Bool {
        a.storage === b.storage || (a.storage.hash == b.storage.hash && UTF8Text.equal(a.storage.text, b.storage.text))
    }

    public static func < (a: ThingID, b: ThingID) -> Bool {
        a.withBytes { x in b.withBytes { y in Bytes.less(x, y) } }
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(storage.hash) }

    public var description: String { storage.text }
}
