/// Memory for a record at a chosen place in its page. The scanner reads some bytes beyond a record, so whether it may look at one
/// depends on where in its page the record ends; where the allocator decides that, a test's short ways differ from run to run.
public enum PlacedBytes {
    private static let page = 4096

    /// Calls `body` with a copy of the bytes that begins a page or, with `endsPage`, whose last byte is the last one of a page.
    public static func with<Result>(
        _ bytes: some Collection<UInt8>, endsPage: Bool, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        let count = bytes.count
        let pages = (count / page + 1) * page
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: pages, alignment: page)
        defer { memory.deallocate() }
        let start = endsPage ? pages - count : 0
        let place = UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + count])
        place.copyBytes(from: bytes)
        return try body(UnsafeRawBufferPointer(place))
    }
}
