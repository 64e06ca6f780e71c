import Hummingbird
import NIOCore

/// What Hummingbird carries through one request.
struct APIContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The address of the client, without its port; nil in memory.
    var remoteAddress: String?
    /// Names the request in logs, problem documents and the audit log.
    var requestID = ""

    init(source: Source) {
        coreContext = CoreRequestContextStorage(source: source)
        remoteAddress = source.channel.remoteAddress?.ipAddress
    }
}
