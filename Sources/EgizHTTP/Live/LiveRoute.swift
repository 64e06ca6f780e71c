import HTTPTypes
import Hummingbird
import NIOCore

/// `GET /api/v1/live` as server-sent events. As a WebSocket it never comes here: see `LiveHandshake`.
struct LiveRoute: Sendable {
    /// Nil: this process reads no notifications.
    let service: LiveService?
    let group: any EventLoopGroup

    var route: APIRoute {
        APIRoute(
            LiveHandshake.path, access: .signedIn, parameters: LiveSubscription.parameters, handler: listen)
    }

    private func listen(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: LiveSubscription.parameters)
        let subscription = LiveSubscription(&reader, lastEventID: request.headers[.lastEventID])
        try reader.finish()
        if request.headers[.upgrade]?.lowercased() == "websocket" { throw Problem.noWebSocket }
        guard let service, let principal = request.principal else { throw Problem.noLivePush }
        try await service.check(subscription, principal)
        guard service.hasRoom else { throw Problem.tooManyListeners }
        let credential = LiveCredential(
            token: LiveCredential.token(request.headers[.authorization]), headers: request.headers,
            remoteAddress: request.remoteAddress)
        let loop = group.next()
        let body = ResponseBody { writer in
            try await Self.write(subscription, principal, credential, service, loop, to: &writer)
        }
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream; charset=utf-8"], body: body)
    }

    private static func write(
        _ subscription: LiveSubscription, _ principal: Principal, _ credential: LiveCredential, _ service: LiveService,
        _ loop: any EventLoop, to writer: inout any ResponseBodyWriter
    ) async throws {
        // Only now: the answer to HEAD has no body, and nobody would leave.
        guard service.enter() else { return try await writer.finish(nil) }
        let stream = LiveStream()
        let connection = try await loop.submit {
            let connection = LiveConnection(
                shard: service.hub.shard(of: loop), service: service, sink: stream, credential: credential)
            connection.welcome(principal)
            connection.begin(subscription)
            return connection
        }.get()
        defer { loop.execute { connection.close(.done) } }
        // A comment first, so that what stands between sees that something comes.
        try await writer.write(ByteBuffer(string: ": live\n\n"))
        for await event in stream.events {
            let bytes = event.readableBytes
            try await writer.write(event)
            loop.execute { if stream.written(bytes) { connection.becameWritable() } }
        }
        try await writer.finish(nil)
    }
}

extension Problem {
    static let noLivePush = Problem(
        code: "live-unavailable", status: .serviceUnavailable, title: "There is no live push here",
        detail: "This process reads no notifications of Kafka; ask one that does.", headers: [.retryAfter: "30"])

    static let tooManyListeners = Problem(
        code: "live-full", status: .serviceUnavailable, title: "There are too many live connections",
        detail: "The server has as many live connections as it is allowed; try again later.",
        headers: [.retryAfter: "10"])

    /// The handshake refused it; which of the reasons holds is in `docs/live.md`.
    static let noWebSocket = Problem(
        code: "websocket", status: .badRequest, title: "This cannot become a WebSocket",
        detail: """
            The handshake is not one of version 13, comes from a page of another origin, or has two tokens. Ask without Upgrade \
            for server-sent events.
            """)
}
