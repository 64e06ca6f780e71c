import EgizCore
import HTTPTypes
import Hummingbird
import Logging
import NIOHTTP1

/// The outermost layer: limits, unknown paths and methods, problem documents, headers, access log and request metrics.
struct APIResponder: HTTPResponder {
    typealias Context = APIContext

    /// Longest path and query, in bytes; longer ones are refused before anything looks at them.
    static let maximumTarget = 8192

    let table: RouteTable
    let router: RouterResponder<APIContext>
    /// The server listens outside loopback, where any name may be ours; nobody gets anything there by reaching it alone.
    let isOutside: Bool
    let trustedProxies: Set<String>
    let conventions: Conventions
    let metrics: PrometheusRegistry
    let logger: Logger

    init(
        table: RouteTable, gate: any AccessControl, isOutside: Bool = false, trustedProxies: Set<String> = [],
        conventions: Conventions = Conventions(), memory: BodyMemory = BodyMemory(), metrics: PrometheusRegistry,
        logger: Logger
    ) {
        self.table = table
        self.isOutside = isOutside
        self.trustedProxies = trustedProxies
        self.conventions = conventions
        self.metrics = metrics
        self.logger = logger
        router = table.router(gate, memory: memory).buildResponder()
        metrics.describe("egiz_http_requests_total", "Requests answered, by route and status.")
        metrics.describe("egiz_http_request_duration_seconds", "Time until the answer was ready, by route.")
    }

    func respond(to request: Request, context: Context) async throws -> Response {
        let start = ContinuousClock.now
        var context = context
        let requestID = RequestID.of(request.headers)
        context.requestID = requestID
        context.remoteAddress = ClientAddress.of(context.remoteAddress, request.headers, trusted: trustedProxies)
        let routes = table.match(request.uri.path)
        var response: Response
        do throws(Problem) {
            response = try await answer(request, routes: routes, context: context)
        } catch {
            response = Self.response(for: error, instance: request.uri.path, requestID: requestID)
        }
        response = await conventions.dress(response, request: request.head, requestID: requestID)
        note(request, route: routes.first, response: response, took: .now - start, requestID: requestID)
        return response
    }

    private func answer(
        _ request: Request, routes: [APIRoute], context: Context
    ) async throws(Problem) -> Response {
        guard request.head.path?.utf8.count ?? 0 <= Self.maximumTarget else {
            throw .targetTooLong(limit: Self.maximumTarget)
        }
        guard isOutside || HostName.isOurs(request.head.authority) else { throw .host }
        guard !routes.isEmpty else { throw .noSuchPath(nearest: table.nearest(to: request.uri.path)) }
        if let preflight = conventions.cors.preflight(request.head, methods: RouteTable.allowedMethods(routes)) {
            return Response(status: .noContent, headers: preflight)
        }
        guard let route = routes.first(where: { $0.answers(request.method) }) else {
            throw .method(request.method.rawValue, allowed: RouteTable.allowedMethods(routes))
        }
        if let writing = route.writing { try WriteGuard.check(request.head, writing, cors: conventions.cors) }
        do {
            return try await router.respond(to: request, context: context)
        } catch let problem as Problem {
            throw problem
        } catch let error as EngineError {
            // A database that is away makes every request fail: one warning each is noise, /readyz tells.
            log(error.retry == .backoff ? .debug : .error, "request failed", error, request, context)
            throw Problem(error)
        } catch let error as HTTPParserError {
            // The client went away within its body, or was cut because it took too long: nothing of ours failed, and whoever does it a
            // thousand times must not fill the log.
            log(.debug, "request broken off", error, request, context)
            throw .bodyBrokenOff
        } catch {
            log(.error, "request failed", error, request, context)
            throw .internalError
        }
    }

    private func log(
        _ level: Logger.Level, _ message: Logger.Message, _ error: any Error, _ request: Request, _ context: Context
    ) {
        logger.log(
            level: level, message,
            metadata: [
                "egiz.http.path": "\(request.uri.path)", "egiz.error": "\(error)",
                "egiz.http.request-id": "\(context.requestID)",
            ])
    }

    private func note(
        _ request: Request, route: APIRoute?, response: Response, took: Duration, requestID: String
    ) {
        let label = route?.path ?? "none"
        metrics.value(
            "egiz_http_requests_total", [("route", label), ("status", "\(response.status.code)")], .counter
        ).increment(by: Int64(1))
        let seconds = Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
        metrics.histogram("egiz_http_request_duration_seconds", [("route", label)]).record(seconds)
        logger.debug(
            "request answered",
            metadata: [
                "egiz.http.method": "\(request.method.rawValue)", "egiz.http.path": "\(request.uri.path)",
                "egiz.http.status": "\(response.status.code)", "egiz.http.seconds": "\(seconds)",
                "egiz.http.request-id": "\(requestID)",
            ])
    }

    private static func response(for problem: Problem, instance: String, requestID: String) -> Response {
        var headers = problem.headers
        headers[.contentType] = "application/problem+json"
        return Response(
            status: problem.status, headers: headers,
            body: ResponseBody(
                byteBuffer: ByteBuffer(bytes: problem.document(instance: instance, requestID: requestID))))
    }
}
