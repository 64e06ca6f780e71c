import Synchronization
import Testing

@testable import EgizHTTP

@Suite(.timeLimit(.minutes(1))) struct FewAtATimeTests {
    /// Yields until it holds; a test that fails ends by its time limit.
    private func until(_ holds: () -> Bool) async throws {
        while !holds() {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    private final class Order: Sendable {
        private let list = Mutex<[Int]>([])

        var numbers: [Int] { list.withLock { $0 } }

        func note(_ number: Int) { list.withLock { $0.append(number) } }
    }

    private struct Holder {
        var entered: Task<Void, any Error>
        var go: AsyncStream<Void>.Continuation
    }

    /// Holds a place until told to go.
    private func holder(_ gate: FewAtATime) async -> Holder {
        let (stream, go) = AsyncStream<Void>.makeStream()
        let (inside, isIn) = AsyncStream<Void>.makeStream()
        let task = Task {
            try await gate.pass {
                isIn.finish()
                for await _ in stream {}
            }
        }
        for await _ in inside {}
        return Holder(entered: task, go: go)
    }

    @Test func theOthersComeInTheirOrder() async throws {
        let gate = FewAtATime(2)
        let holders = await [holder(gate), holder(gate)]
        let order = Order()
        var waiting: [Task<Void, any Error>] = []
        for number in 0..<5 {
            waiting.append(Task { try await gate.pass { order.note(number) } })
            try await until { gate.waiting == number + 1 }
        }
        holders[0].go.finish()
        for task in waiting { try await task.value }
        #expect(order.numbers == [0, 1, 2, 3, 4])
        holders[1].go.finish()
        for holder in holders { try await holder.entered.value }
        #expect(try await gate.pass { true })
    }

    /// Clients that are gone do not queue up before those who are there.
    @Test func whoIsCancelledDoesNotWaitForItsTurn() async throws {
        let gate = FewAtATime(1)
        let first = await holder(gate)
        let gone = (0..<3).map { _ in Task { try await gate.pass {} } }
        try await until { gate.waiting == 3 }
        let last = Task { try await gate.pass { true } }
        try await until { gate.waiting == 4 }
        for task in gone { task.cancel() }
        // While the place is still taken.
        for task in gone { await #expect(throws: CancellationError.self) { try await task.value } }
        #expect(gate.waiting == 1)
        let late = Task {
            while !Task.isCancelled { await Task.yield() }
            try await gate.pass {}
        }
        late.cancel()
        await #expect(throws: CancellationError.self) { try await late.value }
        first.go.finish()
        #expect(try await last.value)
        try await first.entered.value
        #expect(gate.waiting == 0)
    }
}
