import EgizCore
import EgizProcessors
import EgizRuntime
import EgizTesting
import EgizTwin
import Testing

/// Whether it is the question or the model that is at fault.
@Suite struct ModelPoisonTests {
    @Test(arguments: [
        ("egiz", "", "http://model/health"), ("egiz-single", "", "http://model/health"),
        ("mlflow", "", "http://model/ping"), ("kserve", "", "http://model/v1/models/m"),
        ("egiz", #","health":"/alive""#, "http://model/alive"),
    ])
    func aServiceIsAskedHowItIsWhereItsProtocolSays(_ name: String, _ more: String, _ url: String) throws {
        let caller = try ModelCaller(
            try RuleLine.definition(
                "ml-caller",
                #"{"endpoint":"http://model/","model":"m","protocol":"\#(name)","token":"T","shadow":{"model":"n","endpoint":"http://other"}\#(more)}"#
            ))
        let tools = CallTools(now: EventTime(microseconds: 0)) { $0 == "T" ? "secret" : nil }
        let request = try #require(caller.health(lane: 0, tools: tools))
        #expect(request.method == "GET" && request.url == url && request.body.isEmpty)
        #expect(request.header("authorization") == "Bearer secret")
        #expect(caller.health(lane: 1, tools: tools)?.url.hasPrefix("http://other/") == true)
    }

    /// One question that the model fails on, in a partition where nothing else is asked.
    @Test func aPoisonedQuestionAloneIsADeadLetterBecauseTheOneBeforeIsAnsweredAgain() throws {
        let line = try ModelLine(caller: #"{"endpoint":"http://model","model":"m","batch":{"size":4,"delay":1}}"#)
        line.endpoint.answer { request in
            if String(decoding: request.body, as: UTF8.self).contains(#""x":7"#) {
                return .response(CallResponse(status: 500))
            }
            return .response(MemoryEndpoint.answer(to: request, version: "1") { _ in .int(3) })
        }
        try line.send(1, #""x":1"#)
        try line.send(2, #""x":7"#)
        #expect(line.driver.deadLetters.map(\.code) == ["http-500"] && line.driver.openCalls == 0)
        let keys = line.endpoint.requests.map { $0.header("Idempotency-Key") ?? "" }
        #expect(keys.filter { $0 == keys[0] }.count == 2, "the first question was asked again, with its key")
        #expect(line.answers.count == 2, "and answered once")
    }

    /// One question that no gateway lets through, in a partition where nothing else is asked: else its thread would wait for ever.
    @Test(arguments: [403, 502, 504])
    func aQuestionThatNoGatewayLetsThroughIsADeadLetterInTheEnd(_ status: Int) throws {
        let line = try ModelLine(caller: #"{"endpoint":"http://model","model":"m","poisonAfter":600000}"#)
        line.endpoint.answer { request in
            if String(decoding: request.body, as: UTF8.self).contains(#""x":7"#) {
                return .response(CallResponse(status: status))
            }
            return .response(MemoryEndpoint.answer(to: request, version: "1") { _ in .int(3) })
        }
        try line.send(1, #""x":1"#)
        try line.send(2, #""x":7"#)
        for _ in 0..<8 { try line.driver.advanceCalls(by: .seconds(60)) }
        #expect(line.driver.deadLetters.isEmpty && line.driver.openCalls == 1)
        for _ in 0..<6 { try line.driver.advanceCalls(by: .seconds(60)) }
        #expect(line.driver.deadLetters.map(\.code) == ["http-\(status)"] && line.driver.openCalls == 0)
    }

    @Test func aModelThatBreaksAltogetherIsWaitedForHoweverLong() throws {
        let line = try ModelLine()
        try line.send(1, #""x":1"#)
        line.endpoint.health { _ in .away("refused") }
        line.endpoint.answer { _ in .response(CallResponse(status: 500)) }
        for second in 2...4 { try line.send(Double(second), #""x":\#(second)"#) }
        for _ in 0..<60 { try line.driver.advanceCalls(by: .seconds(60)) }
        #expect(line.driver.deadLetters.isEmpty && line.driver.openCalls == 3)
        line.endpoint.answer { .response(MemoryEndpoint.answer(to: $0, version: "1") { _ in .int(3) }) }
        try line.driver.advanceCalls(by: .seconds(60))
        #expect(line.driver.openCalls == 0 && line.answers.count == 4)
    }

    @Test(arguments: [CallOutcome.response(CallResponse(status: 503)), .response(CallResponse(status: 429)), .timedOut])
    func aServiceInGoodHealthThatAsksForPatienceOrHangsIsWaitedForHoweverLong(_ outcome: CallOutcome) throws {
        let line = try ModelLine(caller: #"{"endpoint":"http://model","model":"m","poisonAfter":60000}"#)
        line.endpoint.answer { _ in outcome }
        try line.send(1, #""x":1"#)
        for _ in 0..<20 { try line.driver.advanceCalls(by: .seconds(60)) }
        #expect(line.driver.deadLetters.isEmpty && line.driver.openCalls == 1)
    }

    @Test func aQuestionThatAServiceInGoodHealthNeverAnswersIsADeadLetterInTheEnd() throws {
        let line = try ModelLine(caller: #"{"endpoint":"http://model","model":"m","poisonAfter":600000}"#)
        line.endpoint.answer { _ in .response(CallResponse(status: 500)) }
        try line.send(1, #""x":1"#)
        for _ in 0..<8 { try line.driver.advanceCalls(by: .seconds(60)) }
        #expect(line.driver.deadLetters.isEmpty && line.driver.openCalls == 1)
        for _ in 0..<4 { try line.driver.advanceCalls(by: .seconds(60)) }
        #expect(line.driver.deadLetters.map(\.code) == ["http-500"] && line.driver.openCalls == 0)
        #expect(!line.endpoint.healthRequests.isEmpty)
    }
}
