extension UnsafeRawBufferPointer {
    /// Whether these are the bytes of a text known at compile time.
    @inline(__always)
    func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        guard let start = baseAddress else { return true }
        return Bytes.equal(start, UnsafeRawPointer(text.utf8Start), count)
    }
}
