import NIOCore
import NIOPosix

/// Reads an answer as it comes, for as long as a test wants more of it.
public enum EventStreamClient {
    /// - Parameter isEnough: asked after each part with all that has come.
    public static func read(port: Int, _ request: String, isEnough: (String) -> Bool) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: request))
            var answer = ""
            do {
                for try await part in inbound {
                    answer += String(buffer: part)
                    if isEnough(answer) { break }
                }
            } catch is IOError {
                // Reset instead of an orderly end: closed all the same.
            }
            return answer
        }
    }
}
