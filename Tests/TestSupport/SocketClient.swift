public import EgizTwin
import NIOCore
public import NIOHTTP1
import NIOPosix
public import NIOWebSocket

/// A WebSocket client of tests: one text after the other, pings answered, the end with its code.
public struct SocketClient {
    public enum Event: Sendable, Equatable {
        case text(String)
        case closed(UInt16?)
    }

    public struct Refused: Error, Equatable { public var status: UInt }

    private typealias Channel = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>
    private enum Upgrade: Sendable {
        case socket(Channel)
        case refused
    }

    private let outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>
    private var inbound: NIOAsyncChannelInboundStream<WebSocketFrame>.AsyncIterator

    /// Opens a socket, lets `body` use it, and closes it. Throws `Refused` where the server answers with HTTP.
    public static func open<T>(
        port: Int, path: String = "/api/v1/live", headers: HTTPHeaders = [:],
        _ body: (inout SocketClient) async throws -> T
    ) async throws -> T {
        let upgrade = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let upgrader = NIOTypedWebSocketClientUpgrader<Upgrade>(
                        maxFrameSize: 4 << 20,
                        upgradePipelineHandler: { channel, _ in
                            channel.eventLoop.makeCompletedFuture {
                                .socket(try Channel(wrappingChannelSynchronously: channel))
                            }
                        })
                    var all: HTTPHeaders = ["host": "localhost", "content-length": "0"]
                    all.add(contentsOf: headers)
                    let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: all)
                    let configuration = NIOTypedHTTPClientUpgradeConfiguration(
                        upgradeRequestHead: head, upgraders: [upgrader],
                        notUpgradingCompletionHandler: { channel in channel.eventLoop.makeSucceededFuture(.refused) })
                    var pipeline = NIOUpgradableHTTPClientPipelineConfiguration(upgradeConfiguration: configuration)
                    // The first frames may come in one packet with the answer; NIO drops them unless it is told not to.
                    pipeline.leftOverBytesStrategy = .forwardBytes
                    return try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(
                        configuration: pipeline)
                }
            }
        guard case .socket(let channel) = try await upgrade.get() else { throw Refused(status: 0) }
        return try await channel.executeThenClose { inbound, outbound in
            var client = SocketClient(outbound: outbound, inbound: inbound.makeAsyncIterator())
            return try await body(&client)
        }
    }

    public func send(_ text: String, opcode: WebSocketOpcode = .text) async throws {
        try await outbound.write(
            WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: ByteBuffer(string: text)))
    }

    /// The next text, or the end.
    public mutating func next() async throws -> Event {
        while let frame = try await inbound.next() {
            switch frame.opcode {
            case .text: return .text(String(buffer: frame.unmaskedData))
            case .connectionClose:
                var data = frame.unmaskedData
                return .closed(data.readInteger(as: UInt16.self))
            case .ping:
                try await outbound.write(
                    WebSocketFrame(fin: true, opcode: .pong, maskKey: .random(), data: frame.unmaskedData))
            default: break
            }
        }
        return .closed(nil)
    }

    /// The next message of that type; those before it are passed over. Throws where the connection ends first.
    public mutating func message(_ type: String) async throws -> JSONValue {
        // Not `guard case … = try await next() else { throw }`: Swift 6.3.1 crashes on that when it optimizes.
        while case .text(let text) = try await next() {
            let message = try JSONParser().parse(Array(text.utf8))
            if message.object?["type"] == .string(type) { return message }
        }
        throw Refused(status: 1)
    }

    /// The code with which the server closes.
    public mutating func closeCode() async throws -> UInt16? {
        while true { if case .closed(let code) = try await next() { return code } }
    }
}
