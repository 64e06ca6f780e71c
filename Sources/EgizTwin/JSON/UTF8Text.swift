/// Equality, order and hashes of texts by their UTF-8 bytes. Swift's own `==` is canonical equivalence, by which different
/// keys and thing ids would collide.
package enum UTF8Text {
    @inline(__always)
    package static func equal(_ a: String, _ b: String) -> Bool {
        // The same bits are the same text; different bits say nothing.
        if unsafeBitCast(a, to: (UInt64, UInt64).self) == unsafeBitCast(b, to: (UInt64, UInt64).self) { return true }
        return a.utf8.count == b.utf8.count && sameBytes(a, b)
    }

    private static func sameBytes(_ a: String, _ b: String) -> Bool {
        let answer = a.utf8.withContiguousStorageIfAvailable { x in
            b.utf8.withContiguousStorageIfAvailable { y in
                Bytes.equal(UnsafeRawBufferPointer(x), UnsafeRawBufferPointer(y))
            }
        }
        return (answer ?? nil) ?? a.utf8.elementsEqual(b.utf8)
    }

    package static func less(_ a: String, _ b: String) -> Bool {
        let answer = a.utf8.withContiguousStorageIfAvailable { x in
            b.utf8.withContiguousStorageIfAvailable { y in
                Bytes.less(UnsafeRawBufferPointer(x), UnsafeRawBufferPointer(y))
            }
        }
        return (answer ?? nil) ?? a.utf8.lexicographicallyPrecedes(b.utf8)
    }

    @inline(__always)
    static func hash(_ text: String, seed: UInt64 = Bytes.seed) -> UInt64 {
        text.utf8.withContiguousStorageIfAvailable { Bytes.hash(UnsafeRawBufferPointer($0), seed: seed) }
            ?? Array(text.utf8).withUnsafeBytes { Bytes.hash($0, seed: seed) }
    }
}
