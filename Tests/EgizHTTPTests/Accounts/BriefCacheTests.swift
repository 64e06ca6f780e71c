import EgizCore
import Synchronization
import Testing

@testable import EgizHTTP

@Suite struct BriefCacheTests {
    private final class Loads: Sendable {
        let count = Mutex(0)

        func next() -> Int {
            count.withLock { count in
                count += 1
                return count
            }
        }
    }

    @Test func whatWasLoadedIsKeptAndForgottenOnDemand() async throws {
        let (cache, loads) = (BriefCache<String, Int>(lifetime: .seconds(60)), Loads())
        #expect(try await cache.value("a") { loads.next() } == 1)
        #expect(try await cache.value("a") { loads.next() } == 1)
        #expect(try await cache.value("b") { loads.next() } == 2)
        await cache.clear()
        #expect(try await cache.value("a") { loads.next() } == 3)
    }

    @Test func onlyWhatIsStaleIsForgotten() async throws {
        let (cache, loads) = (BriefCache<String, Int>(lifetime: .seconds(60)), Loads())
        #expect(try await cache.value("a") { loads.next() } == 1)
        #expect(try await cache.value("b") { loads.next() } == 2)
        await cache.remove { $0 == 1 }
        #expect(try await cache.value("b") { loads.next() } == 2)
        #expect(try await cache.value("a") { loads.next() } == 3)
    }

    /// It may have been read before the change that makes it stale.
    @Test func whatIsBeingLoadedWhenSomethingIsForgottenIsLoadedAnew() async throws {
        let (cache, loads) = (BriefCache<String, Int>(lifetime: .seconds(60)), Loads())
        let (began, begin) = AsyncStream<Void>.makeStream()
        let (going, go) = AsyncStream<Void>.makeStream()
        let first = Task {
            try await cache.value("a") {
                begin.yield()
                for await _ in going { break }
                return loads.next()
            }
        }
        for await _ in began { break }
        await cache.remove { _ in false }
        go.yield()
        #expect(try await first.value == 1)
        #expect(try await cache.value("a") { loads.next() } == 2)
    }

    @Test func whatIsOldIsLoadedAnew() async throws {
        let (cache, loads) = (BriefCache<String, Int>(lifetime: .zero), Loads())
        #expect(try await cache.value("a") { loads.next() } == 1)
        #expect(try await cache.value("a") { loads.next() } == 2)
    }

    @Test func severalThatAskAtOnceShareOneLoad() async throws {
        let (cache, loads) = (BriefCache<String, Int>(lifetime: .seconds(60)), Loads())
        let values = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await cache.value("a") {
                        await Task.yield()
                        return loads.next()
                    }
                }
            }
            return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
        }
        #expect(values == [1])
    }

    @Test func whatFailedIsTriedAgain() async throws {
        let (cache, loads) = (BriefCache<String, Int>(lifetime: .seconds(60)), Loads())
        await #expect(throws: EngineError.self) {
            try await cache.value("a") { throw EngineError(.postgres, .backoff, "away") }
        }
        #expect(try await cache.value("a") { loads.next() } == 1)
    }
}
