import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Synchronization

/// Takes an answer whole, as `ResponseAccumulator` does, and knows whether anything of the request went out. Safe from any thread.
final class SendingAccumulator: HTTPClientResponseDelegate {
    typealias Response = HTTPClient.Response

    private let answer: ResponseAccumulator
    private let sent = Mutex(false)

    init(_ request: HTTPClient.Request, maxAnswerBytes: Int) {
        answer = ResponseAccumulator(request: request, maxBodySize: maxAnswerBytes)
    }

    /// The head of the request was written to a connection.
    var hasSent: Bool { sent.withLock { $0 } }

    func didSendRequestHead(task: HTTPClient.Task<Response>, _ head: HTTPRequestHead) { sent.withLock { $0 = true } }

    func didVisitURL(task: HTTPClient.Task<Response>, _ request: HTTPClient.Request, _ head: HTTPResponseHead) {
        answer.didVisitURL(task: task, request, head)
    }

    func didReceiveHead(task: HTTPClient.Task<Response>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        answer.didReceiveHead(task: task, head)
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Response>, _ part: ByteBuffer) -> EventLoopFuture<Void> {
        answer.didReceiveBodyPart(task: task, part)
    }

    func didReceiveError(task: HTTPClient.Task<Response>, _ error: any Error) {
        answer.didReceiveError(task: task, error)
    }

    func didFinishRequest(task: HTTPClient.Task<Response>) throws -> Response {
        try answer.didFinishRequest(task: task)
    }
}
