import EgizRuntime
import EgizCore
@testable import EgizProcessors
import EgizTesting
import EgizTwin
import TestSupport
import Testing

@Suite struct DeadLetterHandlerTests {
    private static let retry = #"{"count":3,"first":30000,"most":3600000}"#

    private func line(
        _ words: String, topic: String = "orders.dlq", epochs: TopologyDriver.Epochs = .eachRecord,
        store: MemoryStore = MemoryStore()
    ) throws -> RecordLine {
        try RecordLine("dead-letter-handler", "{\(words)}", topic: topic, epochs: epochs, store: store)
    }

    /// `code attempts due` of each letter, in seconds.
    private func letters(_ line: RecordLine) -> [String] {
        line.driver.deadLetters.map { letter in
            let due = letter.retryAt.map { "\($0.microseconds / 1_000_000)" } ?? "-"
            return "\(letter.code) \(letter.attempts) \(due)"
        }
    }

    private func alerts(_ line: RecordLine) -> [String] {
        line.driver.store.allAlerts.map { row in
            let cleared = row.clearedAt.map { "\($0.microseconds / 1_000_000)" } ?? ""
            return
                "\(row.thing) \(row.severity.name) \(row.state.rawValue) \(row.raisedAt.microseconds / 1_000_000)..\(cleared)"
        }
    }

    @Test func aLetterOfAnotherSystemIsKeptWholeWithWhatItSaysOfItself() throws {
        let line = try line("")
        try line.send(
            1, key: "t:a", "not json",
            headers: [
                "egiz-dlq-code": "timeout", "egiz-dlq-message": "no answer", "egiz-dlq-topic": "orders", "x": "y",
                "egiz-db": "other",
            ])
        let letter = try #require(line.driver.deadLetters.first)
        #expect(letter.code == "timeout")
        #expect(letter.message == "no answer (of orders)")
        #expect(letter.thing?.text == "t:a")
        #expect(letter.value == Array("not json".utf8))
        #expect(letter.headers.map(\.name) == ["egiz-dlq-code", "egiz-dlq-message", "egiz-dlq-topic", "x", "egiz-db"])
        #expect(letter.disposition == .dead)
        #expect(letter.processor == "line")
        #expect(line.driver.emitted.isEmpty, "no dead letter of a dead letter")
        #expect(line.count("deadLetters") == 1)
    }

    @Test(arguments: [
        ("__connect.errors.exception.class.name", "__connect.errors.exception.message"),
        ("kafka_dlt-exception-fqcn", "kafka_dlt-exception-message"),
    ])
    func headersOfOtherProgramsAreRead(_ code: String, _ message: String) throws {
        let line = try line("")
        try line.driver.send(
            "orders.dlq", key: nil, value: "{}",
            headers: [.init(name: code, value: Array("a.b.C".utf8)), .init(name: message, value: Array("why".utf8))])
        #expect(line.driver.deadLetters.map { "\($0.code) \($0.message)" } == ["a.b.C why"])
    }

    @Test func whatSaysNothingIsKeptAsWell() throws {
        let line = try line(#""retry":\#(Self.retry)"#)
        try line.driver.send("orders.dlq", key: nil, value: nil)
        try line.send(1, nil, headers: ["egiz-dlq-code": "", "egiz-retry": "many", "egiz-dlq-thing": "none"])
        #expect(line.driver.deadLetters.map(\.code) == ["unknown", "unknown"])
        #expect(line.driver.deadLetters.map(\.attempts) == [1, 1])
        #expect(line.driver.deadLetters.map(\.thing) == [nil, nil])
    }

    /// The topology's own dead letters come through such a topic as well, where several systems share it.
    @Test func lettersThatThisDatabaseHasAreSkipped() throws {
        let own = TopologyDriver(topology: .testing(topics: ["orders"]), registry: .builtin)
        try own.send("orders", key: "t:a", value: "broken")
        let record = try #require(own.emitted.first { $0.topic == "orders.dlq" })
        #expect(own.deadLetters.count == 1)
        let line = try line("")
        try line.driver.send(
            "orders.dlq", key: record.key, bytes: record.value, at: EventTime(microseconds: record.time),
            headers: record.headers)
        #expect(line.driver.deadLetters.isEmpty)
        #expect(line.count("filtered") == 1)
        var foreign = record.headers
        let place = try #require(foreign.firstIndex { $0.name == "egiz-db" })
        foreign[place].value = Array("elsewhere".utf8)
        try line.driver.send(
            "orders.dlq", key: record.key, bytes: record.value, at: EventTime(microseconds: record.time),
            headers: foreign)
        #expect(line.driver.deadLetters.map(\.code) == ["json"])
    }

    @Test func lettersAreTriedAgainWithGrowingWaitsUntilTheirCountIsUsedUp() throws {
        let line = try line(#""retry":\#(Self.retry)"#)
        try line.send(100, key: "k", "v", headers: ["egiz-dlq-code": "timeout", "trace": "x", "egiz-id": "i"])
        #expect(letters(line) == ["timeout 1 130"])
        try line.clock(129)
        #expect(line.emitted("orders") == [])
        try line.clock(130)
        #expect(line.emitted("orders") == ["k v trace=x egiz-retry=1 egiz-late=1"])
        #expect(line.driver.deadLetters.isEmpty, "it is on its way")
        #expect(line.driver.emitted.last?.id == "line/source/orders.dlq/0@1/0/0r2")
        // Whoever reads there gives up again, and keeps the headers.
        for (second, retries) in [(200, 1), (400, 2), (800, 3)] as [(Int64, Int)] {
            try line.send(
                second, key: "k", "v", headers: ["trace": "x", "egiz-retry": "\(retries)", "egiz-dlq-code": "timeout"])
            try line.clock(second + 399)
        }
        #expect(line.emitted("orders").map { $0.hasSuffix("egiz-retry=1 egiz-late=1") }.first == true)
        #expect(line.emitted("orders").count == 3, "three tries, then it stays")
        #expect(letters(line) == ["timeout 4 -"])
        #expect(line.count("redriven") == 3)
        // A person may still try.
        try line.driver.redrive(.retry)
        #expect(line.emitted("orders").last == "k v trace=x egiz-retry=4 egiz-late=1")
        #expect(letters(line) == [])
    }

    @Test(
        arguments: [
            ("timeout", 160), ("http-503", 160), ("http-404", nil), ("json", nil), ("unknown", nil),
        ] as [(String, Int64?)])
    func onlyLettersOfSomeCodesAreTriedAgain(_ code: String, _ due: Int64?) throws {
        let line = try line(
            #""retry":{"count":2,"first":60000,"only":["timeout","http-*","json"],"never":["json","http-404"]}"#)
        try line.send(100, "v", headers: ["egiz-dlq-code": code])
        #expect(letters(line) == ["\(code) 1 \(due.map { "\($0)" } ?? "-")"])
    }

    @Test func theLongestWaitIsKept() throws {
        let line = try line(#""retry":{"count":1000,"first":1000,"most":5000}"#)
        for (retries, wait) in [(0, 1), (1, 2), (2, 4), (3, 5), (999, 5)] as [(Int, Int64)] {
            try line.send(1000, "v", headers: ["egiz-retry": "\(retries)"])
            #expect(line.driver.deadLetters.last?.retryAt == EventTime(microseconds: (1000 + wait) * 1_000_000))
        }
    }

    @Test func aTopicOfAnotherNameNeedsToBeToldWhereLettersGo() throws {
        let none = try line(#""retry":\#(Self.retry)"#, topic: "errors")
        try none.send(1, "v")
        #expect(letters(none) == ["unknown 1 -"])
        try none.driver.redrive(.retry)
        #expect(letters(none) == ["origin 2 -"])
        let told = try line(#""retry":\#(Self.retry),"to":"again""#, topic: "errors")
        try told.send(1, "v")
        try told.clock(31)
        #expect(told.emitted("again") == ["- v egiz-retry=1 egiz-late=1"])
    }

    @Test func aLetterThatIsTooLargeToGoBackStays() throws {
        let line = try line(#""retry":\#(Self.retry)"#)
        try line.send(1, String(repeating: "x", count: 1_100_000), headers: ["egiz-dlq-code": "timeout"])
        try line.clock(31)
        #expect(letters(line) == ["output-size 2 -"])
        #expect(line.emitted("orders") == [])
    }

    // MARK: The rate

    private static let alert = #""alert":{"over":2,"per":10000,"severity":"error","to":"told"}"#

    @Test func tooManyLettersRaiseAnAlertThatTheQuietClears() throws {
        let line = try line(Self.alert)
        for second in [100, 101] { try line.send(Int64(second), "v") }
        #expect(alerts(line) == [])
        try line.send(103, "v")
        #expect(alerts(line) == ["dead-letters:orders.dlq-0 error raised 103.."])
        #expect(line.driver.store.allAlerts.first?.message == "line: 3 dead letters within 10 s, more than 2")
        #expect(line.driver.store.allAlerts.first?.cause?.offset == 2)
        try line.clock(109)
        #expect(alerts(line) == ["dead-letters:orders.dlq-0 error raised 103.."])
        try line.clock(110)
        #expect(alerts(line) == ["dead-letters:orders.dlq-0 error cleared 103..110"])
        let told = line.emitted("told")
        #expect(told.count == 2)
        #expect(
            told.first?.contains(#""event":"raised","thingId":"dead-letters:orders.dlq-0","key":"rate","rule":"line""#)
                == true)
        #expect(line.count("alerts") == 1)
        for second in [120, 120, 120] { try line.send(Int64(second), "v") }
        #expect(alerts(line).last == "dead-letters:orders.dlq-0 error raised 120..")
    }

    @Test func peopleAcknowledgeAndClearTheAlert() throws {
        let line = try line(Self.alert)
        for second in [100, 101, 102] { try line.send(Int64(second), "v") }
        let thing = try ThingID(validating: "dead-letters:orders.dlq-0")
        let task = TaskID(stage: StageName(topology: "line", source: "source"), partition: 0)
        try line.driver.send("acknowledge", to: "line", of: task, thing: thing, subject: "rate", by: "jo")
        #expect(line.driver.store.allAlerts.map(\.acknowledgedBy) == ["jo"])
        try line.driver.send("clear", to: "line", of: task, thing: thing, subject: "rate", by: "jo")
        #expect(alerts(line) == ["dead-letters:orders.dlq-0 error cleared 102..102"])
        try line.send(103, "v")
        #expect(alerts(line).count == 1, "there must be fewer before it is raised again")
        try line.clock(130)
        for second in [131, 131, 131] { try line.send(Int64(second), "v") }
        #expect(alerts(line).last == "dead-letters:orders.dlq-0 error raised 131..")
    }

    @Test(arguments: [true, false])
    func anAlertThatNobodyWantsAnyMoreEnds(_ comesLetter: Bool) throws {
        let store = MemoryStore()
        let before = try line(Self.alert, store: store)
        for second in 101...103 as ClosedRange<Int64> { try before.send(second, "x") }
        #expect(alerts(before) == ["dead-letters:orders.dlq-0 error raised 103.."])
        let after = try line("", store: store)
        if comesLetter { try after.send(104, "x") } else { try after.clock(1000) }
        #expect(alerts(after) == ["dead-letters:orders.dlq-0 error cleared 103..\(comesLetter ? 104 : 111)"])
        #expect(store.allStates.isEmpty)
    }

    /// Letters, tries and alerts after crashes, lost answers and moves are those of a run without.
    @Test func crashesChangeNothing() throws {
        let words = #"\#(Self.alert),"retry":{"count":2,"first":5000,"only":["timeout"]}"#
        let (line, calm) = (try line(words, epochs: .explicit), try line(words, epochs: .explicit))
        var random = SeededGenerator(seed: 11)
        for second in 1...60 as ClosedRange<Int64> {
            let code = Int.random(in: 0..<2, using: &random) == 0 ? "timeout" : "json"
            let retries = Int.random(in: 0..<4, using: &random)
            let isSent = Int.random(in: 0..<3, using: &random) > 0
            for target in [line, calm] where isSent {
                try target.send(second, "\(second)", headers: ["egiz-dlq-code": code, "egiz-retry": "\(retries)"])
            }
            if second % 7 == 0 { try line.driver.commit() }
            if second % 11 == 0 { try line.driver.crashAndRestart() }
            if second % 13 == 0 { try line.driver.rebalance() }
            if second % 17 == 0 { line.driver.loseAnswers(1) }
            for target in [line, calm] where second % 20 == 0 {
                try target.driver.commit()
                try target.driver.retryDueLetters()
            }
        }
        for target in [line, calm] { try target.driver.commit() }
        #expect(letters(line) == letters(calm))
        #expect(
            line.driver.emitted.filter { $0.topic == "orders" }.map(\.value)
                == calm.driver.emitted.filter { $0.topic == "orders" }.map(\.value))
        #expect(!line.emitted("orders").isEmpty)
        #expect(alerts(line) == alerts(calm))
        #expect(!alerts(line).isEmpty)
    }

    @Test(arguments: [
        (#""retry":{"first":60000,"most":1000}"#, "expected at most `most`"),
        (#""alert":{"over":1,"per":1}"#, "expected at least 10ms"),
        (#""retry":{"only":"timeout"}"#, "expected a list"),
    ])
    func aHandlerThatCannotBeIsRefused(_ words: String, _ message: String) throws {
        let found = try faults(RuleLine.Link("h", "dead-letter-handler", from: "source", "{\(words)}"))
        #expect(found.count == 1 && found[0].contains(message), "\(found)")
    }

    @Test func aSnapshotThatIsCutOffIsAFaultAndNoTrap() throws {
        let state = LetterState()
        let alert = try LetterAlert(
            SettingsReader(ConfigValue(json: .object(JSONObject()), at: RuleLine.mark), path: "a"))
        for second in 1...3 as ClosedRange<Int64> { state.add(at: EventTime(microseconds: second * 60_000_000), alert) }
        state.isHigh = true
        state.raise("line", alert, at: EventTime(microseconds: 7), nil)
        state.acknowledge(at: EventTime(microseconds: 8), by: "jo")
        var writer = StateWriter()
        state.encode(into: &writer)
        for end in 0..<writer.bytes.count {
            var reader = StateReader(Array(writer.bytes[..<end]))
            #expect(throws: StateFault.self) { _ = try LetterState(from: &reader, version: 1) }
        }
        var reader = StateReader(writer.bytes)
        let copy = try LetterState(from: &reader, version: 1)
        var again = StateWriter()
        copy.encode(into: &again)
        #expect(again.bytes == writer.bytes)
    }
}
