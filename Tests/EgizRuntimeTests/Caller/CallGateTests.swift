import EgizCore
import Testing

@testable import EgizRuntime

/// What the threads of a stage share of their calls: places, breakers, rates, and what they learn from each other.
@Suite struct CallGateTests {
    typealias Desk = CallPlanTests.Desk

    private let away = CallVerdict.unavailable(CallFault("away", "nobody is there"))

    @Test func theThreadsOfAStageHaveTogetherNoMoreCallsUnderWayThanMayBe() throws {
        let first = Desk { $0.concurrency = 3 }
        let second = first.another()
        for desk in [first, second] { for _ in 0..<5 { desk.add() } }
        #expect(first.calls().count == 3)
        #expect(second.calls().isEmpty)
    }

    @Test func whoHasTheFewestCallsUnderWayGetsTheNextPlace() throws {
        let first = Desk { $0.concurrency = 3 }
        let second = first.another()
        for desk in [first, second] { for _ in 0..<5 { desk.add() } }
        let calls = first.calls()
        #expect(second.calls().isEmpty)
        first.answer(calls[0])
        #expect(first.calls().isEmpty, "the other one waits, and has none")
        #expect(second.calls().count == 1)
        first.answer(calls[1])
        #expect(second.calls().isEmpty, "one each, and the first was served before it")
        #expect(first.calls().count == 1)
    }

    @Test func whoWasServedLongestAgoGetsTheOnlyPlace() throws {
        let first = Desk { $0.concurrency = 1 }
        let second = first.another()
        for desk in [first, second] { for _ in 0..<4 { desk.add() } }
        var order: [Int] = []
        for _ in 0..<8 {
            for (number, desk) in [first, second].enumerated() {
                while let call = desk.calls().first {
                    order.append(number)
                    // Both look at what there is before the place is free again.
                    #expect(first.calls().isEmpty && second.calls().isEmpty)
                    desk.answer(call)
                }
            }
        }
        #expect(order == [0, 1, 0, 1, 0, 1, 0, 1])
    }

    @Test func nobodyKeepsAPlaceForAThreadThatHasSomethingElseToDo() throws {
        let first = Desk { $0.concurrency = 1 }
        let second = first.another()
        for desk in [first, second] { for _ in 0..<3 { desk.add() } }
        let call = try #require(first.calls().first)
        #expect(second.calls().isEmpty)
        first.answer(call)
        #expect(first.calls().isEmpty, "it is the other one's turn")
        // That one waits for Postgres, say.
        first.now += .milliseconds(101)
        #expect(first.calls().count == 1)
    }

    @Test func aBreakerThatOpensInOneThreadIsOpenInAllAndOneCallOfThemTries() throws {
        let first = Desk {
            $0.breakerFailures = 2
            $0.breakerPause = .seconds(8)
            $0.retryFirst = .milliseconds(1)
        }
        let second = first.another()
        for desk in [first, second] { for _ in 0..<2 { desk.add() } }
        for call in first.calls() { first.finish(call, away) }
        first.now += .seconds(3)
        #expect(second.calls().isEmpty, "the breaker is open")
        first.now += .seconds(6)
        let trial = second.calls()
        #expect(trial.count == 1 && first.calls().isEmpty, "one call tries")
        second.answer(trial[0])
        // Each lets the other one have a call in between.
        let calls = first.calls().count + second.calls().count + first.calls().count
        #expect(calls == 3, "and it is closed for both")
    }

    @Test(arguments: [true, false])
    func whileOneCallTriesThoseThatWereBegunBeforeItTellNothing(_ isAnswered: Bool) throws {
        let desk = Desk {
            $0.breakerFailures = 1
            $0.breakerPause = .seconds(1)
            $0.concurrency = 3
        }
        for _ in 0..<6 { desk.add() }
        let calls = desk.calls()
        #expect(calls.count == 3)
        desk.finish(calls[0], away)
        desk.now += .seconds(30)
        let trial = desk.calls()
        #expect(trial.count == 1)
        if isAnswered { desk.answer(calls[1]) } else { desk.finish(calls[1], away) }
        desk.abandon(calls[2].id)
        desk.now += .seconds(30)
        #expect(desk.calls().isEmpty, "the one that tries is still under way")
        desk.answer(trial[0])
        #expect(!desk.calls().isEmpty)
    }

    @Test func theTrialOfAThreadThatEndsIsMadeByAnother() throws {
        let first = Desk {
            $0.breakerFailures = 1
            $0.concurrency = 1
        }
        let second = first.another()
        for desk in [first, second] { desk.add() }
        first.finish(try #require(first.calls().first), away)
        first.now += .seconds(10)
        #expect(first.calls().count == 1)
        #expect(second.calls().isEmpty)
        first.leave()
        #expect(second.calls().count == 1)
    }

    @Test func aRateHoldsForAllThreadsAndEachGetsOn() throws {
        let first = Desk {
            $0.rate = 2
            $0.concurrency = 100
        }
        let second = first.another()
        for desk in [first, second] { for _ in 0..<20 { desk.add() } }
        var counts = [0, 0]
        while first.now < .seconds(6) {
            for (number, desk) in [first, second].enumerated() {
                for call in desk.calls() {
                    counts[number] += 1
                    desk.answer(call)
                }
            }
            first.now += .milliseconds(5)
        }
        // A burst of a second's worth, and then two a second.
        #expect((12...14).contains(counts[0] + counts[1]), "\(counts)")
        #expect(counts.allSatisfy { $0 >= 5 }, "\(counts)")
    }

    @Test func recordsInHandAreCountedOverAllThreads() {
        var gate = CallGate(policy: CallPolicy(), lanes: 1)
        gate.holds(3, of: 0)
        gate.holds(4, of: 1)
        #expect(gate.openRecords == 7)
        gate.leave(0)
        #expect(gate.openRecords == 4)
    }

    // MARK: Poison

    private let broken = CallVerdict.unavailable(CallFault("http-500", "it broke"), blame: .records)

    private let hung = CallVerdict.unavailable(CallFault("timeout", "no answer"), blame: .perhaps)

    /// Lets the only record of the desk fail so often.
    private func fail(_ desk: Desk, times: Int, _ verdict: CallVerdict) throws {
        for _ in 0..<times {
            desk.finish(try #require(desk.calls().first), verdict)
            desk.now += .seconds(20)
        }
    }

    @Test func whatOtherThreadsAreAnsweredShowsThatARecordIsAtFault() throws {
        let quiet = Desk { $0.breakerFailures = 1000 }
        let busy = quiet.another()
        quiet.add()
        try fail(quiet, times: 5, hung)
        #expect(quiet.done().isEmpty, "nobody has been answered: it may be the weather")
        busy.add()
        busy.answer(try #require(busy.calls().first))
        try fail(quiet, times: 1, hung)
        #expect(quiet.done().map(\.fault) == ["timeout"])
    }

    @Test func whereNothingElseIsAskedTheQuestionAnsweredLastIsAskedAgain() throws {
        let desk = Desk {
            $0.asksAgain = true
            $0.breakerFailures = 1000
        }
        desk.add()
        desk.answer(try #require(desk.calls().first))
        #expect(desk.done().map(\.number) == [1])
        desk.add()
        try fail(desk, times: 3, hung)
        let calls = desk.calls()
        #expect(calls.map(\.numbers) == [[1], [2]], "the one that was answered, and the one that was not")
        desk.finish(calls[1], hung)
        desk.answer(calls[0])
        #expect(desk.done().isEmpty, "it has not failed since")
        desk.now += .seconds(20)
        try fail(desk, times: 1, hung)
        #expect(desk.done().map(\.fault) == ["timeout"])
        #expect(desk.plan.openItems == 0 && desk.calls().isEmpty)
    }

    @Test func whereTheControlIsNotAnsweredEitherItIsTheWeather() throws {
        let desk = Desk {
            $0.asksAgain = true
            $0.breakerFailures = 1000
        }
        desk.add()
        desk.answer(try #require(desk.calls().first))
        _ = desk.done()
        desk.add()
        try fail(desk, times: 3, hung)
        for call in desk.calls() { desk.finish(call, hung) }
        for _ in 0..<50 {
            desk.now += .seconds(20)
            for call in desk.calls() {
                #expect(call.numbers == [2], "the control showed nothing, and is not asked again")
                desk.finish(call, hung)
            }
        }
        #expect(desk.done().isEmpty && desk.plan.openItems == 1)
        desk.now += .seconds(20)
        desk.answer(try #require(desk.calls().first))
        #expect(desk.done().map(\.fault) == [nil])
    }

    @Test func aControlIsNotAskedWhereARepeatedCallMayDoHarm() throws {
        let desk = Desk { $0.breakerFailures = 1000 }
        desk.add()
        desk.answer(try #require(desk.calls().first))
        _ = desk.done()
        desk.add()
        try fail(desk, times: 10, hung)
        #expect(desk.done().isEmpty)
    }

    /// The numbers of calls, `[]` for one that asks for the health.
    private func turn(_ desk: Desk, isWell: Bool, _ verdict: CallVerdict) -> [[Int64]] {
        var made: [[Int64]] = []
        for call in desk.calls() {
            made.append(call.numbers)
            if call.numbers.isEmpty {
                desk.plan.health(
                    0, isWell: isWell, illness: isWell ? nil : CallFault("http-503", "not well"), at: desk.now)
            } else {
                desk.finish(call, verdict)
            }
        }
        desk.now += .seconds(20)
        return made
    }

    @Test func aServiceThatIsWellAndWasNeverAnsweredAnythingElseIsBelievedAfterAWhile() throws {
        let desk = Desk {
            $0.breakerFailures = 1000
            $0.poisonAfter = .seconds(300)
        }
        desk.add()
        var made: [[Int64]] = []
        while desk.now < .seconds(290) { made += turn(desk, isWell: true, broken) }
        #expect(made.prefix(4) == [[1], [1], [1], []] && made.contains([]))
        #expect(desk.done().isEmpty, "not yet")
        for _ in 0..<3 { made += turn(desk, isWell: true, broken) }
        #expect(desk.done().map(\.fault) == ["http-500"])
    }

    @Test(arguments: [false, true])
    func aServiceThatIsNotWellOrOnlyHangsIsWaitedForHoweverLong(_ isWell: Bool) throws {
        let desk = Desk {
            $0.breakerFailures = 1000
            $0.poisonAfter = .seconds(300)
        }
        desk.add()
        for _ in 0..<100 {
            _ = turn(desk, isWell: isWell, isWell ? hung : broken)
        }
        #expect(desk.done().isEmpty && desk.plan.openItems == 1)
        #expect((desk.plan.trouble?.code == "timeout") == isWell)
    }

    /// Else one record that nobody can answer, being the oldest, would be every trial, and nobody else would ever be asked.
    @Test func aTrialIsAboutWhatHasFailedLeast() throws {
        let desk = Desk {
            $0.breakerFailures = 1
            $0.breakerPause = .seconds(5)
            $0.concurrency = 4
        }
        desk.add()
        try fail(desk, times: 4, broken)
        desk.add()
        desk.add()
        #expect(desk.calls().map(\.numbers) == [[2]], "the breaker is open, and one call tries")
        desk.now += .seconds(1)
        #expect(desk.calls().isEmpty)
        desk.answer((4711, [2]))
        #expect(desk.done().isEmpty, "an unknown call")
    }

    @Test func onePoisonedRecordKeepsNobodyFromBeingAsked() throws {
        let desk = Desk {
            $0.breakerFailures = 1
            $0.breakerPause = .seconds(5)
        }
        desk.add()
        try fail(desk, times: 4, broken)
        var done: [Int64: String] = [:]
        for _ in 0..<10 {
            desk.add()
            for call in desk.calls() { if call.numbers == [1] { desk.finish(call, broken) } else { desk.answer(call) } }
            for one in desk.done() { done[one.number] = one.fault ?? "ok" }
            desk.now += .seconds(20)
        }
        #expect(done[1] == "http-500")
        #expect(done.count >= 9 && done.filter { $0.value != "ok" }.count == 1, "\(done)")
    }

    @Test func whatIsToldOfItsHealthIsTroubleUntilACallIsAnswered() throws {
        let desk = Desk()
        desk.plan.health(0, isWell: false, illness: CallFault("away", "refused"), at: .zero)
        #expect(desk.plan.trouble?.code == "away")
        desk.add()
        desk.answer(try #require(desk.calls().first))
        #expect(desk.plan.trouble == nil)
        desk.plan.health(0, isWell: false, illness: CallFault("away", "refused"), at: .zero)
        desk.plan.health(0, isWell: true, illness: nil, at: .zero)
        #expect(desk.plan.trouble == nil)
    }
}
