import EgizCore
import EgizTwin
import TestSupport
import Testing

@testable import EgizRuntime

/// What is done enters epochs only as the contiguous prefix (rule 22).
@Suite struct CallWindowTests {
    private func slot(_ number: Int64, topic: Int = 0) -> CallWindow.Slot {
        let raw = RawRecord(
            topic: topic, partition: 0, offset: number, timestamp: .earliest, key: nil, value: nil)
        return .init(
            number: number, record: CallRecord(raw, topicName: "t\(topic)", headers: []), mark: RecordMark(of: raw))
    }

    @Test func nothingPassesARecordThatIsUnderWay() {
        var window = CallWindow(topics: 1)
        for number in 1...4 { window.add(slot(Int64(number))) }
        window.settle(3, CallSettlement())
        window.settle(2, CallSettlement())
        #expect(window.next() == nil)
        #expect(window.open == [1, 4])
        window.settle(1, CallSettlement())
        #expect(window.next()?.number == 1)
        #expect(window.next()?.number == 2)
        #expect(window.next()?.number == 3)
        #expect(window.next() == nil && !window.isEmpty)
        #expect(window.taken(of: 0) == NextOffset(stored: 5))
    }

    @Test func topicsDoNotWaitForEachOther() {
        var window = CallWindow(topics: 2)
        window.add(slot(1))
        window.add(slot(2, topic: 1))
        window.settle(2, CallSettlement())
        #expect(window.next()?.number == 2)
        #expect(window.next() == nil && window.count == 1)
    }

    @Test func aRecordIsSettledOnceAndOnlyIfItIsOurs() {
        var window = CallWindow(topics: 1)
        window.add(slot(5))
        #expect(window.settle(4, CallSettlement()) == false)
        #expect(window.settle(5, CallSettlement()) == true)
        #expect(window.settle(5, CallSettlement()) == false)
    }

    @Test func inWhateverOrderAnswersComeRecordsLeaveInTheirs() {
        for seed in 0..<50 {
            var random = SeededGenerator(seed: UInt64(seed))
            var window = CallWindow(topics: 2)
            for number in 1...40 { window.add(slot(Int64(number), topic: number % 2)) }
            var out: [[Int64]] = [[], []]
            for number in (1...40).shuffled(using: &random) {
                window.settle(Int64(number), CallSettlement())
                while let next = window.next() { out[next.record.topic].append(next.number) }
            }
            #expect(out[0] == stride(from: 2, through: 40, by: 2).map { Int64($0) }, "seed \(seed)")
            #expect(out[1] == stride(from: 1, through: 40, by: 2).map { Int64($0) }, "seed \(seed)")
            #expect(window.isEmpty)
        }
    }
}
