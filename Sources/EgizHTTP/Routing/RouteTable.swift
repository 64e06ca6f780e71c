import EgizCore
import HTTPTypes
import Hummingbird
import NIOCore

/// All paths of the API.
struct RouteTable: Sendable {
    let routes: [APIRoute]

    /// The routes whose template the path fits, segment by segment; captures are never empty. None where nothing answers.
    func match(_ path: String) -> [APIRoute] {
        let segments = Self.segments(path)
        let matching = routes.filter { route in
            let template = Self.segments(route.path)
            return template.count == segments.count
                && zip(template, segments).allSatisfy { pattern, segment in
                    Self.isCapture(pattern) ? !segment.isEmpty : pattern.utf8.elementsEqual(segment.utf8)
                }
        }
        // A template without captures is meant where both fit: `redrive` is no id.
        let most = matching.map(\.path).min { Self.captures($0) < Self.captures($1) }
        return matching.filter { $0.path == most }
    }

    private static func captures(_ path: String) -> Int { segments(path).count(where: isCapture) }

    /// What these routes answer, for the header `Allow`.
    static func allowedMethods(_ routes: [APIRoute]) -> String {
        routes.map { $0.writing?.method.rawValue ?? "GET, HEAD" }.joined(separator: ", ")
    }

    /// The template that was probably meant.
    func nearest(to path: String) -> String? { NearestWord.find(path, among: routes.map(\.path)) }

    /// Hummingbird's router for these routes; each handler stands behind the gate, which decides by the route's `access`.
    func router(_ gate: any AccessControl, memory: BodyMemory = BodyMemory()) -> Router<APIContext> {
        let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
        for route in routes {
            let names = Self.segments(route.path).filter(Self.isCapture).map { String($0.dropFirst().dropLast()) }
            router.on(RouterPath(route.path), method: route.writing?.method ?? .get) { request, context in
                var captures: [String: String] = [:]
                for name in names { captures[name] = context.parameters.get(name) }
                let admission = try await gate.admit(
                    route, captures: captures, headers: request.headers, remoteAddress: context.remoteAddress)
                var asked = APIRequest(
                    path: request.uri.path, query: request.uri.query, headers: request.headers, captures: captures,
                    method: request.method, principal: admission.principal, scope: admission.scope,
                    project: admission.project, requestID: context.requestID, remoteAddress: context.remoteAddress)
                guard let writing = route.writing else { return try await route.handler(asked) }
                try writing.check(keyOf: request.headers)
                // Who may not do it is told so before the body is read.
                try await route.beforeBody?(asked)
                let caller = admission.principal?.caller ?? ""
                var counted = 0
                defer { memory.giveBack(counted, of: caller) }
                for try await part in request.body {
                    let size = asked.body.count + part.readableBytes
                    guard size <= writing.largest else { throw Problem.bodyTooLarge(limit: writing.largest) }
                    let more = max(0, size - BodyMemory.uncounted) - counted
                    guard memory.take(more, for: caller) else { throw Problem.noRoomForBody }
                    counted += more
                    asked.body.append(contentsOf: part.readableBytesView)
                }
                return try await route.handler(asked)
            }
        }
        return router
    }

    private static func segments(_ path: String) -> [Substring] {
        path.split(separator: "/", omittingEmptySubsequences: false)
    }

    private static func isCapture(_ segment: Substring) -> Bool { segment.first == "{" && segment.last == "}" }
}
