/// A text that is compared by its bytes, as ids and paths are everywhere in the engine: Swift's own `==` takes different spellings of
/// one character for the same.
struct ByteText: Sendable, Hashable, Comparable, ExpressibleByStringLiteral {
    let text: String

    init(_ text: String) { self.text = text }
    init(stringLiteral text: String) { self.text = text }

    static func == (a: Self, b: Self) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }
    static func < (a: Self, b: Self) -> Bool { a.text.utf8.lexicographicallyPrecedes(b.text.utf8) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Whether it is that path, or one below it.
    func isAtOrBelow(_ path: ByteText) -> Bool {
        guard text.utf8.starts(with: path.text.utf8) else { return false }
        let rest = text.utf8.dropFirst(path.text.utf8.count)
        return rest.isEmpty || rest.first == UInt8(ascii: "/")
    }
}
