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

    /// Of a server that has all of the log.
    private func token(_ offset: Int64, of offsets: ClosedRange<Int64>) throws -> LiveToken {
        try #require(history(offsets, mostItems: 1000).token(at: [twins: offset]))
    }

    @Test func whoComesBackGetsEverythingSince() throws {
        let history = history(5...12)
        #expect(history.since(try token(9, of: 5...12))?.map(\.offset) == [9, 10, 11, 12])
        #expect(history.since(try token(5, of: 5...12))?.count == 8)
        #expect(history.since(history.token(moves: 0))?.isEmpty == true)
    }

    @Test func whatIsNoLongerKeptOrOfAnotherLogCannotBeGivenBack() throws {
        let history = history(5...30)
        #expect(history.since(try token(21, of: 5...30))?.count == 10, "also where the record before it is not kept")
        #expect(history.since(try token(20, of: 5...30)) == nil, "older than what is kept")
        #expect(history.since(try token(32, of: 5...31)) == nil, "beyond the log: it began anew")
        let here = try token(25, of: 5...30)
        #expect(history.since(LiveToken(log: "other", positions: here.positions, marks: here.marks)) == nil)
        var more = here
        more.positions[TopicPartition("elsewhere", 0)] = 3
        #expect(history.since(here) != nil && history.since(more) == nil, "a log with other topics")
    }

    /// Deleted and made anew on one and the same cluster: its offsets begin at 0 again, and soon they are all there again.
    @Test func aTopicThatWasMadeAnewIsNotGoneOnWithInTheMiddle() throws {
        func history(_ value: Int, _ count: Int64) -> LiveHistory {
            var history = LiveHistory(mostItems: 100, mostBytes: 1 << 20)
            history.restart(log: "log")
            history.start(twins, at: 0)
            for offset in 0..<count { history.append(LiveFixture.twin(offset, ["/a=\(value)"])) }
            return history
        }
        let before = history(1, 10)
        let tokens = try (0...10).map { try #require(before.token(at: [twins: $0])) }
        let after = history(2, 20)
        for token in tokens.dropFirst() { #expect(before.since(token) != nil && after.since(token) == nil) }
        #expect(after.since(tokens[0])?.count == 20, "who had nothing has missed nothing")
        // Also where the record before is not among those that are kept.
        var short = LiveHistory(mostItems: 5, mostBytes: 1 << 20)
        short.restart(log: "log")
        short.start(twins, at: 0)
        for offset in 0..<15 as Range<Int64> { short.append(LiveFixture.twin(offset, ["/a=2"])) }
        #expect(short.since(tokens[10]) == nil)
        #expect(short.since(try #require(after.token(at: [twins: 10])))?.count == 5)
    }

    @Test func aTokenIsGoodForTheKindsThatItWasGivenFor() throws {
        var history = history(5...8)
        let alerts = TopicPartition(LiveFixture.prefix + "alert", 0)
        history.start(alerts, at: 0)
        for offset in 0..<30 as Range<Int64> {
            history.append(LiveFixture.item(LiveFixture.record("alert", offset, #"{"key":"k"}"#)))
        }
        let twin = LiveKind.mask([.twin])
        let whole = history.token(moves: 3)
        let own = whole.restricted(to: twin)
        #expect(own.positions == [twins: 9] && own.moves == 3 && own.text.utf8.count < whole.text.utf8.count)
        #expect(LiveToken(parsing: own.text) == own)
        #expect(history.since(own, kinds: twin)?.isEmpty == true)
        #expect(history.since(own, kinds: LiveKind.mask([.twin, .alert])) == nil, "nothing is known of alerts")
        // Alerts of which too many came do not keep twins from going on.
        var behind = whole
        behind.positions[alerts] = 2
        #expect(history.since(behind, kinds: twin)?.isEmpty == true && history.since(behind) == nil)
    }

    @Test func aTopicThatAppearedLaterIsGivenFromItsBeginning() throws {
        var history = history(5...8)
        let alerts = TopicPartition(LiveFixture.prefix + "alert", 0)
        history.start(alerts, at: 0)
        history.append(LiveFixture.item(LiveFixture.record("alert", 0, #"{"key":"k"}"#)))
        #expect(history.since(try token(9, of: 5...8))?.map(\.kind) == [.alert])
    }

    @Test func marksOfTransactionsMoveTheEnd() throws {
        var history = history(5...8)
        history.advance(twins, to: 12)
        #expect(history.token(moves: 0).positions == [twins: 12])
        let between = try #require(history.token(at: [twins: 10]))
        #expect(history.since(between)?.isEmpty == true)
    }

    @Test func bytesAreBoundedOverAllPartitionsAndTheFullestGivesWay() throws {
        var history = history(1...10, mostItems: 1000, mostBytes: 12_000)
        let quiet = TopicPartition(LiveFixture.prefix + "alert", 0)
        history.start(quiet, at: 0)
        history.append(LiveFixture.item(LiveFixture.record("alert", 0, #"{"key":"k"}"#)))
        for offset in 11...500 as ClosedRange<Int64> { history.append(LiveFixture.twin(offset, ["/a=1"])) }
        let token = try #require(history.token(at: [twins: 500, quiet: 0]))
        #expect(history.since(token)?.map(\.offset).sorted() == [0, 500], "the quiet topic has kept its record")
        #expect(history.token(at: [twins: 400]) == nil)
    }

    @Test func tokensReadBackAsWritten() throws {
        var positions: [TopicPartition: Int64] = [:]
        for partition in 0..<12 as Range<Int32> {
            positions[TopicPartition(LiveFixture.prefix + "twin", partition)] = Int64(partition) * 1_000_000_007
            positions[TopicPartition("ml.output.v1.anomaly", partition)] = 7
        }
        positions[TopicPartition("ml.output.v1.anomaly", .max)] = .max
        let token = LiveToken(
            log: "b6f1-x", moves: 300, kinds: 9, positions: positions,
            marks: [LiveFixture.prefix + "twin": 7, "ml.output.v1.anomaly": .max], sight: .max)
        #expect(LiveToken(parsing: token.text) == token)
        #expect(token.text.utf8.allSatisfy { $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "/") })
    }

    /// It goes out with every frame, and back in a header.
    @Test func aTokenOfManyPartitionsIsShort() throws {
        let partitions = (0..<1000 as Range<Int32>).map { TopicPartition(LiveFixture.prefix + "twin", $0) }
        let token = LiveToken(
            log: "a log", positions: Dictionary(uniqueKeysWithValues: partitions.map { ($0, 1_000_000) }))
        #expect(token.text.utf8.count < 6000)
    }

    /// "1;log;@twin:0=5" and "2;log;0;@twin:0=5".
    @Test(arguments: ["MTtsb2c7QHR3aW46MD01", "Mjtsb2c7MDtAdHdpbjowPTU"])
    func aTokenOfAnEarlierServerIsOfAnotherLog(text: String) throws {
        let token = try #require(LiveToken(parsing: text))
        #expect(history(5...8).since(token) == nil)
    }

    @Test(arguments: [
        "", "x", "!!!", "Mztsb2c", "Aw", "AwAAAAAA", "AwAAAAAA_w", "AwAAAAAAAQVh", "AwAAAAAAAQFhAAAAAAEABQ",
        "AwAAAAD_____________", "AwAAAAAAAA.", "AwAAAAAAAA.x",
    ])
    func whatIsNoTokenIsRefused(text: String) {
        // The last ones end in the middle, have kinds that there are not, a name that ends in the middle, a partition twice, a number
        // without an end, and what is no digest.
        #expect(LiveToken(parsing: text) == nil)
        #expect(LiveToken(parsing: "AwAAAAAAAA") != nil && LiveToken(parsing: "AwAAAAAAAQFhAAAAAAEBBQ.1") != nil)
    }
}
