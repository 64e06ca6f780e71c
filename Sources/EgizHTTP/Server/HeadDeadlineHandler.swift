import NIOCore
import NIOHTTP1

/// Closes a connection whose first request has not come whole up to its headers within a limit. One a connection, used on its loop.
///
/// The idle timer of HTTP begins with the first request; what sends a byte of headers now and then, or nothing, would stay for ever.
final class HeadDeadlineHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let limit: TimeAmount
    private var timer: Scheduled<Void>?
    private var hasHead = false

    init(limit: TimeAmount) { self.limit = limit }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !hasHead, case .head = unwrapInboundIn(data) {
            hasHead = true
            stop()
        }
        // After an upgrade other things than HTTP pass here: they are not looked into.
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The server goes away; nothing was asked here.
        if event is ChannelShouldQuiesceEvent, !hasHead { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !hasHead, error is HTTPParserError else { return context.fireErrorCaught(error) }
        // Nobody behind this handler answers before there is a request.
        hasHead = true
        stop()
        let head = HTTPResponseHead(
            version: .http1_1, status: .badRequest, headers: ["connection": "close", "content-length": "0"])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
    }

    private func stop() {
        timer?.cancel()
        timer = nil
    }
}
