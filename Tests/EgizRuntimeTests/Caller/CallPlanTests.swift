import EgizCore
import EgizTwin
import Testing

@testable import EgizRuntime

/// Which calls are made when, without a thread and without a clock.
@Suite struct CallPlanTests {
    /// What several desks share.
    final class Shared {
        var gate: CallGate
        var now = Duration.zero
        var desks = 0

        init(_ gate: CallGate) { self.gate = gate }
    }

    /// A plan with its clock.
    final class Desk {
        var plan: CallPlan
        let shared: Shared
        private let policy: CallPolicy
        private let lanes: [CallLane]
        private var number: Int64 = 1
        /// The wall clock.
        var clock = EventTime(microseconds: 1_000_000_000_000)

        var now: Duration {
            get { shared.now }
            set { shared.now = newValue }
        }

        convenience init(lanes: [CallLane] = [CallLane(name: "m")], _ change: (inout CallPolicy) -> Void = { _ in }) {
            var policy = CallPolicy()
            policy.batchSize = 1
            change(&policy)
            self.init(policy, lanes, Shared(CallGate(policy: policy, lanes: lanes.count)))
        }

        private init(_ policy: CallPolicy, _ lanes: [CallLane], _ shared: Shared) {
            (self.policy, self.lanes, self.shared) = (policy, lanes, shared)
            plan = CallPlan(policy: policy, lanes: lanes, seed: 7, desk: shared.desks)
            shared.desks += 1
        }

        /// Of another thread of the stage.
        func another() -> Desk { Desk(policy, lanes, shared) }

        func leave() { shared.gate.leave(plan.desk) }

        func expire() { plan.expire(at: now, shared.gate) }

        func abandon(_ id: Int64) { plan.abandon(id, lane: 0, at: now, through: &shared.gate) }

        @discardableResult
        func add(
            _ key: String = "a:b", at time: Int64 = 0, size: Int = 10, partition: Int32 = 0, offset: Int64? = nil,
            headers: [DeadLetter.Header] = []
        ) -> Int64 {
            let number = self.number
            self.number += 1
            let record = key.utf8.withContiguousStorageIfAvailable { key in
                CallRecord(
                    RawRecord(
                        topic: 0, partition: partition, offset: offset ?? number,
                        timestamp: EventTime(microseconds: time), key: UnsafeRawBufferPointer(key), value: nil),
                    topicName: "in", headers: headers)
            }
            guard let record else { return number }
            plan.add(
                CallItem(
                    number: number, record: record, question: CallQuestion(thing: nil, payload: .null, size: size)),
                at: now, wallClock: clock)
            return number
        }

        /// The numbers of the records of each call that is made now.
        func calls(lane: Int = 0) -> [(id: Int64, numbers: [Int64])] {
            var calls: [(id: Int64, numbers: [Int64])] = []
            while let call = plan.next(at: now, through: &shared.gate) {
                #expect(call.lane == lane)
                calls.append((call.id, call.items.map(\.number)))
            }
            return calls
        }

        func finish(_ call: (id: Int64, numbers: [Int64]), lane: Int = 0, _ verdict: CallVerdict) {
            plan.finish(call.id, lane: lane, verdict, took: .milliseconds(5), at: now, through: &shared.gate)
        }

        func answer(_ call: (id: Int64, numbers: [Int64]), lane: Int = 0) {
            finish(call, lane: lane, .answered(call.numbers.map { _ in .value(.null) }))
        }

        var wake: Duration? { plan.wake(at: now, through: &shared.gate) }

        func next() -> CallPlan.Call? { plan.next(at: now, through: &shared.gate) }

        func taken() -> [CallPlan.Done] { plan.takeDone() }

        /// Numbers and faults of what is done.
        func done() -> [(number: Int64, fault: String?, attempts: Int)] {
            expire()
            return plan.takeDone().map { ($0.item.number, $0.replies[0].fault?.code, $0.replies[0].attempts) }
        }
    }

    private let away = CallVerdict.unavailable(CallFault("away", "nobody is there"))

    @Test func aBatchIsCutWhenItIsFullOrItsFirstRecordHasWaitedLongEnough() {
        let desk = Desk {
            $0.batchSize = 3
            $0.batchDelay = .milliseconds(20)
        }
        for _ in 0..<4 { desk.add() }
        #expect(desk.calls().map(\.numbers) == [[1, 2, 3]])
        #expect(desk.wake == .milliseconds(20))
        desk.now = .milliseconds(20)
        #expect(desk.calls().map(\.numbers) == [[4]])
    }

    @Test func aBatchHoldsNoMoreBytesThanItMay() {
        let desk = Desk {
            $0.batchSize = 10
            $0.batchBytes = 25
        }
        for _ in 0..<5 { desk.add(size: 10) }
        desk.add(size: 100)
        #expect(desk.calls().map(\.numbers) == [[1, 2], [3, 4], [5], [6]])
    }

    @Test func noMoreCallsAreUnderWayThanMayBe() {
        let desk = Desk { $0.concurrency = 2 }
        for _ in 0..<3 { desk.add() }
        let calls = desk.calls()
        #expect(calls.map(\.numbers) == [[1], [2]])
        desk.answer(calls[1])
        #expect(desk.done().map(\.number) == [2])
        #expect(desk.calls().map(\.numbers) == [[3]])
    }

    @Test func whoIsAwayIsAskedTheSameAgainForAsLongAsItTakesEverMoreSeldom() throws {
        let desk = Desk {
            $0.batchSize = 2
            $0.breakerFailures = 1000
            $0.retryMost = .seconds(4)
        }
        desk.add()
        desk.add()
        var waits: [Duration] = []
        for _ in 0..<20 {
            let call = try #require(desk.calls().first)
            #expect(call.numbers == [1, 2])
            desk.finish(call, away)
            #expect(desk.done().isEmpty)
            let wake = try #require(desk.wake)
            waits.append(wake - desk.now)
            desk.now = wake
        }
        #expect(waits[0] >= .milliseconds(100) && waits[0] <= .milliseconds(200))
        #expect(waits[19] >= .seconds(2) && waits[19] <= .seconds(4))
        #expect(Set(waits).count == 20, "the waits have jitter")
        desk.answer(try #require(desk.calls().first))
        #expect(desk.done().map(\.attempts) == [21, 21])
    }

    @Test func aCallerThatGivesUpMakesDeadLettersOfWhatIsAway() throws {
        let desk = Desk { $0.mostAttempts = 2 }
        desk.add()
        for _ in 0..<2 {
            desk.finish(try #require(desk.calls().first), away)
            desk.now += .seconds(1)
        }
        #expect(desk.done().map(\.fault) == ["away"])
    }

    @Test func whatFailsWhileOthersAreAnsweredIsAtFaultItself() throws {
        let desk = Desk {
            $0.batchSize = 2
            $0.breakerFailures = 1000
        }
        desk.add()
        desk.add()
        let fault = CallVerdict.unavailable(CallFault("http-500", "it broke"), blame: .records)
        for _ in 0..<2 {
            desk.finish(try #require(desk.calls().first { $0.numbers == [1, 2] }), fault)
            desk.add()
            desk.add()
            desk.answer(try #require(desk.calls().first))
            desk.now += .seconds(20)
        }
        desk.finish(try #require(desk.calls().first), fault)
        #expect(desk.done().map(\.number) == [3, 4, 5, 6])
        // Divided: one of them was the poison.
        let singles = desk.calls()
        #expect(singles.map(\.numbers) == [[1], [2]])
        desk.answer(singles[0])
        desk.finish(singles[1], fault)
        #expect(desk.done().map(\.fault) == [nil, "http-500"])
        #expect(desk.plan.openItems == 0)
    }

    /// Contract 7: who is busy answers some and sends others away; those are healthy.
    @Test func whoIsSentAwayWhileOthersAreAnsweredIsNotAtFault() throws {
        let desk = Desk { $0.breakerFailures = 1000 }
        desk.add()
        let busy = CallVerdict.ofStatus(CallResponse(status: 429))
        for _ in 0..<50 {
            desk.finish(try #require(desk.calls().first { $0.numbers == [1] }), busy)
            let other = desk.add()
            desk.answer(try #require(desk.calls().first { $0.numbers == [other] }))
            #expect(desk.done().map(\.number) == [other])
            desk.now += .seconds(60)
        }
        desk.answer(try #require(desk.calls().first))
        #expect(desk.done().map(\.fault) == [nil])
    }

    @Test func anAnswerOfNoUseIsAskedForAgainThenOneByOneThenGivenUp() throws {
        let desk = Desk { $0.batchSize = 2 }
        desk.add()
        desk.add()
        let useless = CallVerdict.faulty(CallFault("json", "no JSON"), splits: true)
        for _ in 0..<3 {
            desk.finish(try #require(desk.calls().first { $0.numbers == [1, 2] }), useless)
            desk.now += .seconds(20)
        }
        let singles = desk.calls()
        #expect(singles.map(\.numbers) == [[1], [2]])
        desk.answer(singles[0])
        desk.finish(singles[1], useless)
        #expect(desk.done().map(\.fault) == [nil, "json"])
    }

    @Test func answersOfTheWrongNumberAreOfNoUse() throws {
        let desk = Desk { $0.attempts = 1 }
        desk.add()
        desk.finish(try #require(desk.calls().first), .answered([.value(.null), .value(.null)]))
        #expect(desk.done().map(\.fault) == ["length"])
    }

    @Test func aRefusedRequestIsDividedAtOnceAndNeverRepeated() throws {
        let desk = Desk { $0.batchSize = 2 }
        desk.add()
        desk.add()
        let refused = CallVerdict.refused(CallFault("http-422", "no"), splits: true)
        desk.finish(try #require(desk.calls().first), refused)
        let singles = desk.calls()
        #expect(singles.map(\.numbers) == [[1], [2]])
        for single in singles { desk.finish(single, refused) }
        #expect(desk.done().map(\.fault) == ["http-422", "http-422"])
        #expect(desk.calls().isEmpty)
    }

    @Test func afterFailuresInARowNobodyIsCalledUntilOneCallHasTriedIt() throws {
        let desk = Desk {
            $0.breakerFailures = 2
            $0.breakerPause = .seconds(8)
            $0.retryFirst = .milliseconds(1)
            $0.concurrency = 10
        }
        for _ in 0..<2 { desk.add() }
        for call in desk.calls() { desk.finish(call, away) }
        desk.now += .seconds(3)
        desk.add()
        #expect(desk.calls().isEmpty, "the breaker is open")
        desk.now = try #require(desk.wake)
        #expect(desk.now >= .seconds(4) && desk.now <= .seconds(8))
        let trial = desk.calls()
        #expect(trial.count == 1, "one call tries")
        desk.finish(trial[0], away)
        desk.now += .seconds(3)
        #expect(desk.calls().isEmpty, "it is open again")
        desk.now += .seconds(6)
        desk.answer(try #require(desk.calls().first))
        #expect(desk.calls().count == 2, "and closed")
    }

    @Test func aRateIsNotExceeded() throws {
        let desk = Desk {
            $0.rate = 2
            $0.concurrency = 100
        }
        for _ in 0..<10 { desk.add() }
        var starts: [Duration] = []
        while starts.count < 10 {
            for _ in desk.calls() { starts.append(desk.now) }
            if let wake = desk.wake { desk.now = max(wake, desk.now) }
        }
        #expect(starts[1] == .zero, "a burst of a second's worth")
        #expect(starts[9] >= .milliseconds(3999) && starts[9] <= .milliseconds(4001))
    }

    @Test func aShadowIsAskedOnceAndWaitedForOnlySoLong() throws {
        let desk = Desk(lanes: [CallLane(name: "m"), CallLane(name: "next", isShadow: true)]) {
            $0.shadowWait = .seconds(1)
        }
        desk.add()
        let main = try #require(desk.next())
        let shadow = try #require(desk.next())
        #expect(main.lane == 0 && shadow.lane == 1)
        desk.answer((main.id, [1]))
        #expect(desk.done().isEmpty)
        #expect(desk.wake == .seconds(1))
        desk.now = .seconds(1)
        desk.expire()
        let done = desk.taken()
        #expect(done.map { $0.replies.map { $0.fault?.code } } == [[nil, "shadow-late"]])
        // Its answer is nobody's by now.
        desk.answer((shadow.id, [1]), lane: 1)
        #expect(desk.done().isEmpty)
    }

    @Test func aShadowThatIsAwayHoldsNobodyUp() throws {
        let desk = Desk(lanes: [CallLane(name: "m"), CallLane(name: "next", isShadow: true)]) {
            $0.breakerFailures = 1
        }
        desk.add()
        while let call = desk.next() {
            desk.finish((call.id, [1]), lane: call.lane, call.lane == 0 ? .answered([.value(.null)]) : away)
        }
        #expect(desk.taken().map { $0.replies[1].fault?.code } == ["away"])
        desk.add()
        let main = try #require(desk.next())
        desk.answer((main.id, [2]))
        #expect(desk.done().map(\.fault) == [nil], "without a wait")
    }

    @Test func whatIsDroppedIsNeitherCalledNorDone() throws {
        let desk = Desk { $0.concurrency = 1 }
        desk.add()
        desk.add()
        let call = try #require(desk.calls().first)
        desk.plan.drop([1, 2])
        desk.answer(call)
        #expect(desk.done().isEmpty && desk.calls().isEmpty && desk.plan.openItems == 0 && desk.plan.openBytes == 0)
    }

    @Test func aCallThatIsGivenUpTellsNothingAndTheNextOneTries() throws {
        let desk = Desk {
            $0.breakerFailures = 1
            $0.breakerPause = .seconds(1)
        }
        desk.add()
        desk.finish(try #require(desk.calls().first), away)
        desk.now += .seconds(30)
        let trial = try #require(desk.calls().first)
        desk.plan.drop([1])
        desk.abandon(trial.id)
        desk.add()
        desk.answer(try #require(desk.calls().first))
        #expect(desk.done().map(\.number) == [2])
    }

    @Test func whereOrderIsKeptAKeyWaitsForItsFirstRecord() throws {
        let desk = Desk {
            $0.keepsOrder = true
            $0.concurrency = 10
        }
        for key in ["a", "a", "b", "a"] { desk.add(key) }
        let first = desk.calls()
        #expect(first.map(\.numbers) == [[1], [3]])
        desk.finish(first[0], away)
        #expect(desk.calls().isEmpty, "also while it is to be tried again")
        desk.now += .seconds(1)
        desk.answer(try #require(desk.calls().first { $0.numbers == [1] }))
        #expect(desk.calls().map(\.numbers) == [[2]])
    }

    @Test func aDeskIsFullByRecordsOrBytes() {
        let desk = Desk { $0.maxOpen = 2 }
        desk.add()
        #expect(!desk.plan.isFull)
        desk.add()
        #expect(desk.plan.isFull)
        let small = Desk { $0.maxOpenBytes = 100 }
        small.add()
        #expect(small.plan.isFull)
    }
}
