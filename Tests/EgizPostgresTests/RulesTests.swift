import EgizCore
import EgizProcessors
import EgizRuntime
import EgizTwin
import Testing

@testable import EgizPostgres

/// Scenes, alerts, the registry and the inbox, as the store keeps them (rules 19 and 20).
@Suite struct RulesTests {
    let database: TestDatabase
    let store: PostgresTaskStore
    let lease: TaskLease
    let writer: PostgresEpochWriter

    init() throws {
        database = try TestDatabase()
        store = database.store()
        lease = try #require(store.acquire([Epochs.task()], partitions: 2, topologyVersion: 1).first)
        writer = database.writer()
    }

    private func commit(_ n: Int64, _ fill: (EpochWrite) throws -> Void) throws {
        let epoch = Epochs.write([Epochs.advance(lease, n)])
        try fill(epoch)
        try land(epoch)
    }

    private func land(_ epoch: EpochWrite) throws {
        let outcome = try writer.commit(epoch)
        guard case .committed = outcome else { throw EngineError(.bug, .stop, "not committed: \(outcome)") }
    }

    private func scene(_ thing: String, _ object: String, _ value: String?, cause: InputPosition? = nil) throws
        -> SceneRow
    {
        SceneRow(
            home: Epochs.task(), processor: "scene", thing: try ThingID(validating: thing), object: object,
            target: "color", value: value,
            revision: 3, time: EventTime(microseconds: Epochs.start), cause: cause)
    }

    private func alert(
        _ thing: String, _ key: String, _ state: AlertRow.State = .raised, severity: AlertRow.Severity = .error,
        message: String = "hot", at second: Int64 = 0
    ) throws -> AlertRow {
        let time = EventTime(microseconds: Epochs.start + second * Epochs.second)
        return AlertRow(
            home: Epochs.task(), processor: "alerts", thing: try ThingID(validating: thing), key: key, rule: "hot",
            severity: severity, state: state, message: message, raisedAt: time, updatedAt: time,
            acknowledgedAt: state == .acknowledged ? time : nil, acknowledgedBy: state == .acknowledged ? "maria" : nil,
            clearedAt: state == .cleared ? time : nil, revision: 3,
            cause: InputPosition(topic: "twins", partition: 0, offset: 7))
    }

    @Test func propertiesOfScenesAreReplacedAndDeleted() throws {
        try commit(1) { epoch in
            epoch.scenes = [
                try scene("a:b", "A", #""a\u0000b""#, cause: InputPosition(topic: "twins", partition: 0, offset: 7)),
                try scene("a:b", "B", "[1,2.5]"), try scene("a:c", "A", "true"),
            ]
        }
        try commit(2) { epoch in epoch.scenes = [try scene("a:b", "A", nil), try scene("a:b", "B", "2")] }
        let queries = AlertQueries(database.connection)
        let rows = try queries.scene(try ThingID(validating: "a:b"), after: nil, limit: 100)
        #expect(rows.map { "\($0.object) \($0.target) \(String(decoding: $0.value, as: UTF8.self))" } == ["B color 2"])
        #expect(rows.first?.cause == nil && rows.first?.revision == 3)
        #expect(try queries.scene(try ThingID(validating: "a:c"), after: nil, limit: 100).count == 1)
    }

    @Test func anAlertIsOneRowOverItsLifeAndKeepsWhatPeopleWroteOfIt() throws {
        let queries = AlertQueries(database.connection)
        try commit(1) { epoch in epoch.alerts = [try alert("a:b", "heat", message: "nul \u{0}")] }
        let id = try #require(try queries.page(.init(isOpen: true), limit: 10).alerts.first).id
        #expect(try queries.note(id, text: "is being looked at", assignee: "jo", by: "maria"))
        try commit(2) { epoch in epoch.alerts = [try alert("a:b", "heat", .acknowledged)] }
        let stored = try #require(try queries.alert(id))
        #expect(stored.state == "acknowledged" && stored.acknowledgedBy == "maria" && stored.assignee == "jo")
        #expect(stored.cause == InputPosition(topic: "twins", partition: 0, offset: 7))
        try commit(3) { epoch in
            epoch.alerts = [
                try alert("a:b", "heat", .cleared), try alert("a:b", "heat", at: 5),
                try alert("a:c", "x", severity: .info),
            ]
        }
        #expect(try queries.page(.init(isOpen: true), limit: 10).alerts.map(\.thing) == ["a:c", "a:b"])
        #expect(try queries.page(.init(severity: .error), limit: 10).alerts.map(\.state) == ["raised", "cleared"])
        let thing = try ThingID(validating: "a:b")
        let first = try queries.page(.init(thing: thing), limit: 1)
        #expect(first.hasMore && first.alerts.count == 1)
        let second = try queries.page(.init(thing: thing), before: first.alerts.first?.id, limit: 1)
        #expect(!second.hasMore && second.alerts.map(\.id) == [id])
    }

    @Test func messagesOfPeopleGoToTheTaskAndAreDeletedWithTheEpochThatConsumesThem() throws {
        let queries = AlertQueries(database.connection)
        try commit(1) { epoch in
            epoch.alerts = [try alert("a:b", "heat"), try alert("a:c", "heat", .cleared)]
        }
        let alerts = try queries.page(.init(), limit: 10).alerts
        let open = try #require(alerts.first { $0.thing == "a:b" })
        let cleared = try #require(alerts.first { $0.thing == "a:c" })
        #expect(try queries.ask("acknowledge", of: open.id, by: "maria"))
        #expect(try !queries.ask("clear", of: cleared.id, by: nil), "it is over")
        #expect(try !queries.ask("clear", of: 99, by: nil))
        let messages = try store.inbox(of: [lease], limit: 10)
        #expect(
            messages.map(\.action) == ["acknowledge"] && messages.first?.subject == "heat"
                && messages.first?.by == "maria")
        #expect(messages.first?.processor == "alerts" && messages.first?.task == lease.task)
        #expect(messages.first?.raisedAt?.microseconds == Epochs.start, "it says which alert of that key is meant")
        // A fenced epoch consumes nothing.
        var stale = lease
        stale.ownerEpoch -= 1
        let fenced = Epochs.write([Epochs.advance(stale, 2)])
        fenced.consumed = messages.map(\.id)
        guard case .fenced([lease.task]) = try writer.commit(fenced) else {
            Issue.record("an epoch with an old fence was taken")
            return
        }
        #expect(try database.count("inbox") == 1)
        try commit(2) { $0.consumed = messages.map(\.id) }
        #expect(try store.inbox(of: [lease], limit: 10).isEmpty)
    }

    @Test func whatAProcessorThatIsGoneLeftEndsWithTheSweepOfItsThings() throws {
        func state(_ processor: String, _ thing: String) throws -> StateRow {
            StateRow(
                home: Epochs.task(), processor: processor, thing: try ThingID(validating: thing), version: 1, bytes: [1]
            )
        }
        try commit(1) { epoch in
            epoch.twins = [try Epochs.twin("a:b"), try Epochs.twin("a:c")]
            epoch.states = [
                try state("alerts", "a:b"), try state("alerts", "a:c"), try state("rollup", "a:b"),
                try state("scene", "a:b"),
            ]
            epoch.scenes = [try scene("a:b", "A", "1"), try scene("a:c", "A", "1")]
            epoch.alerts = [try alert("a:b", "heat"), try alert("a:b", "old", .cleared), try alert("a:c", "heat")]
        }
        let time = EventTime(microseconds: Epochs.start + 9 * Epochs.second)
        func sweep(_ n: Int64, _ things: [String], _ processors: [String]) throws {
            try commit(n) { epoch in
                epoch.sweeps = [
                    RulesSweep(
                        task: lease.task, things: try things.map { try ThingID(validating: $0) },
                        processors: processors, time: time)
                ]
            }
        }
        func stored() throws -> [String] {
            try database.connection.query(
                """
                select 'alert ' || thing_id || ' ' || alert_key || ' ' || state from egiz.alert
                union all select 'scene ' || thing_id from egiz.scene
                union all select 'state ' || thing_id || ' ' || processor from egiz.state
                order by 1
                """
            ).compactMap { $0.text(0) }
        }
        let before = try stored()
        try sweep(2, ["a:b", "a:c"], ["alerts", "scene"])
        #expect(try stored() == before, "nothing is gone")
        try sweep(3, ["a:b"], ["other"])
        #expect(
            try stored() == [
                "alert a:b heat cleared", "alert a:b old cleared", "alert a:c heat raised", "scene a:c",
                "state a:b rollup", "state a:c alerts",
            ])
        let cleared = try AlertQueries(database.connection).page(.init(), limit: 10).alerts.first {
            $0.thing == "a:b" && $0.key == "heat"
        }
        #expect(cleared?.clearedAt == time)
    }

    @Test func whatAStageLeftThatIsGoneEndsAndItLooksAtAllThingsWhenItComesBack() throws {
        let deployments = PostgresDeploymentStore(url: database.url)
        try commit(1) { epoch in
            epoch.tasks[0].rules = RulesProgress(version: 3, fingerprint: 77, reviewedThrough: nil)
            epoch.states = try ["alerts", "rollup"].map { processor in
                StateRow(
                    home: lease.task, processor: processor, thing: try ThingID(validating: "a:b"), version: 1,
                    bytes: [1])
            }
            epoch.scenes = [try scene("a:b", "A", "1")]
            epoch.alerts = [
                try alert("a:b", "heat", at: 20), try alert("a:b", "old", .cleared), try alert("a:c", "heat"),
            ]
        }
        func stored() throws -> [String] {
            try database.connection.query(
                """
                select 'alert ' || thing_id || ' ' || alert_key || ' ' || state || ' '
                    || extract(epoch from updated_at - timestamptz '2026-01-01T00:00:00Z')::int from egiz.alert
                union all select 'scene ' || thing_id from egiz.scene
                union all select 'state ' || thing_id || ' ' || processor from egiz.state
                union all select 'rules ' || rules_fingerprint from egiz.task where rules_fingerprint is not null
                order by 1
                """
            ).compactMap { $0.text(0) }
        }
        let before = try stored()
        #expect(before.count == 7)
        #expect(try deployments.endStages(of: "line", except: [Epochs.stage], by: nil))
        #expect(try deployments.endStages(of: "other", except: [], by: nil))
        #expect(try stored() == before, "nothing is gone")
        let renamed = [StageName(topology: "line", source: "renamed")]
        #expect(try deployments.endStages(of: "line", except: renamed, by: nil))
        #expect(
            try stored() == [
                "alert a:b heat cleared 20", "alert a:b old cleared 0", "alert a:c heat cleared 0", "state a:b rollup",
            ])
    }

    @Test func everyChangeOfTheRegistryRaisesItsVersion() throws {
        let first = try #require(try store.registry(after: nil))
        #expect(try store.registry(after: first.version) == nil)
        try database.connection.execute(
            """
            insert into egiz.twin_type values ('x:filler:1', 'x:machine:1'), ('x:machine:1', null);
            insert into egiz.data_bindings_3d (twin_type, object_name, target, path, mapping)
                values ('x:machine:1', 'Tank', 'color', 'features.filler.temperature', '{"range":{"in":[0,1],"out":["red","#00f"]}}');
            insert into egiz.data_bindings_3d (thing_id, object_name, target, expression, enabled)
                values ('a:b', 'Lamp', 'text', 'name', false);
            """)
        let second = try #require(try store.registry(after: first.version))
        #expect(second.version > first.version && second.parents == ["x:filler:1": "x:machine:1"])
        #expect(second.bindings.map(\.type) == ["x:machine:1"])
        // The kind understands what the table holds.
        let scene = ProcessorDefinition(
            name: "scene", kind: "binding-evaluator", from: "twins", settings: [:], mark: SourceMark(line: 1, column: 1)
        )
        #expect(try BindingEvaluator(scene).install(second) == [])
        try database.connection.execute("update egiz.data_bindings_3d set enabled = true where thing_id = 'a:b'")
        #expect(try store.registry(after: second.version)?.bindings.count == 2)
        #expect(throws: EngineError.self) {
            try database.connection.execute(
                "insert into egiz.data_bindings_3d (object_name, target, path) values ('x', 'color', 'y')")
        }
    }

    @Test func theRulesInForceComeBackWithTheLease() throws {
        #expect(lease.rules == nil)
        let rules = RulesProgress(version: 4, fingerprint: -17, reviewedThrough: "a:m")
        let epoch = Epochs.write([Epochs.advance(lease, 1)])
        epoch.tasks[0].rules = rules
        try land(epoch)
        #expect(try store.acquire([lease.task], partitions: 2, topologyVersion: 1).first?.rules == rules)
    }

    @Test func theThingsOfATaskAreListedInTheOrderOfTheirBytes() throws {
        try commit(1) { epoch in
            epoch.twins = [try Epochs.twin("a:B"), try Epochs.twin("a:a"), try Epochs.twin("a:b", document: nil)]
        }
        #expect(try store.things(of: lease.task, after: "", limit: 2).map(\.text) == ["a:B", "a:a"])
        #expect(try store.things(of: lease.task, after: "a:a", limit: 2).map(\.text) == ["a:b"])
        #expect(try store.things(of: Epochs.task(1), after: "", limit: 2).isEmpty)
        let asked = try ["a:x", "a:b", "a:B"].map { try ThingID(validating: $0) }
        #expect(try store.things(of: lease.task, among: asked).map(\.text) == ["a:B", "a:b"])
        #expect(try store.things(of: Epochs.task(1), among: asked).isEmpty)
    }

    @Test func anErasedThingLeavesNothingOfItsSceneAndAlerts() throws {
        try commit(1) { epoch in
            epoch.twins = [try Epochs.twin("a:b")]
            epoch.scenes = [try scene("a:b", "A", "1")]
            epoch.alerts = [try alert("a:b", "heat")]
        }
        let queries = AlertQueries(database.connection)
        let id = try #require(try queries.page(.init(), limit: 1).alerts.first).id
        #expect(try queries.ask("clear", of: id, by: nil))
        #expect(try queries.note(id, text: "x", assignee: nil, by: nil))
        let report = try ThingErasure(database.connection).erase(try ThingID(validating: "a:b"), by: nil)
        #expect(report["scene"] == 1 && report["alert"] == 1 && report["inbox"] == 1)
        for table in ["scene", "alert", "inbox", "alert_note"] { #expect(try database.count(table) == 0, "\(table)") }
    }
}
