import EgizCore
import EgizTwin
import Testing

@testable import EgizPostgres

/// What workers read of the registry beside bindings.
@Suite struct RegistryRowsTests {
    @Test func alertRulesMembersOfTasksAndTypesOfThingsAreRead() throws {
        let database = try TestDatabase()
        try database.connection.execute(
            """
            insert into egiz.twin_type (twin_type, parent, definition) values
                ('n:machine:1', null, '{"alertRules":[{"name":"b"},{"name":"a"}],"mlTasks":["wear","open"]}'),
                ('n:filler:1', 'n:machine:1', '{"alertRules":[{"name":"c"}]}'),
                ('n:odd:1', null, '{"alertRules":{"x":1},"mlTasks":"wear"}');
            insert into egiz.ml_task (task, settings, bound, enabled) values
                ('wear', '{"model":"m"}', true, true), ('open', '{}', false, true), ('off', '{}', true, false);
            insert into egiz.ml_task_binding (task, twin_type, thing_id) values ('wear', 'n:pump:1', null), ('wear', null, 'n:x');
            insert into egiz.twin_registration (thing_id, twin_type) values ('n:x', 'n:filler:1'), ('n:y', null);
            """)
        let store = database.store()
        let registry = try #require(try store.registry(after: nil))
        #expect(registry.parents == ["n:filler:1": "n:machine:1"])
        let rules = registry.alertRules.map { rule in
            guard case .map(let words) = rule.settings.content, case .string(let name)? = words.first?.value.content
            else {
                return "?"
            }
            return "\(rule.type) \(name)"
        }
        #expect(registry.schemas.isEmpty)
        #expect(rules == ["n:filler:1 c", "n:machine:1 b", "n:machine:1 a"])
        #expect(registry.tasks.map(\.name) == ["open", "wear"])
        #expect(registry.tasks[0].members == nil)
        #expect(registry.tasks[1].members == .init(types: ["n:machine:1", "n:pump:1"], things: ["n:x"]))
        #expect(
            registry.thingTypes == [try ThingID(validating: "n:x"): "n:filler:1"] && registry.thingTypesFingerprint != 0
        )
        #expect(try store.registry(after: registry.version) == nil)
        try database.connection.execute("update egiz.twin_registration set metadata = '{\"a\":1}'")
        // As the API does it: all columns are named.
        try database.connection.execute(
            """
            update egiz.twin_registration set twin_type = twin_type, metadata = '{"a":2}';
            insert into egiz.twin_registration (thing_id) values ('n:z'); delete from egiz.twin_registration where thing_id = 'n:z'
            """)
        #expect(try store.registry(after: registry.version) == nil, "workers need not look because of metadata")
        try database.connection.execute(
            "update egiz.twin_registration set twin_type = 'n:machine:1' where thing_id = 'n:y'")
        let second = try #require(try store.registry(after: registry.version))
        #expect(second.thingTypes.count == 2)
        #expect(second.retyped(since: registry)?.map(\.text) == ["n:y"])
        #expect(second.retyped(since: registry, atMost: 0) == nil && second.retyped(since: second)?.isEmpty == true)
        try database.connection.execute("delete from egiz.twin_registration where thing_id = 'n:x'")
        let third = try #require(try store.registry(after: second.version))
        #expect(third.retyped(since: second)?.map(\.text) == ["n:x"])
    }

    /// U+1EAF, and U+0103 with U+0301: one letter to who reads it, and two things.
    @Test func thingsThatOnlyLookTheSameHaveTypesOfTheirOwn() throws {
        let database = try TestDatabase()
        let things = ["n:\u{1EAF}", "n:\u{103}\u{301}"]
        #expect(things[0] == things[1], "the same text to Swift")
        for (thing, type) in zip(things, ["n:a:1", "n:b:1"]) {
            _ = try database.connection.query(
                "insert into egiz.twin_registration (thing_id, twin_type) values ($1, $2)", [.text(thing), .text(type)])
        }
        let registry = try #require(try database.store().registry(after: nil))
        let types = try things.map { registry.thingTypes[try ThingID(validating: $0)] }
        #expect(types == ["n:a:1", "n:b:1"])
    }

    @Test func versionsOfTypesWrittenByHandAreKeptToo() throws {
        let database = try TestDatabase()
        let connection = database.connection
        try connection.execute(
            """
            insert into egiz.twin_type values ('n:a:1', 'n:b:1');
            update egiz.twin_type set parent = null;
            update egiz.twin_type set parent = null;
            """)
        let versions = try connection.query("select version, parent from egiz.twin_type_version order by version")
        #expect(versions.map { $0.int64(0) } == [1, 2] && versions.map { $0.text(1) } == ["n:b:1", nil])
    }
}
