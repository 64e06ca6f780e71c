import EgizCore
import EgizTwin
import Synchronization
import Testing

@testable import EgizRuntime

/// A desk with its tasks, without a thread.
@Suite struct CallDeskTests {
    /// Sends every record on as it is, and says what came back.
    private final class Echo: Caller {
        static let spec = KindSpec(
            kind: "echo", summary: "", input: .records, output: .none, projections: [], fields: [], example: "")

        let policy: CallPolicy
        let lanes = [CallLane(name: "m")]

        init(_ policy: CallPolicy) { self.policy = policy }

        convenience init(_ definition: ProcessorDefinition) throws(TopologyFaults) { self.init(CallPolicy()) }

        func read(_ record: CallRecord) -> CallIntake {
            .call(CallQuestion(thing: nil, payload: .null, size: record.size))
        }

        func request(_ items: [CallItem], lane: Int, tools: CallTools) -> CallRequest {
            CallRequest(url: "http://m", headers: [], body: items[0].record.value ?? [], policy: policy)
        }

        func verdict(on response: CallResponse, to items: [CallItem], lane: Int) -> CallVerdict {
            .answered([.value(.null)])
        }

        func outputs(of item: CallItem, replies: [CallReply]) -> [CallOutput] {
            [CallOutput(topic: "out", value: [UInt8](repeating: 0, count: 1000))]
        }
    }

    /// Answers at once, but for the first call.
    private final class FirstHangs: CallTransport {
        private struct Handle: CallHandle {
            func cancel() {}
        }

        private let first = Mutex<(@Sendable (CallOutcome) -> Void)?>(nil)
        private let count = Mutex(0)

        func send(_ request: CallRequest, completion: @escaping @Sendable (CallOutcome) -> Void) -> any CallHandle {
            let number = count.withLock { count in
                count += 1
                return count
            }
            if number == 1 {
                first.withLock { $0 = completion }
            } else {
                completion(.response(CallResponse(status: 200)))
            }
            return Handle()
        }

        func recover() {
            let completion = first.withLock { $0 }
            completion?(.response(CallResponse(status: 200)))
        }
    }

    private func make(_ change: (inout CallPolicy) -> Void, _ endpoint: any CallTransport) -> (CallDesk, TaskCalls) {
        var policy = CallPolicy()
        change(&policy)
        let desk = CallDesk(
            name: "echo", caller: Echo(policy), transport: endpoint,
            stage: StageName(topology: "line", source: "asked"), gate: SharedCallGate(), seed: 1, countsMetrics: false
        ) { CallTools(now: EventTime(microseconds: 1_000_000)) }
        return (desk, TaskCalls(desk: desk, topics: 1))
    }

    private func take(_ offset: Int64, _ calls: TaskCalls) {
        let raw = RawRecord(topic: 0, partition: 0, offset: offset, timestamp: .earliest, key: nil, value: nil)
        calls.take(CallRecord(raw, topicName: "in", headers: []), RecordMark(of: raw), next: nil, at: .zero)
    }

    private func turn(_ desk: CallDesk, _ calls: TaskCalls) {
        for settled in desk.turn(at: .zero) { calls.settle(settled.number, settled.settlement) }
    }

    @Test func whatIsAnsweredBehindARecordThatIsNotCountsToo() throws {
        let endpoint = FirstHangs()
        let (desk, calls) = make({ $0.maxOpen = 10 }, endpoint)
        var taken: Int64 = 0
        while !desk.isFull, taken < 1000 {
            take(taken, calls)
            turn(desk, calls)
            taken += 1
        }
        #expect(taken == 40, "four times what may be under way")
        #expect(desk.openItems == 1 && calls.window.count == 40)
        endpoint.recover()
        turn(desk, calls)
        var out: [Int64] = []
        while let slot = calls.next() { out.append(slot.record.offset) }
        #expect(out == Array(0..<40))
        #expect(!desk.isFull && desk.heldItems == 0 && desk.heldBytes == 0)
    }

    @Test func bytesThatWaitBehindARecordCountToo() throws {
        let (desk, calls) = make({ $0.maxOpenBytes = 1000 }, FirstHangs())
        for offset in 0..<4 {
            #expect(!desk.isFull)
            take(Int64(offset), calls)
            turn(desk, calls)
        }
        take(4, calls)
        turn(desk, calls)
        #expect(desk.isFull, "a thousand bytes go out for each")
    }

    @Test func whatATaskHadInHandIsGoneWithIt() throws {
        let (desk, calls) = make({ $0.maxOpen = 10 }, FirstHangs())
        var task: TaskCalls? = calls.emptied()
        for offset in 0..<5 {
            if let task { take(Int64(offset), task) }
        }
        #expect(desk.heldItems == 5)
        task = nil
        #expect(desk.heldItems == 0 && desk.heldBytes == 0 && desk.openItems == 0)
    }
}
