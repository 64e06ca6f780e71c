import EgizPostgres
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing

@testable import EgizHTTP

@Suite struct BodyMemoryTests {
    @Test func oneCallerTakesHalfAndAllTakeWhatThereIs() {
        let memory = BodyMemory(100)
        #expect(memory.take(50, for: "a") && !memory.take(1, for: "a"))
        #expect(memory.take(30, for: "b") && !memory.take(21, for: "c") && memory.take(20, for: "c"))
        #expect(memory.left == 0 && memory.take(0, for: "a"))
        memory.giveBack(50, of: "a")
        #expect(memory.left == 50 && memory.take(50, for: "a"))
    }

    /// Who is admitted as the local operator, where that is all that a test needs.
    private struct Everybody: AccessControl {
        var who = Principal.localOperator

        func principal(authorization: String?, headers: HTTPFields, remoteAddress: String?) -> Principal? { who }
        func project(ofThing thing: String) -> ProjectID? { nil }
        func exists(_ project: ProjectID) -> Bool { true }
    }

    private func send(
        _ route: APIRoute, bytes: Int, _ memory: BodyMemory = BodyMemory(), as who: Principal = .localOperator
    ) async throws -> TestResponse {
        let responder = APIResponder(
            table: RouteTable(routes: [route]), gate: Everybody(who: who), memory: memory,
            metrics: PrometheusRegistry(), logger: TestAPI.quiet)
        return try await Application(responder: responder).test(.router) {
            try await $0.execute(
                uri: route.path, method: .post, headers: [.contentType: "application/json"],
                body: ByteBuffer(repeating: 0x20, count: bytes))
        }
    }

    private func route(_ before: (@Sendable (APIRequest) async throws -> Void)? = nil) -> APIRoute {
        APIRoute("/x", access: .signedIn, writing: .json(.post), beforeBody: before) {
            .json(Array("\($0.body.count)".utf8))
        }
    }

    @Test func aBodyThatFindsNoRoomIsRefusedAndLeavesNothingBehind() async throws {
        let memory = BodyMemory(64 << 10)
        let most = BodyMemory.uncounted + 32 << 10
        for _ in 0..<3 {
            let large = try await send(route(), bytes: most + 1, memory)
            #expect(large.status == .serviceUnavailable && large.text.contains(#""code":"busy""#))
            let right = try await send(route(), bytes: most, memory)
            #expect(right.status == .ok && right.text == "\(most)")
        }
        #expect(memory.left == 64 << 10)
        let none = BodyMemory(0)
        #expect(try await send(route(), bytes: BodyMemory.uncounted, none).status == .ok, "small ones always fit")
    }

    @Test func keysOfOnePersonShareThatPersonsPart() async throws {
        let user = try #require(UUIDText("11111111-1111-1111-1111-111111111111"))
        let key = Principal(kind: .apiKey, id: "key", name: "k", userID: user, isAdmin: true)
        let memory = BodyMemory(64 << 10)
        #expect(memory.take(32 << 10, for: user.text))
        let refused = try await send(route(), bytes: BodyMemory.uncounted + 1, memory, as: key)
        #expect(refused.status == .serviceUnavailable)
        memory.giveBack(32 << 10, of: user.text)
        #expect(try await send(route(), bytes: BodyMemory.uncounted + 1, memory, as: key).status == .ok)
    }

    /// The body is larger than the route takes: who may not send it at all is told that first.
    @Test func whoMayNotIsToldSoBeforeTheBodyIsRead() async throws {
        let refused = try await send(route { _ in throw Problem.adminOnly }, bytes: 2 << 20)
        #expect(refused.status == .forbidden)
        #expect(try await send(route(), bytes: 2 << 20).status == .contentTooLarge)
    }
}
