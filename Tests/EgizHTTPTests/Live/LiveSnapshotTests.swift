import EgizCore
import EgizPostgres
import EgizRuntime
import Testing

@testable import EgizHTTP

/// How a subscription's snapshot and what the log tells meanwhile come together.
@Suite struct LiveSnapshotTests {
    private typealias Fixture = LiveFixture

    private func frames(_ session: inout LiveSession) throws -> [String] {
        try Fixture.told(session.takeFrames(resume: "token"))
    }

    @Test func whatComesWhileTheSnapshotIsReadIsToldAfterItAndOnlyBeyondIt() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription(), filter: nil, waits: true)
        session.beginPage("s")
        session.offer(Fixture.twin(4, ["/attributes/a=4"]))
        session.offer(Fixture.twin(4, ["/attributes/b=4"], thing: "t:b"))
        #expect(session.isWaiting && !session.hasPending)
        _ = session.take(Fixture.page(Fixture.row("t:a", 4), Fixture.row("t:b", 3)), of: "s")
        #expect(!session.isWaiting)
        #expect(try frames(&session) == ["twin t:b 4 changed /attributes/b=4"])
        // Late records of the outbox: what the row has is left out, what is beyond it is told.
        session.offer(Fixture.twin(4, ["/attributes/a=4"]))
        session.offer(Fixture.twin(5, ["/attributes/a=5"]))
        #expect(try frames(&session) == ["twin t:a 5 changed /attributes/a=5"])
    }

    @Test func recordsOfOtherTopicsAreComparedByTheirRevision() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription(), filter: nil, waits: true)
        _ = session.take(Fixture.page(Fixture.row("t:a", 900, topic: "other", revision: 7)), of: "s")
        session.offer(Fixture.twin(6, ["/a=6"], revision: 7))
        session.offer(Fixture.twin(7, ["/a=7"], revision: 8))
        #expect(try frames(&session) == ["twin t:a 8 changed /a=7"])
    }

    /// The embedded log begins at 0 with each start, and a mended dead letter of telemetry has its old place.
    @Test func aHigherRevisionIsToldThoughItsRecordStandsBeforeTheRows() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription(), filter: nil, waits: true)
        _ = session.take(Fixture.page(Fixture.row("t:a", 999, revision: 7)), of: "s")
        session.offer(Fixture.twin(0, ["/a=7"], revision: 7))
        session.offer(Fixture.twin(1, ["/a=8"], revision: 8))
        #expect(try frames(&session) == ["twin t:a 8 changed /a=8"])
    }

    /// The log may lag behind the row: what it tells of the thing's beginning is no news.
    @Test func whatTheRowHasIsNotToldAlthoughItCreatedTheThing() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription(), filter: nil, waits: true)
        session.beginPage("s")
        session.offer(Fixture.twin(1, ["/attributes/a=1"], change: "created"))
        _ = session.take(Fixture.page(Fixture.row("t:a", 3)), of: "s")
        #expect(try frames(&session) == [])
        session.offer(Fixture.twin(4, ["/attributes/a=4"]))
        #expect(try frames(&session) == ["twin t:a 4 changed /attributes/a=4"])
    }

    /// While one takes its snapshot, the other goes on; and what the first's rows have is not what the second has.
    @Test func aSnapshotOfOneSubscriptionTakesNothingFromAnother() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription("all"), filter: nil, waits: false)
        let some = Fixture.subscription("some", paths: ["/features/**"])
        try session.subscribe(some, filter: LivePathFilter(patterns: some.patterns), waits: true)
        session.beginPage("some")
        session.offer(Fixture.twin(1, ["/attributes/a=1"]))
        #expect(try frames(&session) == ["twin t:a 1 changed /attributes/a=1"])
        _ = session.take(LivePiece(rows: [Fixture.row("t:a", 2)], through: "t:a", isPageEnd: true), of: "some")
        session.offer(Fixture.twin(2, ["/attributes/a=2", "/features/f/properties/x=2"]))
        #expect(try frames(&session) == ["twin t:a 2 changed /attributes/a=2 /features/f/properties/x=2"])
        let isEnded = session.unsubscribe("some")
        #expect(isEnded)
        session.offer(Fixture.twin(3, ["/attributes/a=3"]))
        #expect(try frames(&session) == ["twin t:a 3 changed /attributes/a=3"])
    }

    /// Its page has no row that would say so.
    @Test func thatAThingIsGoneIsToldBeforeItsPageAndAfterIt() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription("other"), filter: nil, waits: false)
        try session.subscribe(Fixture.subscription(), filter: nil, waits: true)
        session.offer(Fixture.twin(1, ["/a=1"], change: "created"))
        let isEnded = session.unsubscribe("other")
        #expect(isEnded)
        session.offer(Fixture.twin(2, [], change: "deleted"))
        #expect(try frames(&session) == ["twin t:a 1 created /a=1", "twin t:a 2 deleted"])
        session.beginPage("s")
        session.offer(Fixture.twin(4, [], thing: "t:b", change: "deleted"))
        #expect(try frames(&session) == ["twin t:b 4 deleted"])
        _ = session.take(Fixture.page(Fixture.row("t:b", 3)), of: "s")
        #expect(try frames(&session) == ["twin t:b 4 deleted"], "the page was read before it")
    }

    @Test func noTokenIsGivenBeforeTheSnapshotIsComplete() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription("live", kinds: [.twin]), filter: nil, waits: false)
        session.offer(Fixture.twin(1, ["/a=1"]))
        #expect(session.takeFrames(resume: "token").last?.resume == "token")
        try session.subscribe(Fixture.subscription("new", kinds: [.alert]), filter: nil, waits: true)
        session.offer(Fixture.twin(2, ["/a=2"]))
        #expect(session.takeFrames(resume: "token").map(\.resume) == [nil])
        _ = session.take(Fixture.page(), of: "new")
        session.offer(Fixture.twin(3, ["/a=3"]))
        #expect(session.takeFrames(resume: "token").last?.resume == "token")
    }

    private func prediction(_ offset: Int64, thing: String = "t:a") -> LiveItem {
        let value = #"{"thingId":"\#(thing)","task":"k","model":"m","shadow":false,"revision":\#(offset)}"#
        return Fixture.item(
            TailBatch.Record(
                partition: TopicPartition("ml.output.v1.k", 0), offset: offset, key: Array(thing.utf8),
                value: Array(value.utf8), time: offset))
    }

    private func row(of item: LiveItem, at offset: Int64) -> LiveRow {
        Fixture.row(
            item.thing ?? "", offset, kind: .prediction, key: item.key ?? "", topic: item.partition.topic, revision: 0)
    }

    @Test func predictionsAreComparedByTheirOwnPlace() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription(kinds: [.prediction]), filter: nil, waits: true)
        _ = session.take(Fixture.page(row(of: prediction(4), at: 7)), of: "s")
        session.offer(prediction(4))
        #expect(try frames(&session) == [])
        session.offer(prediction(8))
        #expect(try frames(&session).count == 1)
    }

    /// Models are written to the log first: the row that is read afterwards may be older than what was told.
    @Test func aPredictionThatWasToldIsNotFollowedByAnOlderRow() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription(kinds: [.prediction]), filter: nil, waits: true)
        session.offer(prediction(5))
        session.offer(prediction(5, thing: "t:b"))
        #expect(try frames(&session).count == 2, "what says everything by itself does not wait for its page")
        session.beginPage("s")
        let rows = [row(of: prediction(5), at: 4), row(of: prediction(5, thing: "t:b"), at: 6)]
        let taken = session.take(LivePiece(rows: rows, isPageEnd: true), of: "s")
        let sent = try #require(taken)
        #expect(sent.map(\.count) == [1], "the row of t:b alone")
    }

    // MARK: Pages

    /// However much happens to things whose page is not begun, nothing of it is kept: the page will have it.
    @Test func aSnapshotOfManyChangingThingsNeverOverflows() throws {
        var session = Fixture.session(mostBytes: 4000)
        try session.subscribe(Fixture.subscription(kinds: [.twin]), filter: nil, waits: true)
        var told: [String] = []
        for page in 0..<10 {
            session.beginPage("s")
            // Of each thing something comes while the page is read that ends with t:<page>9.
            session.offer(Fixture.twin(5, ["/a=5"], thing: "t:\(page)5"))
            let rows = (0..<10).map { Fixture.row(ByteText("t:\(page)\($0)"), 4) }
            let through: ByteText? = page == 9 ? nil : ByteText("t:\(page)9")
            let taken = session.take(LivePiece(rows: rows, through: through, isPageEnd: true), of: "s")
            let sent = try #require(taken)
            #expect(sent.map(\.type) == ["snapshot"] && sent.map(\.count) == [10])
            told += try frames(&session)
            for thing in 0..<100 {
                session.offer(Fixture.twin(6, ["/a=6"], thing: "t:\(thing / 10)\(thing % 10)"))
            }
            #expect(!session.hasOverflowed)
            let changes = try frames(&session)
            #expect(changes.count == (page == 9 ? 100 : (page + 1) * 10), "only of things whose rows are out")
        }
        #expect(told == (0..<10).map { "twin t:\($0)5 5 changed /a=5" })
    }

    @Test func whatComesOfLaterPagesWhileOneIsReadIsLeftToThem() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription(), filter: nil, waits: true)
        session.beginPage("s")
        session.offer(Fixture.twin(5, ["/a=5"], thing: "t:a"))
        session.offer(Fixture.twin(5, ["/a=5"], thing: "t:z"))
        _ = session.take(LivePiece(rows: [Fixture.row("t:b", 1)], through: "t:b", isPageEnd: true), of: "s")
        #expect(try frames(&session) == ["twin t:a 5 changed /a=5"], "a thing that came after the page was read")
        session.beginPage("s")
        _ = session.take(Fixture.page(Fixture.row("t:z", 5)), of: "s")
        #expect(try frames(&session) == [])
    }

    @Test func theNextPieceOfAPageStillHasWhatCameSinceThePageWasRead() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription(), filter: nil, waits: true)
        session.beginPage("s")
        session.offer(Fixture.twin(5, ["/a=5"], thing: "t:b"))
        _ = session.take(LivePiece(rows: [Fixture.row("t:a", 1)], through: "t:a"), of: "s")
        session.offer(Fixture.twin(6, ["/b=6"], thing: "t:b"))
        #expect(try frames(&session) == [])
        _ = session.take(Fixture.page(Fixture.row("t:b", 4)), of: "s")
        #expect(try frames(&session) == ["twin t:b 6 changed /a=5 /b=6"])
    }

    @Test func aPageDuringWhichTooMuchCameIsReadAgain() throws {
        var session = Fixture.session(mostBytes: 2000)
        try session.subscribe(Fixture.subscription(), filter: nil, waits: true)
        session.beginPage("s")
        for number in 1...20 { session.offer(Fixture.twin(5, ["/a=5"], thing: "t:\(number)")) }
        let page = Fixture.page(Fixture.row("t:1", 4))
        let first = session.take(page, of: "s")
        #expect(first == nil && !session.hasOverflowed)
        session.beginPage("s")
        let second = session.take(Fixture.page(Fixture.row("t:1", 5)), of: "s")
        #expect(second?.map(\.count) == [1] && !session.isWaiting)
    }

    @Test func alertsAndPropertiesAreToldAtOnceAndNotFollowedByAnOlderRow() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription(kinds: [.alert, .notification]), filter: nil, waits: true)
        session.beginPage("s")
        let alert = Fixture.item(
            Fixture.record("alert", 1, #"{"thingId":"t:a","key":"k","raisedAt":"x","revision":7}"#))
        session.offer(alert)
        session.offer(Fixture.item(Fixture.record("weather", 1, #"{"revision":1}"#)))
        #expect(try frames(&session) == ["alert t:a 7", "notification t:a 1"])
        let older = Fixture.row("t:a", 6, kind: .alert, key: alert.key ?? "")
        let none = session.take(Fixture.page(older), of: "s")
        #expect(try #require(none).isEmpty)
    }

    /// A client that has not read x@5 yet gets it before the row that has x@10, and not after it.
    @Test func whatWaitsForASlowClientGoesOutBeforeNewerRows() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription("b"), filter: nil, waits: false)
        session.offer(Fixture.twin(5, ["/a=5"]))
        session.hold()
        try session.subscribe(Fixture.subscription("a"), filter: nil, waits: true)
        session.beginPage("a")
        let page = session.take(Fixture.page(Fixture.row("t:a", 10)), of: "a")
        let sent = try #require(page)
        #expect(sent.map(\.type) == ["changes", "snapshot"])
        #expect(try Fixture.told(sent) == ["twin t:a 5 changed /a=5", "row"])
        #expect(!session.hasPending)
    }

    @Test func aRestartThrowsAwayWhatWaits() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription("b"), filter: nil, waits: false)
        session.offer(Fixture.twin(5, ["/a=5"]))
        session.hold()
        let begun = session.restart()
        #expect(begun.map(\.id) == ["b"] && !session.hasPending, "it is of another log, or in the snapshots to come")
    }

    @Test func whatRowsWereComparedWithIsForgottenWhenItIsOld() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription(), filter: nil, waits: true)
        _ = session.take(Fixture.page(Fixture.row("t:a", 9)), of: "s")
        session.forgetFloors()
        session.offer(Fixture.twin(9, ["/a=9"]))
        #expect(try frames(&session) == [], "once is not old")
        session.forgetFloors()
        session.offer(Fixture.twin(9, ["/a=9"]))
        #expect(try frames(&session) == ["twin t:a 9 changed /a=9"], "told again, which changes nothing")
    }

    // MARK: Coming back

    @Test func whatCameMeanwhileIsForTheOneWhoAsksAndNotForThoseWhoHadIt() throws {
        var session = Fixture.session()
        let items = (6...8).map { Fixture.twin(Int64($0), ["/a=\($0)"]) }
        try session.subscribe(Fixture.subscription("a"), filter: nil, waits: true)
        _ = session.take(Fixture.page(Fixture.row("t:a", 5)), of: "a")
        for item in items { session.offer(item) }
        #expect(try frames(&session).count == 3)
        try session.subscribe(Fixture.subscription("b"), filter: nil, waits: false, hasBase: true)
        session.replay(items, to: "b")
        #expect(try frames(&session) == [], "the client has it by the other subscription")
        try session.subscribe(Fixture.subscription("c", things: ["t:a"]), filter: nil, waits: false, hasBase: true)
        let ends = session.unsubscribe("a") && session.unsubscribe("b")
        #expect(ends)
        session.replay(items, to: "c")
        #expect(try frames(&session).count == 3)
    }

    /// One that began without a snapshot has only what came since.
    @Test func whoBeganWithoutTheStateHasNotHadWhatCameBefore() throws {
        var session = Fixture.session()
        try session.subscribe(Fixture.subscription("news"), filter: nil, waits: false)
        try session.subscribe(Fixture.subscription("b"), filter: nil, waits: false, hasBase: true)
        session.replay([Fixture.twin(6, ["/a=6"])], to: "b")
        #expect(try frames(&session) == ["twin t:a 6 changed /a=6"])
    }

    @Test func whereAnotherHadAPartThatIsToldAgainInItsOrder() throws {
        var session = Fixture.session()
        func enter(_ id: String, _ path: String) throws {
            let subscription = Fixture.subscription(id, paths: [path])
            try session.subscribe(
                subscription, filter: LivePathFilter(patterns: subscription.patterns), waits: false, hasBase: true)
        }
        try enter("a", "/a")
        try enter("b", "/b")
        // The client forgets all of a thing that was deleted: what the other subscription told has to come again as well.
        session.replay(
            [Fixture.twin(6, [], change: "deleted"), Fixture.twin(7, ["/a=7", "/b=7", "/c=7"], change: "created")],
            to: "b")
        #expect(try frames(&session) == ["twin t:a 6 deleted", "twin t:a 7 created /a=7 /b=7"])
    }

    // MARK: Things that change their project

    @Test(
        arguments: [
            (nil, LiveFixture.projectA, true), (LiveFixture.projectA, LiveFixture.projectB, true),
            (LiveFixture.projectB, LiveFixture.projectA, true), (LiveFixture.projectB, nil, false),
        ] as [(ProjectID?, ProjectID?, Bool)])
    func aMoveConcernsWhoSeesTheThingsBeforeOrAfterIt(before: ProjectID?, after: ProjectID?, isConcerned: Bool) throws {
        var session = Fixture.session(Fixture.member(Fixture.projectA))
        try session.subscribe(Fixture.subscription(), filter: nil, waits: false)
        for isNamespace in [true, false] {
            let move = LiveMove(
                id: 1, subject: isNamespace ? "t" : "t:a", isNamespace: isNamespace, before: before, after: after)
            #expect(session.isConcerned(by: [move]) == isConcerned)
        }
    }

    @Test func aMoveDoesNotConcernWhoNamesOtherThingsOrSeesAll() throws {
        func move(_ subject: String, _ isNamespace: Bool) -> LiveMove {
            LiveMove(
                id: 1, subject: subject, isNamespace: isNamespace, before: nil, after: Fixture.projectA)
        }
        var named = Fixture.session(Fixture.member(Fixture.projectA))
        try named.subscribe(Fixture.subscription(things: ["t:a"]), filter: nil, waits: false)
        #expect(named.isConcerned(by: [move("t", true)]) && named.isConcerned(by: [move("t:a", false)]))
        #expect(!named.isConcerned(by: [move("t:", false), move("tt", true), move("t:ab", false), move("", true)]))
        var admin = Fixture.session()
        try admin.subscribe(Fixture.subscription(), filter: nil, waits: false)
        #expect(!admin.isConcerned(by: [move("t", true)]))
        try admin.subscribe(Fixture.subscription("p", projects: [Fixture.projectA]), filter: nil, waits: false)
        #expect(admin.isConcerned(by: [move("t", true)]), "it is of a project's things")
    }

    /// A project whose things are registered one after the other, before there are any.
    @Test func aThingThatIsRegisteredBeforeThereIsOneConcernsWhoNamesItAlone() throws {
        let move = LiveMove(
            id: 1, subject: "t:a", isNamespace: false, before: nil, after: Fixture.projectA, matters: false)
        var session = Fixture.session(Fixture.member(Fixture.projectA))
        try session.subscribe(Fixture.subscription("broad"), filter: nil, waits: false)
        try session.subscribe(Fixture.subscription("other", things: ["t:b"]), filter: nil, waits: false)
        #expect(!session.isConcerned(by: [move]))
        try session.subscribe(Fixture.subscription("named", things: ["t:a"]), filter: nil, waits: false)
        #expect(session.isConcerned(by: [move]))
    }

    @Test func whoMaySeeOtherThingsHasAnotherToken() throws {
        let sights = [
            Fixture.admin, Fixture.member(), Fixture.member(Fixture.projectA), Fixture.member(Fixture.projectB),
            Fixture.member(Fixture.projectA, Fixture.projectB),
        ].map(\.sight)
        #expect(Set(sights).count == sights.count)
        #expect(Fixture.member(Fixture.projectB, Fixture.projectA).sight == sights[4])
        let token = LiveToken(log: "l", moves: 7, positions: [:], sight: sights[3])
        #expect(LiveToken(parsing: token.text) == token)
    }
}
