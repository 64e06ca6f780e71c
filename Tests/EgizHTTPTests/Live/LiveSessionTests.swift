import EgizCore
import EgizRuntime
import EgizTwin
import TestSupport
import Testing

@testable import EgizHTTP

@Suite struct LiveSessionTests {
    private typealias Fixture = LiveFixture

    private func frames(_ session: inout LiveSession) throws -> [String] {
        try Fixture.told(session.takeFrames(resume: "token"))
    }

    // MARK: What is meant for whom

    @Test func aSubscriptionGetsWhatItNames() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription(things: ["t:a"], kinds: [.twin]), filter: nil, waits: false)
        session.offer(Fixture.twin(1, ["/attributes/a=1"]))
        session.offer(Fixture.twin(2, ["/attributes/a=2"], thing: "t:b"))
        session.offer(
            Fixture.item(Fixture.record("alert", 1, #"{"thingId":"t:a","key":"k","raisedAt":"x","revision":1}"#)))
        #expect(try frames(&session) == ["twin t:a 1 changed /attributes/a=1"])
    }

    @Test func whatMayNotBeSeenIsNotTold() throws {
        var session = Fixture.session(Fixture.member(Fixture.projectA))
        try session.subscribe(Fixture.subscription(kinds: Set(LiveKind.allCases)), filter: nil, waits: false)
        session.offer(Fixture.twin(1, ["/a=1"], thing: "t:a", project: Fixture.projectA))
        session.offer(Fixture.twin(2, ["/a=1"], thing: "t:b", project: Fixture.projectB))
        session.offer(Fixture.twin(3, ["/a=1"], thing: "t:c", project: nil))
        session.offer(
            Fixture.item(Fixture.record("registry", 1, #"{"kind":"topology","project":null}"#, key: "topology:x")))
        session.offer(
            Fixture.item(
                Fixture.record(
                    "registry", 2, #"{"project":"22222222-2222-2222-2222-222222222222"}"#, key: "twin-type:x")))
        session.offer(Fixture.item(Fixture.record("weather", 1, #"{"what":"rain"}"#, key: "no-thing")))
        #expect(try frames(&session) == ["twin t:a 1 changed /a=1"])
    }

    @Test func ofTwinsOnlyTheNamedPathsAreTold() throws {
        var session = Fixture.session()
        let subscription = Fixture.subscription(paths: ["/features/*/properties/x"])
        try session.subscribe(subscription, filter: LivePathFilter(patterns: subscription.patterns), waits: false)
        session.offer(Fixture.twin(1, ["/features/f/properties/x=1", "/features/f/properties/y=1"]))
        session.offer(Fixture.twin(2, ["/features/f/properties/y=2"]))
        session.offer(Fixture.twin(3, ["/features/f="]))
        session.offer(Fixture.twin(4, ["/attributes="]))
        session.offer(Fixture.twin(5, [], change: "deleted"))
        #expect(
            try frames(&session) == [
                "twin t:a 1 changed /features/f/properties/x=1", "twin t:a 3 changed /features/f=",
                "twin t:a 5 deleted",
            ])
    }

    @Test func twoSubscriptionsOfOneThingTellAChangeOnceWithWhatEitherNames() throws {
        var session = Fixture.session()
        for (id, path) in [("x", "/attributes/x"), ("y", "/attributes/y")] {
            let subscription = Fixture.subscription(id, paths: [path])
            try session.subscribe(subscription, filter: LivePathFilter(patterns: subscription.patterns), waits: false)
        }
        session.offer(Fixture.twin(1, ["/attributes/x=1", "/attributes/y=2", "/attributes/z=3"]))
        #expect(try frames(&session) == ["twin t:a 1 changed /attributes/x=1 /attributes/y=2"])
    }

    // MARK: Slow clients

    @Test func aSlowClientGetsTheLastValueOfEachPath() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription(), filter: nil, waits: false)
        for offset in 1...500 as ClosedRange<Int64> {
            session.offer(Fixture.twin(offset, ["/attributes/\(offset % 3)=\(offset)"]))
            session.hold()
        }
        #expect(session.heldBytes < 2000, "it grows with the paths, not with the changes")
        #expect(
            try frames(&session) == [
                "twin t:a 500 changed /attributes/0=498 /attributes/1=499 /attributes/2=500"
            ])
        #expect(session.coalesced > 900 && !session.hasPending)
    }

    @Test func whatIsRemovedTakesWhatWaitsBelowItAlong() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription(), filter: nil, waits: false)
        session.offer(Fixture.twin(1, ["/features/f/properties/x=1", "/features/ff=1"]))
        session.hold()
        session.offer(Fixture.twin(2, ["/features/f="]))
        session.offer(Fixture.twin(3, ["/features/f/properties/y=3"]))
        #expect(
            try frames(&session) == [
                "twin t:a 3 changed /features/ff=1 /features/f= /features/f/properties/y=3"
            ])
    }

    @Test func alertsAndPropertiesCoalesceByTheirKeysAndOtherRecordsNotAtAll() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription(), filter: nil, waits: false)
        func alert(_ offset: Int64, _ key: String, _ raised: String) -> LiveItem {
            Fixture.item(
                Fixture.record(
                    "alert", offset, #"{"thingId":"t:a","key":"\#(key)","raisedAt":"\#(raised)","revision":\#(offset)}"#
                ))
        }
        session.offer(alert(1, "k", "1"))
        session.hold()
        session.offer(alert(2, "k", "1"))
        session.offer(alert(3, "k", "2"))
        for offset in 1...2 as ClosedRange<Int64> {
            session.offer(Fixture.item(Fixture.record("delivery", offset, #"{"thingId":"t:a","revision":\#(offset)}"#)))
        }
        #expect(
            try frames(&session) == ["alert t:a 2", "alert t:a 3", "notification t:a 1", "notification t:a 2"])
    }

    @Test func whereEvenTheLastValuesAreTooManyTheClientBeginsAnew() throws {
        var session = Fixture.session(mostBytes: 4000)
        try session.subscribe(Fixture.subscription("one"), filter: nil, waits: false)
        for offset in 1...100 as ClosedRange<Int64> {
            session.offer(Fixture.twin(offset, ["/attributes/\(offset)=1"]))
            session.hold()
        }
        #expect(session.hasOverflowed && session.heldBytes <= 4000)
        #expect(session.takeOverflow().map(\.id) == ["one"])
        #expect(session.takeOverflow().isEmpty, "once")
    }

    /// The same changes, told at once and told by the last values at random moments: the copies are the same.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func aSlowClientEndsWithWhatAQuickOneHas(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var slow = Fixture.session()
        try slow.subscribe(Fixture.subscription(), filter: nil, waits: false)
        var quickCopy = TwinCopy()
        var slowCopy = TwinCopy()
        func read(_ frames: [LiveFrame], _ copy: inout TwinCopy) throws {
            for frame in frames {
                for item in try JSONParser().parse(frame.json)["items"]?.array ?? [] {
                    try copy.apply(try #require(item["value"]?.object))
                }
            }
        }
        let paths = ["/a", "/a/b", "/a/b/c", "/a/bb", "/d", "/d/e"]
        for offset in 1...200 as ClosedRange<Int64> {
            let roll = Int.random(in: 0..<40, using: &random)
            let change = offset == 1 || roll == 0 ? "created" : roll == 1 ? "deleted" : "changed"
            let path = paths.randomElement(using: &random) ?? "/a"
            // As the publisher does it: what stands in the way is removed first.
            let parts = change == "deleted" ? [] : roll < 10 ? ["\(path)="] : ["\(path)=", "\(path)=\(offset)"]
            let item = Fixture.twin(offset, parts, change: change)
            var quick = Fixture.session()
            try quick.subscribe(Fixture.subscription(), filter: nil, waits: false)
            quick.offer(item)
            try read(quick.takeFrames(resume: nil), &quickCopy)
            slow.offer(item)
            slow.hold()
            if Int.random(in: 0..<10, using: &random) == 0 { try read(slow.takeFrames(resume: nil), &slowCopy) }
        }
        try read(slow.takeFrames(resume: nil), &slowCopy)
        #expect(slowCopy.document == quickCopy.document)
    }

    @Test func manyItemsGoOutInFramesOfBoundedSizeAndTheLastHasTheToken() throws {
        // What is held for 3000 things is more than a client may have by default.
        var session = Fixture.session(mostBytes: 8 << 20)
        try session.subscribe(Fixture.subscription(), filter: nil, waits: false)
        for offset in 1...3000 as ClosedRange<Int64> {
            session.offer(Fixture.twin(offset, ["/attributes/a=\(offset)"], thing: "t:\(offset)"))
        }
        let frames = session.takeFrames(resume: "token")
        #expect(frames.count > 2 && frames.reduce(0) { $0 + $1.count } == 3000)
        #expect(frames.allSatisfy { $0.json.count < 300 << 10 })
        #expect(frames.dropLast().allSatisfy { $0.resume == nil } && frames.last?.resume == "token")
    }

    // MARK: Rights

    @Test func whatWaitsAndMayNoLongerBeSeenIsDropped() throws {
        var session = Fixture.session(Fixture.member(Fixture.projectA, Fixture.projectB))
        try session.subscribe(Fixture.subscription(), filter: nil, waits: false)
        session.offer(Fixture.twin(1, ["/a=1"], thing: "t:a", project: Fixture.projectA))
        session.offer(Fixture.twin(1, ["/a=1"], thing: "t:b", project: Fixture.projectB))
        #expect(session.update(Fixture.member(Fixture.projectA)) == .fewer)
        session.offer(Fixture.twin(2, ["/a=2"], thing: "t:b", project: Fixture.projectB))
        #expect(try frames(&session) == ["twin t:a 1 changed /a=1"])
        #expect(session.update(Fixture.member(Fixture.projectA)) == .same)
        #expect(session.update(Fixture.member(Fixture.projectA, Fixture.projectB)) == .more)
        #expect(session.update(Fixture.admin) == .more)
    }

    @Test func whatIsHeldForAPageAndMayNoLongerBeSeenIsDropped() throws {
        var session = Fixture.session(Fixture.member(Fixture.projectA, Fixture.projectB))
        try session.subscribe(Fixture.subscription(), filter: nil, waits: true)
        session.beginPage("s")
        session.offer(Fixture.twin(1, ["/a=1"], thing: "t:a", project: Fixture.projectA))
        session.offer(Fixture.twin(1, ["/a=1"], thing: "t:b", project: Fixture.projectB))
        #expect(session.update(Fixture.member(Fixture.projectA)) == .fewer)
        _ = session.take(Fixture.page(), of: "s")
        #expect(try frames(&session) == ["twin t:a 1 changed /a=1"])
    }

    @Test func aConnectionHasABoundedNumberOfSubscriptions() throws {
        var session = Fixture.session()
        for number in 1...LiveSession.mostSubscriptions {
            try session.subscribe(Fixture.subscription("\(number)"), filter: nil, waits: false)
        }
        #expect(throws: Problem.self) { try session.subscribe(Fixture.subscription("more"), filter: nil, waits: false) }
        #expect(session.unsubscribe("1") && !session.unsubscribe("1"))
        try session.subscribe(Fixture.subscription("more"), filter: nil, waits: false)
    }
}
