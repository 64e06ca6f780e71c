import EgizCore
@testable import EgizProcessors
import EgizRuntime
import EgizTesting
import EgizTwin
import TestSupport
import Testing

@Suite struct WebhookTests {
    private static let words = #""url":"https://x.example/hook?a=1","secret":"EGIZ_TEST_SECRET","to":"done""#

    private func line(
        _ words: String = words, epochs: TopologyDriver.Epochs = .eachRecord, store: MemoryStore = MemoryStore(),
        _ answer: @escaping MemoryEndpoint.Answer = { _ in .response(CallResponse(status: 204)) }
    ) throws -> (driver: TopologyDriver, endpoint: MemoryEndpoint) {
        let definition = try RuleLine.Link("hook", "webhook", from: "source", "{\(words)}").definition()
        let source = SourceDefinition(
            name: "source", topics: [.init(name: "alerts", partitions: 1, config: [:], mark: RuleLine.mark)],
            format: .json, start: .earliest, onGap: .fail, idle: .seconds(3600), mark: RuleLine.mark)
        let topology = Topology(
            name: "line", description: nil, delivery: .exactlyOnce, parallelism: 1, commit: .standard,
            sources: [source], processors: [definition], kafka: [:], sourceText: "")
        let endpoint = MemoryEndpoint(answer)
        let driver = TopologyDriver(
            topology: topology, registry: .builtin, epochs: epochs, store: store, endpoint: endpoint,
            environment: ["EGIZ_TEST_SECRET": "secret"])
        return (driver, endpoint)
    }

    private func done(_ driver: TopologyDriver) throws -> [JSONObject] {
        checkMessages(driver)
        return try driver.emitted.filter { $0.topic == "done" }.map {
            try #require(JSONParser().parse($0.value ?? []).object)
        }
    }

    /// RFC 4231, cases 1, 2, 3 and 6.
    @Test(arguments: [
        (
            String(repeating: "\u{0B}", count: 20), "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        ("Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    ])
    func signaturesAreThoseOfTheStandard(_ key: String, _ message: String, _ digest: String) {
        #expect(HMAC.sha256(Array(message.utf8), secret: Array(key.utf8)).hex == digest)
    }

    @Test func keysLongerThanABlockAreHashedFirst() {
        let digest = HMAC.sha256(
            Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            secret: Array(repeating: 0xAA, count: 131))
        #expect(digest.hex == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    }

    @Test func aRecordIsDeliveredSignedAndToldOf() throws {
        let (driver, endpoint) = try line()
        let body = #"{"event":"raised"}"#
        try driver.send(
            "alerts", key: "t:a", value: body,
            headers: [
                .init(name: "egiz-id", value: Array("a/b/0".utf8)),
                .init(name: "traceparent", value: Array("00-1-2-01".utf8)),
            ])
        let request = try #require(endpoint.requests.first)
        #expect(request.method == "POST")
        #expect(request.url == "https://x.example/hook?a=1")
        #expect(request.body == Array(body.utf8))
        #expect(request.header("content-type") == "application/json")
        #expect(request.header("idempotency-key") == "a/b/0")
        #expect(request.header("egiz-topic") == "alerts")
        #expect(request.header("traceparent") == "00-1-2-01")
        let digest = HMAC.sha256(Array("1767225600.\(body)".utf8), secret: Array("secret".utf8)).hex
        #expect(request.header("egiz-signature") == "t=1767225600,v1=\(digest)")
        let told = try done(driver)
        #expect(told.count == 1)
        #expect(told.first?["delivered"] == .bool(true))
        #expect(told.first?["status"] == .int(204))
        #expect(told.first?["host"]?.string == "x.example")
        #expect(told.first?["thingId"]?.string == "t:a")
        #expect(driver.deadLetters.isEmpty)
    }

    @Test func aRetryRepeatsItsKeyAndAnOutageIsWaitedFor() throws {
        let (driver, endpoint) = try line()
        endpoint.plan([.away("refused"), .response(CallResponse(status: 503)), .timedOut])
        try driver.send("alerts", key: "t:a", value: "{}")
        #expect(endpoint.requests.count == 4)
        #expect(Set(endpoint.requests.map { $0.header("idempotency-key") }) == ["alerts/0/0"])
        #expect(try done(driver).map { $0["attempts"] } == [.int(4)])
        #expect(driver.deadLetters.isEmpty)
    }

    @Test(arguments: [
        ("500", CallOutcome.response(CallResponse(status: 500)), "http-500"),
        ("404", .response(CallResponse(status: 404)), "http-404"),
        ("401", .response(CallResponse(status: 401)), "http-401"),
        ("301", .response(CallResponse(status: 301)), "http-301"),
        ("away", .away("refused"), "away"), ("slow", .timedOut, "timeout"), ("50 MB", .tooLarge, "answer-size"),
    ])
    func whatCannotBeDeliveredIsADeadLetterInTheEndAndOthersGoOn(_ name: String, _ outcome: CallOutcome, _ code: String)
        throws
    {
        let (driver, _) = try line(#"\#(Self.words),"tries":3"#) { request in
            request.body == Array("bad".utf8) ? outcome : .response(CallResponse(status: 200))
        }
        try driver.send("alerts", key: "t:a", value: "bad")
        try driver.send("alerts", key: "t:b", value: "{}")
        for _ in 0..<20 { try driver.advanceCalls(by: .seconds(30)) }
        #expect(driver.deadLetters.map(\.code) == [code], "\(name)")
        #expect(driver.deadLetters.first?.thing?.text == "t:a")
        #expect(try done(driver).map { $0["delivered"] } == [.bool(false), .bool(true)])
        #expect(try done(driver).first?["error"]?.object?["code"]?.string == code)
    }

    /// A model may be asked again to see whose fault it is; people are not paged again.
    @Test func whatWasDeliveredIsNotDeliveredAgainBecauseAnotherDeliveryFails() throws {
        let (driver, endpoint) = try line { request in
            .response(CallResponse(status: request.body == Array("bad".utf8) ? 500 : 200))
        }
        try driver.send("alerts", key: "t:a", value: "good")
        try driver.send("alerts", key: "t:b", value: "bad")
        for _ in 0..<10 { try driver.advanceCalls(by: .seconds(60)) }
        #expect(driver.deadLetters.map(\.code) == ["http-500"])
        #expect(endpoint.requests.count { $0.body == Array("good".utf8) } == 1)
        #expect(endpoint.healthRequests.isEmpty)
    }

    @Test func deliveriesOfOneKeyKeepTheirOrder() throws {
        let (driver, endpoint) = try line(#"\#(Self.words),"concurrency":8"#)
        endpoint.hang()
        for number in 0..<6 { try driver.send("alerts", key: number % 2 == 0 ? "t:a" : "t:b", value: "\(number)") }
        // One of each key is under way.
        #expect(endpoint.requests.map(\.body) == [Array("0".utf8), Array("1".utf8)])
        endpoint.recover()
        try driver.advanceCalls(by: .seconds(1))
        let sent = endpoint.requests.map { String(decoding: $0.body, as: UTF8.self) }
        #expect(sent.filter { ["0", "2", "4"].contains($0) } == ["0", "2", "4"])
        #expect(sent.filter { ["1", "3", "5"].contains($0) } == ["1", "3", "5"])
        #expect(try done(driver).compactMap { $0["cause"]?.object?["offset"] } == (0..<6).map { .int($0) })
    }

    /// A receiver that is too busy for one key and not for another.
    @Test(arguments: [CallOutcome.response(CallResponse(status: 429)), .away("refused")])
    func whoIsAskedForPatienceKeepsItsPlaceWhileOthersAreDelivered(_ weather: CallOutcome) throws {
        let (driver, endpoint) = try line(#"\#(Self.words),"tries":1000"#)
        endpoint.answer { request in
            request.body == Array("first".utf8) ? weather : .response(CallResponse(status: 204))
        }
        try driver.send("alerts", key: "t:a", value: "first")
        try driver.send("alerts", key: "t:a", value: "second")
        for number in 0..<10 {
            try driver.send("alerts", key: "t:b", value: "\(number)")
            try driver.advanceCalls(by: .seconds(30))
        }
        #expect(driver.deadLetters.isEmpty)
        #expect(endpoint.requests.count { $0.body == Array("first".utf8) } > 3)
        #expect(!endpoint.requests.contains { $0.body == Array("second".utf8) }, "it waits for the one before")
        endpoint.answer { _ in .response(CallResponse(status: 204)) }
        try driver.advanceCalls(by: .seconds(120))
        #expect(driver.deadLetters.isEmpty && driver.openCalls == 0)
        #expect(endpoint.requests.count { $0.body == Array("second".utf8) } == 1)
        #expect(try done(driver).map { $0["delivered"] } == Array(repeating: .bool(true), count: 12))
    }

    @Test func aSecretThatIsMissingIsNamedAndNothingGoesOutUnsigned() throws {
        let (driver, endpoint) = try line(#""url":"https://x.example","secret":"EGIZ_NO_SUCH","tries":2"#)
        try driver.send("alerts", key: "t:a", value: "{}")
        for _ in 0..<20 { try driver.advanceCalls(by: .seconds(30)) }
        #expect(endpoint.requests.isEmpty)
        #expect(driver.deadLetters.map(\.code) == ["away"])
        #expect(driver.deadLetters.first?.message.contains("EGIZ_NO_SUCH with the secret is not set") == true)
    }

    @Test func tombstonesAreSkippedAndBytesAreBytes() throws {
        let (driver, endpoint) = try line(#""urlFrom":"EGIZ_TEST_SECRET","token":"EGIZ_TEST_SECRET""#)
        try driver.send("alerts", key: "t:a", value: nil)
        try driver.send("alerts", key: "t:a", value: "no json")
        #expect(endpoint.requests.map(\.url) == ["secret"])
        #expect(endpoint.requests.first?.header("content-type") == "application/octet-stream")
        #expect(endpoint.requests.first?.header("authorization") == "Bearer secret")
        #expect(endpoint.requests.first?.header("egiz-signature") == nil)
        #expect(driver.emitted.isEmpty, "no topic was given")
    }

    @Test func aHeaderOfTheRecordBeginsNoOther() throws {
        let (driver, endpoint) = try line()
        try driver.send(
            "alerts", key: nil, value: "{}",
            headers: [.init(name: "traceparent", value: Array("x\r\nEvil: 1".utf8))])
        #expect(endpoint.requests.first?.header("traceparent") == nil)
    }

    @Test(arguments: ["a\nb", "", String(repeating: "k", count: 300), "clé"])
    func aNameThatMayNotStandInAHeaderIsHashed(_ id: String) throws {
        let (driver, endpoint) = try line()
        try driver.send("alerts", key: nil, value: "{}", headers: [.init(name: "egiz-id", value: Array(id.utf8))])
        #expect(endpoint.requests.first?.header("idempotency-key") == SHA256.hash(Array(id.utf8)).hex)
    }

    /// Deliveries may be repeated after a crash, with the same keys; what is told of them is there once.
    @Test func aCrashRepeatsDeliveriesAndNothingElse() throws {
        let (driver, endpoint) = try line(epochs: .explicit)
        for number in 0..<10 {
            try driver.send("alerts", key: "t:a", value: "\(number)")
            if number == 3 { try driver.commit() }
            if number == 6 { try driver.crashAndRestart() }
        }
        driver.loseAnswers(1)
        try driver.commit()
        #expect(endpoint.requests.count == 13, "three of them twice")
        #expect(Set(endpoint.requests.map { $0.header("idempotency-key") ?? "" }).count == 10)
        #expect(try done(driver).compactMap { $0["cause"]?.object?["offset"] } == (0..<10).map { .int($0) })
    }

    /// Somebody may have had it already, and only his answer was lost.
    @Test func aDeliveryThatIsTriedAgainSaysThatItIsTheSame() throws {
        let (driver, endpoint) = try line { _ in .response(CallResponse(status: 404)) }
        try driver.send(
            "alerts", key: "t:a", value: "{}",
            headers: [
                .init(name: "egiz-id", value: Array("a/b/0".utf8)),
                .init(name: "traceparent", value: Array("00-1-2-01".utf8)),
            ])
        for _ in 0..<5 { try driver.advanceCalls(by: .seconds(30)) }
        #expect(driver.deadLetters.count == 1)
        endpoint.answer { _ in .response(CallResponse(status: 404)) }
        try driver.redrive(.retry)
        for _ in 0..<5 { try driver.advanceCalls(by: .seconds(30)) }
        #expect(driver.deadLetters.count == 1)
        endpoint.answer { _ in .response(CallResponse(status: 200)) }
        try driver.redrive(.retry)
        #expect(driver.deadLetters.isEmpty)
        #expect(Set(endpoint.requests.map { $0.header("idempotency-key") }) == ["a/b/0"])
        #expect(Set(endpoint.requests.map { $0.header("traceparent") }) == ["00-1-2-01"])
    }

    @Test(arguments: [
        (#""secret":"A""#, "hook: a webhook has neither `url` nor `urlFrom`, it needs one"),
        (#""url":"https://a.b","urlFrom":"A""#, "nothing beside `url`"),
        (#""url":"ftp://a.b""#, "expected an address such as https://example.com/hook"),
        (#""url":"https://user:pass@a.b""#, "without a user and a password"),
        (#""url":"https://""#, "expected an address"),
        (#""url":"https://a.b","secret":"not-a-name!""#, "hook.secret: expected the name of an environment variable"),
    ])
    func aWebhookThatCannotBeIsRefused(_ words: String, _ message: String) throws {
        let found = try faults(RuleLine.Link("hook", "webhook", from: "source", "{\(words)}"))
        #expect(found.count == 1 && found[0].contains(message), "\(found)")
        #expect(!found.contains { $0.contains("not-a-name") }, "it may be the secret itself")
    }
}
