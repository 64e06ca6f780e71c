import HTTPTypes

/// Names of headers that HTTPTypes does not list. All are tokens, so none of them is nil.
extension HTTPField.Name {
    static let requestID = HTTPField.Name("X-Request-ID") ?? .from
    static let idempotencyKey = HTTPField.Name("Idempotency-Key") ?? .from
    static let idempotencyReplayed = HTTPField.Name("Idempotency-Replayed") ?? .from
    static let lastEventID = HTTPField.Name("Last-Event-ID") ?? .from
    static let secFetchSite = HTTPField.Name("Sec-Fetch-Site") ?? .from
    static let referrerPolicy = HTTPField.Name("Referrer-Policy") ?? .from
    static let frameOptions = HTTPField.Name("X-Frame-Options") ?? .from
    static let openerPolicy = HTTPField.Name("Cross-Origin-Opener-Policy") ?? .from
}
