import EgizPostgres
import HTTPTypes
import Synchronization
import Testing

@testable import EgizHTTP

@Suite struct SearchGateTests {
    /// Holds searches until the test lets them go, and tells which have begun.
    private final class Stage: Sendable {
        private struct State {
            var begun: [String] = []
            var isOpen = false
            var held: [CheckedContinuation<Void, Never>] = []
        }

        private let state = Mutex(State())

        var begun: [String] { state.withLock { $0.begun } }

        func run(_ name: String) async {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let goes = state.withLock { state -> Bool in
                    state.begun.append(name)
                    if !state.isOpen { state.held.append(continuation) }
                    return state.isOpen
                }
                if goes { continuation.resume() }
            }
        }

        func open() {
            let held = state.withLock { state -> [CheckedContinuation<Void, Never>] in
                state.isOpen = true
                defer { state.held = [] }
                return state.held
            }
            for one in held { one.resume() }
        }
    }

    /// Yields until it holds; a test that fails ends by its time limit.
    private func until(_ holds: () -> Bool) async throws {
        while !holds() {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func searchesByKeysOfOnePersonAreThatPersons() async throws {
        let user = try #require(UUIDText("11111111-1111-1111-1111-111111111111"))
        let key = Principal(kind: .apiKey, id: "key", name: "k", userID: user, isAdmin: true)
        let pool = PostgresPool(url: "postgres://egiz@127.0.0.1:1/egiz", applicationName: "test", size: 1)
        defer { pool.close() }
        let (gate, stage) = (SearchGate(2), Stage())
        let history = HistoryQueries(pool: pool)
        let searches = [
            (
                TwinRoutes(queries: TwinQueries(pool: pool), history: history, searches: gate).routes[0],
                "filter=exists(attributes/a)"
            ),
            (AggregateRoute(queries: history, searches: gate).route, "path=/a&interval=1h&aggregate=avg"),
        ]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<SearchGate.mostOfOne {
                group.addTask { try await gate.pass(for: user.text) { await stage.run("") } }
            }
            try await until { gate.load == (1, SearchGate.mostOfOne - 1) }
            for (route, query) in searches {
                var request = APIRequest(path: route.path, query: query, headers: [:], captures: [:])
                request.principal = key
                do {
                    _ = try await route.handler(request)
                    Issue.record("\(route.path) is answered")
                } catch {
                    #expect((error as? Problem)?.code == "too-many-searches", "\(route.path): \(error)")
                }
            }
            stage.open()
            try await group.waitForAll()
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func oneOfACallerRunsAtATimeAndOthersPassIt() async throws {
        let (gate, stage) = (SearchGate(2), Stage())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 { group.addTask { try await gate.pass(for: "a") { await stage.run("a") } } }
            try await until { gate.load == (1, 2) }
            group.addTask { try await gate.pass(for: "b") { await stage.run("b") } }
            try await until { stage.begun.count == 2 }
            #expect(stage.begun == ["a", "b"], "the second place is not for the same caller")
            group.addTask { try await gate.pass(for: "c") { await stage.run("c") } }
            try await until { gate.load == (2, 3) }
            #expect(stage.begun.count == 2, "two at a time altogether")
            stage.open()
            try await group.waitForAll()
        }
        #expect(stage.begun.filter { $0 == "a" }.count == 3 && stage.begun.contains("c"))
        #expect(gate.load == (0, 0))
    }

    @Test(.timeLimit(.minutes(1)))
    func whoSendsTooManyIsToldSoAndSoIsEverybodyWhereTooManyWait() async throws {
        let (gate, stage) = (SearchGate(1), Stage())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<SearchGate.mostOfOne {
                group.addTask { try await gate.pass(for: "a") { await stage.run("a") } }
            }
            try await until { gate.load == (1, SearchGate.mostOfOne - 1) }
            let tooMany = await #expect(throws: Problem.self) { try await gate.pass(for: "a") {} }
            #expect(tooMany?.code == "too-many-searches" && tooMany?.status.code == 429)
            let others = SearchGate.mostWaiting - SearchGate.mostOfOne + 1
            for number in 0..<others {
                group.addTask { try await gate.pass(for: "\(number)") { await stage.run("\(number)") } }
            }
            try await until { gate.load == (1, SearchGate.mostWaiting) }
            let busy = await #expect(throws: Problem.self) { try await gate.pass(for: "new") {} }
            #expect(busy?.code == "busy" && busy?.status.code == 503)
            stage.open()
            try await group.waitForAll()
        }
        #expect(stage.begun.count == SearchGate.mostWaiting + 1)
        #expect(try await gate.pass(for: "a") { 7 } == 7, "what was refused took no place")
    }

    @Test(.timeLimit(.minutes(1)))
    func whoIsGoneDoesNotWait() async throws {
        let (gate, stage) = (SearchGate(1), Stage())
        let first = Task { try await gate.pass(for: "a") { await stage.run("a") } }
        try await until { gate.load == (1, 0) }
        let second = Task { try await gate.pass(for: "b") { await stage.run("b") } }
        try await until { gate.load == (1, 1) }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        #expect(gate.load == (1, 0))
        stage.open()
        try await first.value
        #expect(stage.begun == ["a"])
    }
}
