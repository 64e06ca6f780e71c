import EgizCore
import EgizTwin
import Testing

@testable import EgizRuntime

/// Weather never becomes a dead letter; what may be a record's fault does, and only with evidence.
@Suite struct CallBlameTests {
    private typealias Desk = CallPlanTests.Desk

    private static let weather: [CallVerdict] = [
        .unavailable(CallFault("away", "refused")), status(408), status(425), status(429), status(502), status(503),
        status(504), status(500, retryAfter: "1"), status(503, retryAfter: "1"),
    ]

    private static func status(_ status: Int, retryAfter: String? = nil) -> CallVerdict {
        let headers = retryAfter.map { [CallRequest.Header("retry-after", $0)] } ?? []
        return .ofStatus(CallResponse(status: status, headers: headers))
    }

    private let broken = CallVerdict.ofStatus(CallResponse(status: 500))
    private let busy = CallVerdict.ofStatus(CallResponse(status: 429))
    private let hung = CallVerdict.unavailable(CallFault("timeout", "no answer"), blame: .perhaps)

    private func desk() -> Desk { Desk { $0.breakerFailures = 1000 } }

    /// One record fails so often while another one is answered each time; what is done of it.
    private func fail(_ desk: Desk, _ number: Int64, _ verdicts: [CallVerdict]) throws -> [String?] {
        var faults: [String?] = []
        for verdict in verdicts {
            desk.add()
            let calls = desk.calls()
            for call in calls where call.numbers != [number] { desk.answer(call) }
            desk.finish(try #require(calls.first { $0.numbers == [number] }), verdict)
            faults += desk.done().filter { $0.number == number }.map(\.fault)
            desk.now += .seconds(70)
        }
        return faults
    }

    @Test(arguments: weather)
    func threeOfFourCallsThatMeetTheWeatherMakeNoDeadLetters(_ weather: CallVerdict) {
        let desk = Desk {
            $0.breakerFailures = 1000
            $0.concurrency = 4
        }
        var answered = 0
        for round in 0..<200 {
            while desk.plan.openItems < 4 { desk.add() }
            let calls = desk.calls()
            #expect(calls.count == 4)
            for (place, call) in calls.enumerated() {
                if (round + place) % 4 == 0 { desk.answer(call) } else { desk.finish(call, weather) }
            }
            let done = desk.done()
            answered += done.count
            #expect(done.allSatisfy { $0.fault == nil })
            desk.now += .seconds(70)
        }
        #expect(answered == 200)
    }

    @Test func anErrorOfItsOwnThreeTimesWhileOthersAreAnsweredIsTheRecords() throws {
        let desk = desk()
        let number = desk.add()
        #expect(try fail(desk, number, [broken, broken, broken]) == ["http-500"])
    }

    @Test func whatWasMetByTheWeatherBeforeCountsForNothing() throws {
        let desk = desk()
        let number = desk.add()
        #expect(try fail(desk, number, [busy, busy, busy, busy, broken, broken]).isEmpty)
        #expect(try fail(desk, number, [broken]) == ["http-500"])
    }

    @Test func anAnswerOfNoUseAfterBadWeatherIsAskedForAgainAsOften() throws {
        let desk = desk()
        let number = desk.add()
        let useless = CallVerdict.faulty(CallFault("json", "no JSON"), splits: true)
        #expect(try fail(desk, number, [busy, busy, busy, useless, useless]).isEmpty)
        #expect(try fail(desk, number, [useless]) == ["json"])
    }

    /// Others were answered at first; then nobody is.
    @Test func silenceIsTheRecordsOnlyWhereOthersWereAnsweredSinceTheLastTime() throws {
        let desk = desk()
        let number = desk.add()
        #expect(try fail(desk, number, [hung, hung]).isEmpty)
        // What is answered before the second silence tells nothing of those after it.
        for _ in 0..<5 {
            desk.finish(try #require(desk.calls().first { $0.numbers == [number] }), hung)
            #expect(desk.done().isEmpty)
            desk.now += .seconds(70)
        }
        #expect(try fail(desk, number, [hung]) == ["timeout"])
    }
}
