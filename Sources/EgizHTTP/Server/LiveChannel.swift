import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOWebSocket

/// One connection of the server: HTTP/1.1, which may become a WebSocket of live push with its first request.
///
/// The router never sees a WebSocket: `LiveHandshake` says which requests become one, and the connection itself asks who it is.
struct LiveChannel: ServerChildChannel, HTTPChannelHandler {
    /// What a connection has become.
    enum Upgrade: Sendable {
        case http(NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>)
        case socket(any Channel)
    }

    struct Value: ServerChildChannelValue {
        let upgrade: EventLoopFuture<Upgrade>
        let channel: any Channel
    }

    let responder: HTTPChannelHandler.Responder
    let configuration: APIConfiguration
    /// Nil: there is no live push here.
    let handshake: LiveHandshake?

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let upgrade = NIOTypedHTTPServerUpgradeConfiguration<Upgrade>(
                upgraders: handshake.map { [upgrader($0)] } ?? [],
                notUpgradingCompletionHandler: { channel in
                    channel.eventLoop.makeCompletedFuture { Upgrade.http(try http(channel, logger)) }
                })
            var pipeline = NIOUpgradableHTTPServerPipelineConfiguration(upgradeConfiguration: upgrade)
            // Requests are taken one after the other by NIOAsyncChannel; Swift's HTTP types check the headers.
            pipeline.enablePipelining = false
            pipeline.enableErrorHandling = false
            pipeline.enableResponseHeaderValidation = false
            pipeline.decoderConfiguration.maxHeaderFieldSize = 16 * 1024
            pipeline.decoderConfiguration.maxHeaderListSize = 32 * 1024
            pipeline.decoderConfiguration.maxHeaderFieldCount = 100
            let operations = channel.pipeline.syncOperations
            let future = try operations.configureUpgradableHTTPServerPipeline(configuration: pipeline)
            let decoder = try operations.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try operations.addHandler(
                HeadDeadlineHandler(limit: TimeAmount(configuration.headDeadline)), position: .after(decoder))
            return Value(upgrade: future, channel: channel)
        }
    }

    private func http(
        _ channel: any Channel, _ logger: Logger
    ) throws -> NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart> {
        let operations = channel.pipeline.syncOperations
        try operations.addHandlers([
            HTTP1ToHTTPServerCodec(secure: false),
            RequestDeadlineHandler(limit: TimeAmount(configuration.requestDeadline)),
            HTTPConnectionStateHandler(idleTimeout: configuration.idleTimeout, logger: logger),
        ])
        return try NIOAsyncChannel(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
    }

    private func upgrader(_ handshake: LiveHandshake) -> NIOTypedWebSocketServerUpgrader<Upgrade> {
        let largest = handshake.service.settings.largestMessage
        return NIOTypedWebSocketServerUpgrader(
            maxFrameSize: largest, enableAutomaticErrorHandling: false,
            shouldUpgrade: { channel, head in channel.eventLoop.makeSucceededFuture(handshake.headers(head)) },
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture {
                    let operations = channel.pipeline.syncOperations
                    try operations.addHandler(
                        NIOWebSocketFrameAggregator(
                            minNonFinalFragmentSize: 1, maxAccumulatedFrameCount: 64, maxAccumulatedFrameSize: largest))
                    try operations.addHandler(
                        LiveSocketHandler(
                            service: handshake.service,
                            credential: handshake.credential(head, remoteAddress: channel.remoteAddress?.ipAddress)))
                    return Upgrade.socket(channel)
                }
            })
    }

    func handle(value: Value, logger: Logger) async {
        do {
            switch try await value.upgrade.get() {
            case .http(let channel): await handleHTTP(asyncChannel: channel, logger: logger)
            case .socket(let channel):
                // Everything happens on the event loop; the server waits for the end of it.
                try await channel.closeFuture.get()
            }
        } catch {
            // Closed, or no HTTP, before the first request was complete.
            value.channel.close(promise: nil)
        }
    }
}
