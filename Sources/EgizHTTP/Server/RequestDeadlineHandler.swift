import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes a connection whose request takes longer than a limit, from its head to the last byte of the answer.
///
/// Streams of server-sent events are let go on once their head is written. The idle timer does not see a body that trickles in: each byte resets it. One handler a connection, used on its event loop.
final class RequestDeadlineHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limit: TimeAmount
    private var timer: Scheduled<Void>?
    /// Requests whose head was read and whose answer is not complete.
    private var unanswered = 0
    /// The last request's body is still coming.
    private var isReceiving = false

    init(limit: TimeAmount) { self.limit = limit }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            unanswered += 1
            isReceiving = true
            if timer == nil { start(context) }
        case .body: break
        case .end:
            isReceiving = false
            settle()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            // Server-sent events go on for as long as somebody listens; what is written finds out whether somebody does.
            if head.headerFields[.contentType]?.hasPrefix("text/event-stream") == true { stop() }
        case .body: break
        case .end:
            unanswered = max(0, unanswered - 1)
            settle()
            // Pipelined requests: the next one has its own time.
            if unanswered > 0 {
                stop()
                start(context)
            }
        }
        context.write(data, promise: promise)
    }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    private func settle() {
        if unanswered == 0, !isReceiving { stop() }
    }

    private func start(_ context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: limit) { context.close(promise: nil) }
    }

    private func stop() {
        timer?.cancel()
        timer = nil
    }
}
