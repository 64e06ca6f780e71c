import EgizCore
import EgizPostgres
import EgizTwin
import Synchronization
import TestSupport
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    @Suite struct RegistryPublisherTests {
        private final class Sink: NotificationSink {
            private struct State {
                var records: [String] = []
                var values: [[UInt8]] = []
                var isAway = false
                var prepared: [String] = []
            }

            private let state = Mutex(State())

            var records: [String] { state.withLock(\.records) }
            var values: [[UInt8]] { state.withLock(\.values) }

            var prepared: [String] { state.withLock(\.prepared) }

            func prepare(_ topic: String) throws { state.withLock { $0.prepared.append(topic) } }

            func set(away: Bool) { state.withLock { $0.isAway = away } }

            func publish(_ records: [(key: String, value: [UInt8])], to topic: String) throws {
                try state.withLock { state in
                    if state.isAway { throw EngineError(.kafka, .backoff, "away") }
                    for record in records {
                        let action = (try JSONParser().parse(record.value)).object?["action"]?.string ?? ""
                        state.records.append("\(topic.split(separator: ".").last ?? "") \(record.key) \(action)")
                        state.values.append(record.value)
                    }
                }
            }
        }

        @Test func everyChangeIsToldInOrderAndOnce() async throws {
            let api = try TestAPI()
            let sink = Sink()
            let publisher = RegistryPublisher(pool: api.pool, sink: sink, logger: TestAPI.quiet)
            try api.connection.execute(
                """
                insert into egiz.twin_type (twin_type) values ('n:a:1');
                update egiz.twin_type set definition = '{"policy":"flag"}';
                update egiz.twin_type set definition = '{"policy":"flag"}';
                insert into egiz.twin_registration (thing_id, twin_type) values ('n:x', 'n:a:1');
                insert into egiz.twin_relation (thing_id, kind, other_id) values ('n:x', 'partOf', 'n:y');
                insert into egiz.data_bindings_3d (thing_id, object_name, target, path) values ('n:x', 'O', 'text', 'features.f.t');
                insert into egiz.ml_task (task, settings) values ('t', '{}');
                insert into egiz.ml_task_binding (task, thing_id) values ('t', 'n:x');
                insert into egiz.ml_model (model) values ('m');
                """)
            _ = try PostgresDeploymentStore(url: api.url).save("line", text: "x", origin: "test")
            try api.connection.execute("delete from egiz.twin_registration")
            #expect(try await publisher.round() == 10)
            #expect(
                sink.records == [
                    "registry twin-type:n:a:1 created", "registry twin-type:n:a:1 updated", "registry twin:n:x created",
                    "registry relation:n:x created", "registry binding:1 created", "registry ml-task:t created",
                    "registry ml-task-binding:t created", "registry ml-model:m created",
                    "registry topology:line created",
                    "registry twin:n:x deleted",
                ])
            #expect(try await publisher.round() == 0, "once")
            let schema = try JSONSchema("registry.v1.schema.json")
            for value in sink.values { #expect(schema.faults(try JSONParser().parse(value)).isEmpty) }
            let versions = try sink.values.prefix(2).map { try JSONParser().parse($0).object?["version"] }
            #expect(versions == [.int(1), .int(2)])
        }

        /// Who reads it, live push among them, has found it by then.
        @Test(.timeLimit(.minutes(1))) func theTopicIsThereBeforeTheFirstChange() async throws {
            let api = try TestAPI()
            let sink = Sink()
            let publisher = RegistryPublisher(pool: api.pool, sink: sink, logger: TestAPI.quiet)
            let running = Task { try await publisher.run() }
            while sink.prepared.isEmpty { await Task.yield() }
            running.cancel()
            try await running.value
            #expect(sink.prepared == ["framework.notifications.v1.registry"] && sink.records.isEmpty)
        }

        @Test func whatKafkaDidNotTakeIsTold() async throws {
            let api = try TestAPI()
            let sink = Sink()
            let publisher = RegistryPublisher(pool: api.pool, sink: sink, logger: TestAPI.quiet)
            try api.connection.execute("insert into egiz.twin_type (twin_type) values ('n:a:1')")
            sink.set(away: true)
            await #expect(throws: EngineError.self) { _ = try await publisher.round() }
            sink.set(away: false)
            #expect(try await publisher.round() == 1)
            #expect(sink.records == ["registry twin-type:n:a:1 created"])
        }

        @Test func anEventComesWithItsChangeOrNotAtAll() async throws {
            let api = try TestAPI()
            let sink = Sink()
            let publisher = RegistryPublisher(pool: api.pool, sink: sink, logger: TestAPI.quiet)
            try api.connection.execute("begin; insert into egiz.twin_type (twin_type) values ('n:a:1')")
            #expect(try await publisher.round() == 0)
            try api.connection.execute("rollback")
            #expect(try await publisher.round() == 0)
        }
    }
}
