import EgizCore
import Hummingbird

/// All paths of the API.
struct RouteTable: Sendable {
    static let allowedMethods = "GET, HEAD"

    let routes: [APIRoute]

    /// The route whose template the path fits, segment by segment; captures are never empty. Nil where nothing answers.
    func match(_ path: String) -> APIRoute? {
        let segments = Self.segments(path)
        return routes.first { route in
            let template = Self.segments(route.path)
            return template.count == segments.count
                && zip(template, segments).allSatisfy { pattern, segment in
                    Self.isCapture(pattern) ? !segment.isEmpty : pattern.utf8.elementsEqual(segment.utf8)
                }
        }
    }

    /// The template that was probably meant.
    func nearest(to path: String) -> String? { NearestWord.find(path, among: routes.map(\.path)) }

    /// Hummingbird's router for these routes.
    func router() -> Router<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self, options: .autoGenerateHeadEndpoints)
        for route in routes {
            let names = Self.segments(route.path).filter(Self.isCapture).map { String($0.dropFirst().dropLast()) }
            router.get(RouterPath(route.path)) { request, context in
                var captures: [String: String] = [:]
                for name in names { captures[name] = context.parameters.get(name) }
                return try await route.handler(
                    APIRequest(
                        path: request.uri.path, query: request.uri.query, headers: request.headers, captures: captures))
            }
        }
        return router
    }

    private static func segments(_ path: String) -> [Substring] {
        path.split(separator: "/", omittingEmptySubsequences: false)
    }

    private static func isCapture(_ segment: Substring) -> Bool { segment.first == "{" && segment.last == "}" }
}
