import NIOCore
import NIOHTTP1
import NIOWebSocket

/// The WebSocket end of one client: frames in, messages to its `LiveConnection`, frames out. Confined to its event loop.
///
/// Behind an aggregator, so that messages come whole and bounded. Unchecked: used on the loop alone.
final class LiveSocketHandler: ChannelInboundHandler, LiveSink, @unchecked Sendable {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let service: LiveService
    private let credential: LiveCredential
    private var context: ChannelHandlerContext?
    private var connection: LiveConnection?
    private var isClosing = false

    let isOneWay = false

    init(service: LiveService, credential: LiveCredential) {
        self.service = service
        self.credential = credential
    }

    // MARK: Inbound

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        guard service.enter() else { return close(.full) }
        let shard = service.hub.shard(of: context.eventLoop)
        let connection = LiveConnection(shard: shard, service: service, sink: self, credential: credential)
        self.connection = connection
        connection.signIn()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        connection?.close(.done)
        connection = nil
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text:
            connection?.received(Array(buffer: frame.unmaskedData))
        case .binary: close(.unreadable)
        case .ping:
            connection?.heard()
            // Who does not read gets no answers either: they would pile up.
            if isWritable, !isClosing { write(WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData)) }
        case .pong: connection?.heard()
        case .connectionClose:
            // The answer has the code that came, as the protocol wants.
            if !isClosing {
                isClosing = true
                write(WebSocketFrame(fin: true, opcode: .connectionClose, data: frame.unmaskedData))
            }
            context.close(promise: nil)
        default: break
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { connection?.becameWritable() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection?.close(.done)
        connection = nil
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent: close(.goingAway)
        case let event as ChannelEvent where event == .inputClosed: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? NIOWebSocketFrameAggregator.Error, error == .accumulatedFrameSizeIsTooLarge {
            return close(.tooLarge)
        }
        if let error = error as? NIOWebSocketError, error == .invalidFrameLength { return close(.tooLarge) }
        // A connection that broke, or a peer that does not speak the protocol.
        context.close(promise: nil)
    }

    // MARK: LiveSink

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func send(_ frame: LiveFrame) {
        guard !isClosing else { return }
        write(WebSocketFrame(fin: true, opcode: .text, data: ByteBuffer(bytes: frame.json)))
    }

    func ping() { write(WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer())) }

    func close(_ reason: LiveClose) {
        // Through the connection, which then closes its sink.
        if let connection, !connection.isClosed { return connection.close(reason) }
        guard !isClosing, let context else { return }
        isClosing = true
        var data = ByteBuffer()
        data.writeInteger(reason.code)
        data.writeString(reason.reason)
        write(WebSocketFrame(fin: true, opcode: .connectionClose, data: data))
        // A client that does not answer the close is not waited for.
        let channel = context.channel
        context.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
    }

    private func write(_ frame: WebSocketFrame) {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }
}
