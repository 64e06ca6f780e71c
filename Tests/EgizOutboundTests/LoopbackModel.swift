import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A server on loopback that answers as its path says: `/json`, `/status/503`, `/large`, `/hang`, `/redirect`, `/echo`.
final class LoopbackModel: Sendable {
    private let channel: any Channel
    /// Requests that it has received, whole.
    let received = Mutex<[(method: String, path: String, headers: [String: String], body: [UInt8])]>([])

    private init(_ channel: any Channel) { self.channel = channel }

    /// Listens on a free port of 127.0.0.1.
    static func start() async throws -> LoopbackModel {
        let box = Box()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(box))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let model = LoopbackModel(channel)
        box.model.withLock { $0 = model }
        return model
    }

    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }

    func stop() async throws { try await channel.close() }

    private final class Box: Sendable {
        let model = Mutex<LoopbackModel?>(nil)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let box: Box
        private var head: HTTPRequestHead?
        private var body: [UInt8] = []

        init(_ box: Box) { self.box = box }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): (self.head, body) = (head, [])
            case .body(let buffer): body += Array(buffer.readableBytesView)
            case .end:
                guard let head else { return }
                var headers: [String: String] = [:]
                for header in head.headers { headers[header.name.lowercased()] = header.value }
                let (path, body) = (head.uri, body)
                box.model.withLock { $0 }?.received.withLock { $0.append((head.method.rawValue, path, headers, body)) }
                answer(context, path, body)
            }
        }

        private func answer(_ context: ChannelHandlerContext, _ path: String, _ body: [UInt8]) {
            switch path {
            case "/hang": return
            case "/large": respond(context, 200, [UInt8](repeating: 0x20, count: 50 << 20))
            case "/large-chunked": respond(context, 200, [UInt8](repeating: 0x20, count: 2 << 20), announces: false)
            case "/redirect": respond(context, 302, [], [("location", "/json")])
            case "/echo": respond(context, 200, body)
            case "/close": context.close(promise: nil)
            default:
                let status = path.split(separator: "/").last.flatMap { Int($0) }
                respond(context, status ?? 200, Array(#"{"predictions":[1]}"#.utf8), [("egiz-model-version", "7")])
            }
        }

        private func respond(
            _ context: ChannelHandlerContext, _ status: Int, _ body: [UInt8], _ more: [(String, String)] = [],
            announces: Bool = true
        ) {
            var headers = HTTPHeaders(more)
            if announces { headers.add(name: "content-length", value: "\(body.count)") }
            let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
