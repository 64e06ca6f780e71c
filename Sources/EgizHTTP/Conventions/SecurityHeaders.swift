import HTTPTypes
import Hummingbird

/// What every answer tells browsers: no sniffing, no storing, no embedding, nothing of us elsewhere. The answers are data for programs.
///
/// What a route has set itself stays. What has an entity tag may be kept, so that a client can ask with `If-None-Match`, and must be
/// asked for each time.
enum SecurityHeaders {
    static func set(_ response: inout Response) {
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.referrerPolicy] = "no-referrer"
        response.headers[.frameOptions] = "DENY"
        response.headers[.openerPolicy] = "same-origin"
        response.headers[.cacheControl] = response.headers[.eTag] == nil ? "no-store" : "no-cache"
        if response.headers[.contentSecurityPolicy] == nil {
            response.headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        }
        if response.headers[.crossOriginResourcePolicy] == nil {
            response.headers[.crossOriginResourcePolicy] = "same-origin"
        }
        if response.status == .notModified { response.headers[.contentLength] = nil }
    }
}
