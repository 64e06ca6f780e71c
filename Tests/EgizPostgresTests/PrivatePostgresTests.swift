import EgizCore
import EgizRuntime
import EgizTwin
import Foundation
import Glibc
import Testing

@testable import EgizPostgres

/// Servers of their own: these tests stop and kill them.
@Suite(.serialized) final class PrivatePostgresTests {
    private let folder = "/tmp/egiz-test-private-\(UUID().uuidString.prefix(8))"
    private var servers: [PrivatePostgres] = []

    deinit {
        for server in servers { server.stop() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func server(_ name: String = "postgres") throws -> PrivatePostgres {
        let server = try PrivatePostgres(dataDirectory: "\(folder)/\(name)", durable: false)
        servers.append(server)
        return server
    }

    private func connect(_ server: PrivatePostgres) throws -> PostgresConnection {
        try PostgresConnection(url: server.url, applicationName: "test")
    }

    private func postmaster(_ server: PrivatePostgres) throws -> pid_t {
        let text = try String(contentsOfFile: "\(server.directory)/postmaster.pid", encoding: .utf8)
        return try #require(text.split(separator: "\n").first.flatMap { pid_t($0) })
    }

    @Test func itStartsWithAPasswordOnlyWeKnow() throws {
        let server = try server()
        try server.start()
        let connection = try connect(server)
        #expect(
            try connection.query("select current_user, current_database(), current_setting('server_encoding')").first?
                .text(0) == "egiz")
        var facts = stat()
        #expect(stat("\(folder)/postgres.password", &facts) == 0)
        #expect(facts.st_mode & 0o777 == 0o600)
        var parts = try #require(URLComponents(string: server.url))
        #expect(parts.host == "127.0.0.1")
        parts.password = "guess"
        let error = #expect(throws: EngineError.self) {
            try PostgresConnection(url: parts.string ?? "", applicationName: "test")
        }
        #expect(error?.detail == "28P01")
        #expect(error?.retry == .stop)
    }

    @Test func aRunningServerIsTakenOver() throws {
        let first = try server()
        try first.start()
        try connect(first).execute("create table kept (a int)")
        let pid = try postmaster(first)
        // As after kill -9 of the process that started it.
        let second = try server()
        try second.start()
        #expect(try postmaster(second) == pid)
        #expect(second.url == first.url)
        #expect(try connect(second).query("select * from kept").isEmpty)
        second.stop()
        #expect(throws: EngineError.self) { try connect(second) }
    }

    @Test func aKilledServerStartsAgainWithItsData() throws {
        let server = try server()
        try server.start()
        try connect(server).execute("create table kept (a int); insert into kept values (7)")
        kill(try postmaster(server), SIGKILL)
        try server.start()
        #expect(try connect(server).query("select a from kept").first?.int64(0) == 7)
    }

    @Test func whatUsesItWaitsWhileItIsStoppedAndGoesOnAfterwards() throws {
        let server = try server()
        try server.start()
        let url = server.url
        try Migrator(connect(server)).migrate()
        let store = PostgresTaskStore(url: url, worker: TestDatabase.worker())
        let writer = PostgresEpochWriter(url: url, worker: TestDatabase.worker())
        let lease = try #require(store.acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        let column = Epochs.numbers(try Epochs.key("a:b", "/x"), [(Epochs.start, 1)])
        #expect(try writer.commit(Epochs.write([Epochs.advance(lease, 1)], [column])).isCommitted)
        let began = ContinuousClock.now
        server.stop()
        #expect(began.duration(to: .now) < .seconds(6))
        let epoch = Epochs.write([Epochs.advance(lease, 2)], [column])
        for _ in 0..<2 {
            let error = #expect(throws: EngineError.self) { try writer.commit(epoch) }
            #expect(error?.retry == .backoff)
            let load = #expect(throws: EngineError.self) { try store.loadTwins([ThingID(validating: "a:b")]) }
            #expect(load?.retry == .backoff)
        }
        try server.start()
        #expect(server.url == url)
        #expect(try writer.commit(epoch).isCommitted)
        #expect(try store.loadTwins([ThingID(validating: "a:b")]).isEmpty)
    }

    @Test func halfAClusterIsMadeAnew() throws {
        let server = try server()
        try FileManager.default.createDirectory(
            atPath: server.directory + ".new/base", withIntermediateDirectories: true)
        try server.start()
        #expect(try connect(server).query("select 1").count == 1)
    }

    @Test func foreignFilesInItsPlaceAreNotTouched() throws {
        try FileManager.default.createDirectory(atPath: "\(folder)/postgres", withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: URL(fileURLWithPath: "\(folder)/postgres/letter.txt"))
        let error = #expect(throws: EngineError.self) { try server().start() }
        #expect(error?.retry == .stop)
        #expect(FileManager.default.fileExists(atPath: "\(folder)/postgres/letter.txt"))
    }
}
