import EgizCore
import Testing

@testable import EgizHTTP

@Suite struct LiveHistoryTests {
    private let twins = TopicPartition(LiveFixture.prefix + "twin", 0)

    private func history(_ offsets: ClosedRange<Int64>, mostItems: Int = 10, mostBytes: Int = 1 << 20) -> LiveHistory {
        var history = LiveHistory(mostItems: mostItems, mostBytes: mostBytes)
        history.restart(log: "log")
        history.start(twins, at: offsets.lowerBound)
        for offset in offsets { history.append(LiveFixture.twin(offset, ["/a=1"])) }
        return history
    }

    private func token(_ offset: Int64, log: String = "log") -> LiveToken {
        LiveToken(log: log, positions: [twins: offset])
    }

    @Test func whoComesBackGetsEverythingSince() {
        let history = history(5...12)
        #expect(history.since(token(9))?.map(\.offset) == [9, 10, 11, 12])
        #expect(history.since(token(5))?.count == 8)
        #expect(history.since(history.token(moves: 0))?.isEmpty == true)
    }

    @Test func whatIsNoLongerKeptOrOfAnotherLogCannotBeGivenBack() {
        let history = history(5...30)
        #expect(history.since(token(21))?.count == 10)
        #expect(history.since(token(20)) == nil, "older than what is kept")
        #expect(history.since(token(32)) == nil, "beyond the log: it began anew")
        #expect(history.since(token(25, log: "other")) == nil)
        var more = LiveToken(log: "log", positions: [twins: 25])
        more.positions[TopicPartition("elsewhere", 0)] = 3
        #expect(history.since(more) == nil, "a log with other topics")
    }

    @Test func aTopicThatAppearedLaterIsGivenFromItsBeginning() {
        var history = history(5...8)
        let alerts = TopicPartition(LiveFixture.prefix + "alert", 0)
        history.start(alerts, at: 0)
        history.append(LiveFixture.item(LiveFixture.record("alert", 0, #"{"key":"k"}"#)))
        #expect(history.since(token(9))?.map(\.kind) == [.alert])
    }

    @Test func marksOfTransactionsMoveTheEnd() {
        var history = history(5...8)
        history.advance(twins, to: 12)
        #expect(history.token(moves: 0) == token(12) && history.since(token(10))?.isEmpty == true)
    }

    @Test func bytesAreBoundedOverAllPartitionsAndTheFullestGivesWay() {
        var history = history(1...10, mostItems: 1000, mostBytes: 12_000)
        let quiet = TopicPartition(LiveFixture.prefix + "alert", 0)
        history.start(quiet, at: 0)
        history.append(LiveFixture.item(LiveFixture.record("alert", 0, #"{"key":"k"}"#)))
        for offset in 11...500 as ClosedRange<Int64> { history.append(LiveFixture.twin(offset, ["/a=1"])) }
        let kept = history.since(LiveToken(log: "log", positions: [twins: 500, quiet: 0]))
        #expect(kept?.map(\.offset).sorted() == [0, 500], "the quiet topic has kept its record")
        #expect(history.since(token(400)) == nil)
    }

    @Test func tokensReadBackAsWritten() throws {
        var positions: [TopicPartition: Int64] = [:]
        for partition in 0..<12 as Range<Int32> {
            positions[TopicPartition(LiveFixture.prefix + "twin", partition)] = Int64(partition) * 1_000_000_007
            positions[TopicPartition("ml.output.v1.anomaly", partition)] = 7
        }
        let token = LiveToken(log: "b6f1-x", positions: positions)
        #expect(LiveToken(parsing: token.text) == token)
        #expect(token.text.utf8.allSatisfy { $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "/") })
    }

    @Test func aTokenOfAnEarlierServerIsOfAnotherLog() throws {
        // "1;log;@twin:0=5"
        let token = try #require(LiveToken(parsing: "MTtsb2c7QHR3aW46MD01"))
        #expect(history(5...8).since(token) == nil)
    }

    @Test(arguments: ["", "x", "!!!", "Mztsb2c", "Mjtsb2c7MDt4OjA9LTE", "Mjtsb2c7MA.", "Mjtsb2c7MA.x"])
    func whatIsNoTokenIsRefused(text: String) {
        // The last ones are "3;log", "2;log;0;x:0=-1", and "2;log;0" with what is no digest.
        #expect(LiveToken(parsing: text) == nil)
    }
}
