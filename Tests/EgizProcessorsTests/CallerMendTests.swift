import EgizCore
import EgizProcessors
import EgizRuntime
import EgizTesting
import EgizTwin
import Testing

/// Answers that are too large, keys that ran out, and dead letters of callers that are tried again.
@Suite struct CallerMendTests {
    private static let shadow = #"{"endpoint":"http://model","model":"m","shadow":{"model":"next"}}"#

    private func large() -> JSONValue {
        var answer = JSONObject()
        answer["score"] = .double(0.5)
        var details = JSONObject()
        details["text"] = .string(String(repeating: "x", count: 2_000_000))
        answer["details"] = .object(details)
        return .object(answer)
    }

    private func answering(_ line: ModelLine, large isLarge: @escaping @Sendable (CallRequest) -> Bool) {
        let large = self.large()
        line.endpoint.answer { request in
            .response(MemoryEndpoint.answer(to: request, version: "1") { _ in isLarge(request) ? large : .int(1) })
        }
    }

    @Test func anAnswerOfAShadowThatIsTooLargeCostsNobodyHisOwn() throws {
        let line = try ModelLine(caller: Self.shadow)
        answering(line) { $0.url.hasSuffix("next") }
        try line.send(1, #""x":1"#)
        #expect(line.predictions == ["t:a m 1.0 -", "t:a next~ !output-size"])
        #expect(line.driver.deadLetters.isEmpty && line.count("callFaults") == 0)
    }

    @Test func anAnswerThatIsTooLargeLeavesItsErrorAndTheShadowsAnswer() throws {
        let line = try ModelLine(caller: Self.shadow)
        answering(line) { $0.url.hasSuffix("m") }
        try line.send(1, #""x":1"#)
        #expect(line.predictions == ["t:a m !output-size", "t:a next~ 1.0 -"])
        #expect(line.driver.deadLetters.map(\.code) == ["output-size"])
    }

    @Test(arguments: [401, 403, 407])
    func aKeyThatRanOutIsNoFaultOfAQuestion(_ status: Int) throws {
        let line = try ModelLine()
        line.endpoint.answer { _ in .response(CallResponse(status: status)) }
        for second in 1...3 { try line.send(Double(second), #""x":\#(second)"#) }
        try line.driver.advanceCalls(by: .seconds(3600))
        #expect(line.driver.deadLetters.isEmpty && line.driver.openCalls == 3)
        answering(line) { _ in false }
        try line.driver.advanceCalls(by: .seconds(60))
        #expect(line.answers.count == 3 && line.driver.openCalls == 0)
    }

    @Test func anAddressWithAPasswordIsRefusedAndNotRepeated() throws {
        for endpoint in ["http://jo:hidden@model", "https://jo@model:8000/x"] {
            let found = try faults("ml-caller", #"{"endpoint":"\#(endpoint)","model":"m"}"#)
            #expect(found.count == 1 && found[0].contains("without a user and a password"), "\(found)")
            #expect(!found.contains { $0.contains("jo") })
        }
        #expect(try faults("ml-caller", #"{"endpoint":"http://model/a@b","model":"m"}"#).isEmpty)
    }

    @Test func aTokenThatIsEmptyIsNone() throws {
        let caller = try ModelCaller(
            try RuleLine.definition("ml-caller", #"{"endpoint":"http://model","model":"m","token":"T"}"#))
        let request = caller.request([], lane: 0, tools: CallTools(now: .earliest) { _ in "" })
        #expect(request.problem?.contains("T with the token is not set") == true)
        #expect(request.header("Authorization") == nil)
    }

    @Test func aQuestionThatIsTriedAgainKeepsItsNameAndItsHeaders() throws {
        let line = try ModelLine(caller: #"{"endpoint":"http://model","model":"m","maxAge":60000}"#)
        line.endpoint.answer { _ in .response(CallResponse(status: 404)) }
        let question =
            #"{"thingId":"t:a","task":"t","model":"m","features":{"x":1},"metadata":{"input":{"topic":"events","partition":0,"offset":0},"revision":1,"time":"1970-01-01T00:00:01Z","streamTime":"1970-01-01T00:00:01Z","trigger":"event"}}"#
        let trace = String(repeating: "0af7", count: 8)
        try line.driver.send(
            "ml.input.v1.t", key: "t:a", value: question, at: EventTime(microseconds: 1_000_000),
            headers: [
                .init(name: "egiz-id", value: Array("q/1".utf8)),
                .init(name: "traceparent", value: Array("00-\(trace)-b7ad6b7169203331-01".utf8)),
            ])
        #expect(line.driver.deadLetters.count == 1)
        answering(line) { _ in false }
        // An hour later: the newest of the partition is far ahead.
        try line.send(3600, #""x":2"#)
        let before = try #require(line.endpoint.requests.first)
        try line.driver.redrive(.retry)
        let after = try #require(line.endpoint.requests.last)
        #expect(after.body == before.body, "it is asked, however old it is")
        #expect(after.header("Idempotency-Key") == before.header("Idempotency-Key"))
        #expect(after.header("traceparent") == before.header("traceparent"))
        #expect(line.answers.last?["id"] == .string("q/1"))
        #expect(line.driver.deadLetters.isEmpty && line.count("callsDropped") == 0)
        let copy = try #require(line.driver.emitted.last { $0.topic == "ml.input.v1.t" })
        #expect(copy.headers.map(\.name).sorted() == ["egiz-late", "egiz-origin-id", "egiz-retry", "traceparent"])
    }
}
