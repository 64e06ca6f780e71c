import CZlib
import HTTPTypes
import Hummingbird
import NIOCore

/// Compresses answers for clients that take it. Runs in the request's own task, never on an event loop.
enum Gzip {
    /// Below this an answer fits one packet anyway.
    static let smallest = 1024
    /// JSON of twins shrinks to a sixth at this level, at about 100 MB/s; the highest saves another tenth for five times the time.
    private static let level: Int32 = 4

    /// Compresses an answer whose bytes are at hand; streams go out as they are.
    ///
    /// The entity tag stays: it names the revision of what is shown, in whatever coding, and a change sends it back in `If-Match`.
    static func apply(_ response: Response, request: HTTPRequest) async -> Response {
        guard let length = response.body.contentLength, length >= smallest, isWorthwhile(response.headers),
            response.headers[.contentEncoding] == nil
        else { return response }
        var response = response
        response.headers.addVary("Accept-Encoding")
        guard request.method != .head, isAccepted(request.headerFields[values: .acceptEncoding]) else {
            return response
        }
        let collected = CollectingWriter.Buffer()
        do {
            try await response.body.write(CollectingWriter(buffer: collected))
        } catch {
            return response
        }
        guard let packed = compress(collected.bytes) else { return response }
        response.headers[.contentEncoding] = "gzip"
        response.body = ResponseBody(byteBuffer: packed)
        response.headers[.contentLength] = "\(packed.readableBytes)"
        return response
    }

    /// Texts only: models and images are packed already.
    private static func isWorthwhile(_ headers: HTTPFields) -> Bool {
        guard let type = headers[.contentType]?.lowercased() else { return false }
        return type.hasPrefix("application/json") || type.hasPrefix("application/problem+json")
            || type.hasPrefix("text/")
            || type.hasPrefix("model/gltf+json")
    }

    /// Whether `gzip` or `*` is named with a weight above 0; `gzip;q=0` refuses it whatever `*` says (RFC 9110, 12.5.3).
    static func isAccepted(_ values: [String]) -> Bool {
        var wildcard = false
        for part in values.flatMap({ $0.split(separator: ",") }) {
            let words = part.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let name = words.first else { continue }
            let weight = words.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            if name == "gzip" || name == "x-gzip" { return weight > 0 }
            if name == "*" { wildcard = weight > 0 }
        }
        return wildcard
    }

    /// The gzip form; nil where zlib has no memory.
    static func compress(_ input: ByteBuffer) -> ByteBuffer? {
        // zlib compares the address of the stream with the one that it was given at first.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        guard egiz_gzip_begin(stream, level) == Z_OK else { return nil }
        defer { deflateEnd(stream) }
        // 18 bytes of header and trailer, should deflateBound not count them in.
        let room = Int(deflateBound(stream, UInt(input.readableBytes))) + 18
        var output = ByteBufferAllocator().buffer(capacity: room)
        let isDone = input.withUnsafeReadableBytes { bytes in
            // zlib does not write to its input, its type only says so.
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
            stream.pointee.avail_in = UInt32(clamping: bytes.count)
            var result = Z_OK
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { space in
                stream.pointee.next_out = space.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.pointee.avail_out = UInt32(clamping: space.count)
                result = deflate(stream, Z_FINISH)
                return space.count - Int(stream.pointee.avail_out)
            }
            return result == Z_STREAM_END
        }
        return isDone ? output : nil
    }
}

/// Takes the parts of a body into one buffer.
private struct CollectingWriter: ResponseBodyWriter {
    /// Used by one task at a time: the writer's.
    final class Buffer {
        var bytes = ByteBuffer()
    }

    let buffer: Buffer

    mutating func write(_ part: ByteBuffer) async throws {
        var part = part
        buffer.bytes.writeBuffer(&part)
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
