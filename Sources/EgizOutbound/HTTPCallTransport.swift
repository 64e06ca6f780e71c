import AsyncHTTPClient
public import EgizCore
public import EgizRuntime
import NIOCore
import NIOHTTP1

/// Calls over HTTP/1.1 and HTTP/2 with connections that are kept. Redirects are not followed: a call with a body and a key goes where
/// it was sent.
public struct HTTPCallTransport: CallTransport {
    // One for the process, on the event loops that all share; it ends with the process.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout = .init(connect: .seconds(5))
        // Callers bound what is under way; a pool below that would only hide it.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 256
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    private struct Handle: CallHandle {
        let task: HTTPClient.Task<HTTPClient.Response>?

        func cancel() { task?.cancel() }
    }

    public init() {}

    public func send(_ request: CallRequest, completion: @escaping @Sendable (CallOutcome) -> Void) -> any CallHandle {
        let prepared: HTTPClient.Request
        do {
            var headers = HTTPHeaders()
            for header in request.headers { headers.add(name: header.name, value: header.value) }
            prepared = try HTTPClient.Request(
                url: request.url, method: .init(rawValue: request.method), headers: headers,
                body: request.body.isEmpty ? nil : .byteBuffer(ByteBuffer(bytes: request.body)))
        } catch {
            completion(.away("the address cannot be called: \(error)"))
            return Handle(task: nil)
        }
        let (seconds, attoseconds) = request.timeout.components
        let deadline = NIODeadline.now() + .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
        let delegate = SendingAccumulator(prepared, maxAnswerBytes: request.maxAnswerBytes)
        let task = Self.client.execute(request: prepared, delegate: delegate, deadline: deadline)
        task.futureResult.whenComplete { result in
            switch result {
            case .success(let response): completion(.response(Self.response(response)))
            case .failure(let error): completion(Self.outcome(of: error, hasSent: delegate.hasSent))
            }
        }
        return Handle(task: task)
    }

    private static func response(_ response: HTTPClient.Response) -> CallResponse {
        CallResponse(
            status: Int(response.status.code),
            headers: response.headers.map { .init($0.name.lowercased(), $0.value) },
            body: response.body.map { Array($0.readableBytesView) } ?? [])
    }

    /// What was never sent cannot be what is at fault.
    private static func outcome(of error: any Error, hasSent: Bool) -> CallOutcome {
        guard hasSent else { return .away("\(error)") }
        return switch error {
        case is ResponseAccumulator.ResponseTooBigError: .tooLarge
        case let error as HTTPClientError
        where [.deadlineExceeded, .readTimeout, .writeTimeout, .getConnectionFromPoolTimeout].contains(error): .timedOut
        default: .cutOff("\(error)")
        }
    }
}
