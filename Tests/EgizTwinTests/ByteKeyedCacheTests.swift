import Testing

@testable import EgizTwin

struct ByteKeyedCacheTests {
    private final class Box {
        let number: Int
        init(_ number: Int) { self.number = number }
    }

    private func find(_ cache: ByteKeyedCache<Box>, _ key: String) -> Int? {
        Array(key.utf8).withUnsafeBytes { cache.find($0)?.number }
    }

    private func insert(_ cache: ByteKeyedCache<Box>, _ key: String, _ number: Int) {
        Array(key.utf8).withUnsafeBytes { cache.insert($0, Box(number)) }
    }

    @Test func findsWhatItKeepsWhileItGrows() {
        let cache = ByteKeyedCache<Box>(maxEntries: 10_000, maxKeyBytes: 100)
        for index in 0..<5000 { insert(cache, "key \(index)", index) }
        for index in 0..<5000 { #expect(find(cache, "key \(index)") == index) }
        #expect(find(cache, "key 5000") == nil && find(cache, "") == nil)
        insert(cache, "", -1)
        #expect(find(cache, "") == -1)
    }

    @Test func startsAnewWhenItIsFull() {
        let cache = ByteKeyedCache<Box>(maxEntries: 100, maxKeyBytes: 10)
        for index in 0..<101 { insert(cache, "\(index)", index) }
        #expect(find(cache, "100") == 100 && find(cache, "1") == nil)
        insert(cache, "much too long a key", 1)
        #expect(find(cache, "much too long a key") == nil)
    }
}
