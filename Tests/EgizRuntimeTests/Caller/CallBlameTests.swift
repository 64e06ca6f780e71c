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

    // MARK: Gateways

    private static let gateways: [CallVerdict] = [
        status(502), status(504), .unavailable(CallFault("http-403", "not let in"), blame: .gateway),
    ]

    private func patient() -> Desk {
        Desk {
            $0.breakerFailures = 1000
            $0.poisonAfter = .seconds(300)
        }
    }

    @Test(arguments: gateways)
    func aGatewayIsBelievedOnceOthersWereAnsweredBetweenAllTriesForLongEnough(_ gateway: CallVerdict) throws {
        let desk = patient()
        let number = desk.add()
        // Five tries, each 70 s after the one before.
        #expect(try fail(desk, number, Array(repeating: gateway, count: 5)).isEmpty)
        #expect(try fail(desk, number, [gateway]).count == 1)
    }

    @Test(arguments: gateways)
    func whereNobodyIsAnsweredAGatewayTellsOfTheWeatherHoweverLong(_ gateway: CallVerdict) throws {
        let desk = patient()
        let number = desk.add()
        #expect(try fail(desk, number, Array(repeating: gateway, count: 5)).isEmpty)
        for _ in 0..<20 {
            for call in desk.calls() { desk.finish(call, gateway) }
            #expect(desk.done().isEmpty)
            desk.now += .seconds(70)
        }
        #expect(try fail(desk, number, Array(repeating: gateway, count: 4)).isEmpty, "an outage begins it anew")
    }

    @Test func anyOtherAnswerBeginsTheTimeOfTheGatewayAnew() throws {
        let desk = patient()
        let number = desk.add()
        let gateway = Self.gateways[0]
        for other in [busy, broken] {
            #expect(try fail(desk, number, Array(repeating: gateway, count: 5) + [other]).isEmpty)
        }
        #expect(try fail(desk, number, Array(repeating: gateway, count: 5)).isEmpty)
        #expect(try fail(desk, number, [gateway]) == ["http-502"])
    }

    @Test func withoutATimeAGatewayIsNeverBelieved() throws {
        let desk = desk()
        let number = desk.add()
        #expect(try fail(desk, number, Array(repeating: Self.gateways[0], count: 100)).isEmpty)
    }

    /// A batch of two of which the gateway refuses one.
    @Test func ofABatchThatAGatewayRefusesOnlyTheCulpritIsADeadLetter() throws {
        let desk = Desk {
            $0.breakerFailures = 1000
            $0.batchSize = 2
            $0.poisonAfter = .seconds(300)
        }
        let culprit = desk.add()
        desk.add()
        var faults: [Int64: String?] = [:]
        for _ in 0..<20 {
            for _ in 0..<2 { desk.add() }
            for _ in 0..<3 {
                let calls = desk.calls()
                for call in calls where !call.numbers.contains(culprit) { desk.answer(call) }
                for call in calls where call.numbers.contains(culprit) { desk.finish(call, Self.gateways[0]) }
            }
            for one in desk.done() { faults[one.number] = one.fault }
            desk.now += .seconds(70)
        }
        #expect(faults.filter { $0.value != nil }.mapValues { $0 ?? "" } == [culprit: "http-502"])
        #expect(faults.count == 42)
    }

    // MARK: Silence

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
