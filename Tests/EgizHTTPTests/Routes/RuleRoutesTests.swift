import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    /// Scenes and alerts of a thing.
    @Suite struct RuleRoutesTests {
        private func api() throws -> TestAPI {
            let api = try TestAPI()
            try api.commit()
            try api.connection.execute(
                """
                insert into egiz.scene values
                    ('line.events', 0, 'a:b', 'Tank', 'color', '"#ff0000"', 4, '2026-01-01Z', 'twins', 0, 7),
                    ('line.events', 0, 'a:b', 'Pump', 'position', '[1, 2.50]', 5, '2026-01-01Z', null, null, null);
                insert into egiz.alert (
                    stage, partition, processor, thing_id, alert_key, rule, severity, state, message, raised_at, updated_at,
                    acknowledged_at, acknowledged_by, cleared_at, revision, cause_topic, cause_partition, cause_offset)
                values
                    ('line.events', 0, 'alerts', 'a:b', 'heat', 'hot', 'critical', 'acknowledged', 'it is hot', '2026-01-01Z',
                     '2026-01-02Z', '2026-01-02Z', 'maria', null, 4, 'twins', 0, 7),
                    ('line.events', 0, 'alerts', 'a:b', 'level', 'low', 'info', 'cleared', 'it is low', '2026-01-01Z',
                     '2026-01-02Z', null, null, '2026-01-02Z', 4, null, null, null),
                    ('line.events', 0, 'alerts', 'a:c', 'heat', 'hot', 'error', 'raised', 'it is hot', '2026-01-01Z',
                     '2026-01-01Z', null, null, null, 1, null, null, null);
                insert into egiz.alert_note (alert_id, assignee) values (1, 'jo'), (1, 'kim');
                """)
            return api
        }

        @Test func aSceneListsTheObjectsOfAThing() async throws {
            let api = try api()
            let scene = try await api.json("/api/v1/twins/a:b/scene")
            let items = try #require(scene["items"]?.array)
            #expect(scene["thingId"] == .string("a:b"))
            #expect(items.map { $0["objectName"] } == [.string("Pump"), .string("Tank")])
            #expect(items[0]["value"] == .array([.int(1), .double(2.5)]) && items[0]["cause"] == .null)
            #expect(items[1]["value"] == .string("#ff0000") && items[1]["cause"]?["offset"] == .int(7))
            #expect(try await api.json("/api/v1/twins/a:none/scene")["items"]?.array?.isEmpty == true)
            #expect(try await api.get("/api/v1/twins/nothing/scene").status == .badRequest)
        }

        @Test func aSceneAndWhatModelsSayComeInPages() async throws {
            let api = try api()
            try api.connection.execute(
                """
                insert into egiz.ml_prediction (stage, partition, thing_id, task, model, shadow, score, revision, event_time,
                    output_topic, output_partition, output_offset, latency_ms)
                select 'line.events', 0, thing, 'wear', model, model = 'n', 0.5, 1, '2026-01-01Z', 'o', 0, 1, 2.5
                from unnest(array['a:b', 'a:c']) as thing, unnest(array['m', 'n']) as model;
                """)
            for (what, member, names) in [
                ("scene", "objectName", ["Pump", "Tank"]), ("predictions", "model", ["m", "n"]),
            ] as [(String, String, [String?])] {
                let uri = "/api/v1/twins/a:b/\(what)"
                let all = try await api.json(uri)
                #expect(all["items"]?.array?.map { $0[member]?.string } == names && all["next"] == nil)
                let first = try await api.json(uri + "?limit=1")
                #expect(first["items"]?.array?.map { $0[member]?.string } == [names[0]])
                let next = try #require(first["next"]?.string)
                let second = try await api.json(uri + "?limit=1&cursor=\(next)")
                #expect(second["items"]?.array?.map { $0[member]?.string } == [names[1]] && second["next"] == nil)
                #expect(try await api.get("/api/v1/twins/a:c/\(what)?cursor=\(next)").status == .badRequest)
            }
            for place in ["", "4", "x;Pump", "99;Pump", "-1;Pump"] {
                let cursor = PageCursor(.scene, question: ["a:b"], place: place).text
                #expect(try await api.get("/api/v1/twins/a:b/scene?cursor=\(cursor)").status == .badRequest, "\(place)")
            }
        }

        @Test func alertsOfAThingComeTheNewestFirstAndInPages() async throws {
            let api = try api()
            let all = try #require(try await api.json("/api/v1/twins/a:b/alerts")["items"]?.array)
            #expect(all.map { $0["key"] } == [.string("level"), .string("heat")])
            #expect(all[1]["acknowledgedBy"] == .string("maria") && all[1]["assignee"] == .string("kim"))
            #expect(all[1]["cause"]?["topic"] == .string("twins") && all[0]["cause"] == .null)
            for (query, count) in [
                ("open=true", 1), ("severity=warning", 1), ("severity=info&open=false", 2), ("severity=critical", 1),
            ] {
                #expect(
                    try await api.json("/api/v1/twins/a:b/alerts?\(query)")["items"]?.array?.count == count, "\(query)")
            }
            let first = try await api.json("/api/v1/twins/a:b/alerts?limit=1")
            let cursor = try #require(first["cursor"]?.string)
            let second = try await api.json("/api/v1/twins/a:b/alerts?limit=1&cursor=\(cursor)")
            #expect(second["items"]?.array?.first?["key"] == .string("heat") && second["cursor"] == nil)
            #expect(try await api.get("/api/v1/twins/a:c/alerts?limit=1&cursor=\(cursor)").status == .badRequest)
            for query in ["open=yes", "severity=bad", "opne=true", "limit=0"] {
                #expect(try await api.get("/api/v1/twins/a:b/alerts?\(query)").status == .badRequest, "\(query)")
            }
        }
    }
}
