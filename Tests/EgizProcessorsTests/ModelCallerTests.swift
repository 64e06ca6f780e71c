import EgizCore
import EgizProcessors
import EgizRuntime
import EgizTesting
import EgizTwin
import Testing

/// What is asked of a model and what becomes of its answers.
@Suite struct ModelCallerTests {
    private func body(_ request: CallRequest) throws -> JSONObject {
        try #require(try JSONParser().parse(request.body).object)
    }

    private func response(_ text: String, status: Int = 200) -> CallOutcome {
        .response(CallResponse(status: status, body: Array(text.utf8)))
    }

    // MARK: Good

    @Test func aQuestionIsAskedAndItsAnswerWritten() throws {
        let line = try ModelLine()
        try line.send(1, #""x":12"#)
        let request = try #require(line.endpoint.requests.first)
        #expect(request.method == "POST" && request.url == "http://model/predict/m")
        let expected = try json(
            #"{"instances":[{"x":12}],"ids":["line/source/events/0@1/0/0"],"metadata":[{"input":{"topic":"events","partition":0,"offset":0},"revision":1,"time":"1970-01-01T00:00:01Z","streamTime":"1970-01-01T00:00:01Z","trigger":"event","thingId":"t:a","task":"t"}]}"#
        )
        #expect(try body(request) == expected.object)
        let answer = try #require(line.answers.first)
        #expect(answer["prediction"] == (try json(#"{"score":24,"label":"anomaly"}"#)))
        #expect(answer["modelVersion"] == .string("1.0.0") && answer["shadow"] == .bool(false))
        #expect(answer["id"] == .string("line/source/events/0@1/0/0") && answer["attempts"] == .int(1))
        #expect(answer["input"] == (try json(#"{"topic":"ml.input.v1.t","partition":0,"offset":0}"#)))
        #expect(answer["metadata"] == line.questions[0]["metadata"])
        #expect(line.count("calls") == 1 && line.count("answered") == 1 && line.count("callFaults") == 0)
    }

    @Test func headersNameTheCallTheTraceAndTheDeadline() throws {
        let line = try ModelLine(
            caller: #"{"endpoint":"http://model/","model":"m","timeout":2000,"token":"EGIZ_TEST_SECRET"}"#)
        try line.send(1, #""x":1"#)
        let request = try #require(line.endpoint.requests.first)
        let hash = SHA256.hash(Array("m\nline/source/events/0@1/0/0\n".utf8)).hex
        #expect(request.header("Idempotency-Key") == "t:\(hash.prefix(32))")
        #expect(request.header("Deadline") == "2026-01-01T00:00:02Z")
        #expect(request.header("Authorization") == "Bearer secret")
        #expect(request.header("traceparent") == "00-\(hash.prefix(32))-\(hash.suffix(16))-01")
        #expect(request.timeout == .seconds(2))
    }

    @Test func withoutItsTokenNobodyIsAskedAndTheTokenItselfIsNoName() throws {
        let caller = try ModelCaller(
            try RuleLine.definition(
                "ml-caller", #"{"endpoint":"http://model/","model":"m","token":"EGIZ_TEST_NOWHERE"}"#))
        #expect(
            caller.request([], lane: 0, tools: CallTools(now: .earliest)).problem?.contains("EGIZ_TEST_NOWHERE") == true
        )
        let error = #expect(throws: TopologyFaults.self) {
            try ModelCaller(
                try RuleLine.definition("ml-caller", #"{"endpoint":"http://model/","model":"m","token":"sk-a.b"}"#))
        }
        #expect(error?.faults.first.map { !$0.message.contains("sk-a") } == true)
    }

    @Test func theKeyIsThatOfTheSchemasExample() {
        #expect(
            SHA256.hash(Array("nozzle-anomaly\na/b/c/0@1/7/0\na/b/c/0@1/8/0\n".utf8)).hex.hasPrefix(
                "13593b963ebbcacde16c1fbe9b10eaae"))
    }

    @Test func aTraceGoesOn() throws {
        let caller = try ModelCaller(try RuleLine.definition("ml-caller", ModelLine.caller))
        let record = CallRecord(
            RawRecord(topic: 0, partition: 0, offset: 0, timestamp: .earliest, key: nil, value: nil), topicName: "in",
            headers: [
                .init(name: "traceparent", value: Array("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".utf8))
            ])
        let item = CallItem(
            number: 1, record: record, question: CallQuestion(thing: nil, payload: .object(JSONObject()), size: 1))
        let request = caller.request([item], lane: 0, tools: CallTools(now: .earliest))
        let trace = try #require(request.header("traceparent"))
        #expect(trace.hasPrefix("00-0af7651916cd43dd8448eb211c80319c-") && !trace.contains("b7ad6b7169203331"))
    }

    @Test(arguments: [
        ("egiz-single", "http://model/predict", #"{"model_id":"m","features":{"x":1}}"#),
        ("mlflow", "http://model/invocations", #"{"dataframe_records":[{"x":1}]}"#),
        ("kserve", "http://model/v1/models/m:predict", #"{"instances":[{"x":1}]}"#),
    ])
    func otherProtocolsAreSpoken(_ name: String, _ url: String, _ expected: String) throws {
        let line = try ModelLine(caller: #"{"endpoint":"http://model","model":"m","protocol":"\#(name)"}"#)
        try line.send(1, #""x":1"#)
        let request = try #require(line.endpoint.requests.first)
        #expect(request.url == url)
        var sent = try body(request)
        sent.remove("metadata")
        #expect(try .object(sent) == json(expected))
        #expect(line.predictions == ["t:a m 2.0 ok"])
    }

    @Test(arguments: [
        ("0.25", #"{"score":0.25}"#), (#""worn""#, #"{"label":"worn"}"#), ("[1,2]", #"{"details":{"value":[1,2]}}"#),
        (#"{"a":1}"#, #"{"details":{"a":1}}"#),
        (#"{"score":null,"label":"x","more":1}"#, #"{"score":null,"label":"x","more":1}"#),
        ("null", #"{"details":{"value":null}}"#),
    ])
    func answersOfManyShapesBecomeOne(_ said: String, _ expected: String) throws {
        let value = try json(said)
        let line = try ModelLine(endpoint: .model { _ in value })
        try line.send(1, #""x":1"#)
        #expect(try line.answers.map { $0["prediction"] } == [json(expected)])
    }

    @Test func aShadowIsAskedTheSameAndItsAnswersAreMarked() throws {
        let line = try ModelLine(
            caller: #"{"endpoint":"http://model","model":"m","shadow":{"model":"next","endpoint":"http://other"}}"#)
        try line.send(1, #""x":1"#)
        #expect(line.endpoint.requests.map(\.url) == ["http://model/predict/m", "http://other/predict/next"])
        #expect(try body(line.endpoint.requests[0])["instances"] == body(line.endpoint.requests[1])["instances"])
        let keys = line.endpoint.requests.map { $0.header("Idempotency-Key") }
        #expect(keys[0] != keys[1])
        #expect(line.predictions == ["t:a m 2.0 ok", "t:a next~ 2.0 ok"])
        #expect(line.driver.emitted.filter { $0.topic == "ml.output.v1.t" }.count == 2)
    }

    @Test func aShadowThatFailsIsNobodysDeadLetter() throws {
        let line = try ModelLine(caller: #"{"endpoint":"http://model","model":"m","shadow":{"model":"next"}}"#)
        line.endpoint.answer { request in
            request.url.hasSuffix("next")
                ? .response(CallResponse(status: 500))
                : .response(MemoryEndpoint.answer(to: request, version: "1") { _ in .int(1) })
        }
        try line.send(1, #""x":1"#)
        #expect(line.predictions == ["t:a m 1.0 -", "t:a next~ !http-500"])
        #expect(line.driver.deadLetters.isEmpty)
    }

    // MARK: Bad answers

    @Test(arguments: [
        ("no json", 200, "json"), ("[]", 200, "shape"), ("{}", 200, "shape"), (#"{"predictions":7}"#, 200, "shape"),
        (#"{"predictions":[]}"#, 200, "length"), (#"{"predictions":[1,2]}"#, 200, "length"),
        (#"{"predictions":[1],"ids":["other"]}"#, 200, "order"), ("", 404, "http-404"), ("", 302, "http-302"),
        (
            #"{"predictions":[{"error":{"code":"missing-feature","message":"x is missing","feature":"x"}}]}"#, 200,
            "missing-feature"
        ),
        (#"{"predictions":[{"error":"it is odd"}]}"#, 200, "model-error"),
        (#"{"predictions":[{"score":"high"}]}"#, 200, "prediction"),
        (#"{"predictions":[{"label":7}]}"#, 200, "prediction"),
        (#"{"type":"urn:egiz:problem:model-version","title":"no"}"#, 409, "model-version"),
        (#"{"type":"urn:egiz:problem:wrong-type","title":"x: found text"}"#, 422, "wrong-type"),
        ("", 405, "http-405"), ("", 413, "http-413"),
    ])
    func anAnswerOfNoUseBecomesADeadLetterWithItsNameAndAnErrorDownstream(_ text: String, _ status: Int, _ code: String)
        throws
    {
        let line = try ModelLine()
        line.endpoint.answer { _ in .response(CallResponse(status: status, body: Array(text.utf8))) }
        try line.send(1, #""x":1"#)
        #expect(line.driver.deadLetters.map(\.code) == [code])
        #expect(line.driver.deadLetters.first?.position.topic == "ml.input.v1.t")
        #expect(line.driver.deadLetters.first?.thing?.text == "t:a")
        #expect(line.driver.deadLetters.first?.processor == "model")
        #expect(line.predictions == ["t:a m !\(code)"])
        // Nothing is blocked.
        line.endpoint.answer { .response(MemoryEndpoint.answer(to: $0, version: "1") { _ in .int(3) }) }
        try line.send(2, #""x":1"#)
        #expect(line.predictions == ["t:a m 3.0 -"])
        #expect(line.driver.openCalls == 0)
    }

    @Test func anAnswerThatIsTooLargeIsGivenUp() throws {
        let line = try ModelLine()
        line.endpoint.answer { _ in .tooLarge }
        try line.send(1, #""x":1"#)
        #expect(line.driver.deadLetters.map(\.code) == ["answer-size"])
        #expect(line.endpoint.requests.count == 3, "after `retry.attempts`")
        #expect(line.endpoint.requests[0].maxAnswerBytes == 4 << 20)
    }

    @Test func aModelOfAnotherVersionIsAnError() throws {
        let line = try ModelLine(caller: #"{"endpoint":"http://model","model":"m","version":"2.0.0"}"#)
        try line.send(1, #""x":1"#)
        #expect(line.driver.deadLetters.map(\.code) == ["model-version"])
        #expect(try body(line.endpoint.requests[0])["model_version"] == .string("2.0.0"))
        line.endpoint.answer { .response(MemoryEndpoint.answer(to: $0, version: "2.0.0+abc") { _ in .int(3) }) }
        try line.send(2, #""x":1"#)
        #expect(line.predictions == ["t:a m 3.0 -"])
    }

    @Test func whoIsAwayIsWaitedForAndNothingIsLost() throws {
        let line = try ModelLine()
        line.endpoint.plan(
            [.away("refused"), .timedOut, response("", status: 503), response("", status: 500)])
        for second in 1...3 { try line.send(Double(second), #""x":\#(second)"#) }
        #expect(line.driver.deadLetters.isEmpty)
        // Between two of them the answer to the first was written to the thing.
        #expect(line.answers.map { $0["metadata"]?.object?["revision"] } == [.int(1), .int(3), .int(5)])
        #expect(line.answers[0]["attempts"] == .int(5))
        let keys = line.endpoint.requests.prefix(5).map { $0.header("Idempotency-Key") }
        #expect(Set(keys).count == 1, "a retry is the same call")
    }

    @Test func aModelThatStaysAwayHoldsItsRecordsAndNothingElse() throws {
        let line = try ModelLine()
        line.endpoint.answer { _ in .away("refused") }
        for second in 1...5 { try line.send(Double(second), #""x":\#(second)"#) }
        #expect(line.driver.openCalls == 5 && line.answers.isEmpty && line.driver.deadLetters.isEmpty)
        #expect(line.driver.samples("t:a", "/features/f/properties/x").count == 5, "history goes on")
        line.endpoint.answer { .response(MemoryEndpoint.answer(to: $0, version: "1") { _ in .int(3) }) }
        try line.driver.advanceCalls(by: .seconds(60))
        #expect(line.answers.count == 5 && line.driver.openCalls == 0)
    }

    @Test func whatIsTooOldIsDroppedByPolicyAndSaidSo() throws {
        let line = try ModelLine(caller: #"{"endpoint":"http://model","model":"m","maxAge":10000}"#)
        line.endpoint.answer { _ in .timedOut }
        try line.send(1, #""x":1"#)
        try line.send(30, #""x":30"#)
        #expect(line.predictions == ["t:a m !stale"])
        #expect(line.count("callsDropped") == 1 && line.driver.deadLetters.isEmpty)
        line.endpoint.answer { .response(MemoryEndpoint.answer(to: $0, version: "1") { _ in .int(3) }) }
        try line.driver.advanceCalls(by: .seconds(60))
        #expect(line.predictions == ["t:a m 3.0 -"])
    }

    // MARK: Bad questions

    @Test(arguments: [
        ("no json", "json"), ("[]", "question"), (#"{"thingId":"x"}"#, "question"),
        (#"{"thingId":"t:a","task":"a b"}"#, "question"), (#"{"thingId":"t:a","task":"t","model":"m"}"#, "question"),
        (#"{"thingId":"t:a","task":"t","model":"m","features":{}}"#, "question"),
        (#"{"thingId":"t:a","task":"t","model":"other","features":{},"metadata":{}}"#, "model"),
    ])
    func aQuestionThatIsNoneIsADeadLetterAndNoCall(_ text: String, _ code: String) throws {
        let line = try ModelLine()
        try line.driver.send("ml.input.v1.t", key: "t:a", value: text)
        try line.driver.send("ml.input.v1.t", key: "t:a", value: nil)
        #expect(line.driver.deadLetters.map(\.code) == [code])
        #expect(line.endpoint.requests.isEmpty && line.driver.openCalls == 0)
    }

    // MARK: Crashes

    @Test(arguments: TopologyDriver.Epochs.allCases)
    func afterACrashCallsAreMadeAgainWithTheirKeysAndAnswersAreWrittenOnce(_ epochs: TopologyDriver.Epochs) throws {
        func run(crashes: Bool) throws -> ModelLine {
            let line = try ModelLine(writer: "{}", epochs: epochs)
            for second in 1...30 {
                if second % 6 == 0 { line.endpoint.plan([.away("refused"), .response(CallResponse(status: 500))]) }
                try line.send(Double(second), #""x":\#(second)"#)
                if second % 4 == 0 { try line.driver.commit() }
                if crashes, second % 5 == 0 { try line.driver.crashAndRestart() }
                if crashes, second % 9 == 0 { try line.driver.rebalance() }
            }
            try line.driver.commit()
            return line
        }
        let (calm, rough) = (try run(crashes: false), try run(crashes: true))
        func essence(_ line: ModelLine) -> [[JSONValue?]] {
            line.answers.map { [$0["id"], $0["prediction"], $0["input"], $0["metadata"]] }
        }
        #expect(essence(calm).count == 30)
        #expect(essence(rough) == essence(calm))
        #expect(rough.predictions == calm.predictions && rough.driver.deadLetters.isEmpty)
    }

    @Test func aDeadLetterThatIsTriedAgainGoesToTheEndOfItsTopic() throws {
        let line = try ModelLine()
        line.endpoint.answer { _ in .response(CallResponse(status: 404)) }
        try line.send(1, #""x":1"#)
        #expect(line.driver.deadLetters.count == 1)
        line.endpoint.answer { .response(MemoryEndpoint.answer(to: $0, version: "1") { _ in .int(3) }) }
        try line.driver.redrive(.retry)
        #expect(line.driver.deadLetters.isEmpty && line.predictions == ["t:a m 3.0 -"])
        #expect(line.answers.last?["input"]?.object?["offset"] == .int(1))
        #expect(line.questions[1] == line.questions[0])
    }

    @Test(arguments: [
        (#"{"model":"m"}"#, "rules.endpoint: found nothing, expected an address"),
        (#"{"endpoint":"ftp://x","model":"m"}"#, "rules.endpoint: found \"ftp://x\", expected an address"),
        (#"{"endpoint":"http://x?a=1","model":"m"}"#, "rules.endpoint: "),
        (#"{"endpoint":"http:///x","model":"m"}"#, "rules.endpoint: "),
        (#"{"endpoint":"http://x","model":"a/b"}"#, "rules.model: found \"a/b\", expected a name"),
        (#"{"endpoint":"http://x","model":"m","protocol":"grpc"}"#, "rules.protocol: found \"grpc\", expected egiz"),
        (#"{"endpoint":"http://x","model":"m","rate":0}"#, "rules.rate: found the number 0, expected a number above 0"),
        (#"{"endpoint":"http://x","model":"m","rate":1e-30}"#, "rules.rate: "),
        (#"{"endpoint":"http://x","model":"m","timeout":0}"#, "rules.timeout: "),
        (#"{"endpoint":"http://x","model":"m","health":"health"}"#, "rules.health: found \"health\", expected a path"),
        (#"{"endpoint":"http://x","model":"m","health":"/a?b"}"#, "rules.health: "),
        (#"{"endpoint":"http://x","model":"m","retry":{"first":9000,"most":1000}}"#, "rules.retry.first: "),
        (#"{"endpoint":"http://x","model":"m","shadow":{}}"#, "rules.shadow.model: found nothing"),
    ])
    func whatTheKindCannotTakeIsAFault(_ settings: String, _ message: String) throws {
        let found = try faults("ml-caller", settings)
        #expect(found.count == 1 && found[0].hasPrefix(message), "\(found)")
    }
}
