import EgizCore
import EgizPostgres
import HTTPTypes
import Hummingbird

/// `/healthz`: the process runs. `/readyz`: it can do its work. `/metrics`: what it has done.
struct HealthRoutes: Sendable {
    let queries: HealthQueries
    let readiness: APIServer.Readiness
    let metrics: PrometheusRegistry
    /// The server listens outside loopback: then what the engine does is not for everyone.
    var isOutside = false

    var routes: [APIRoute] {
        [
            APIRoute("/healthz", access: .everyone) { _ in .json(Array(#"{"status":"ok"}"#.utf8)) },
            APIRoute("/readyz", access: .everyone) { _ in await ready() },
            APIRoute("/metrics", access: isOutside ? .admin : .everyone) { _ in
                .content(metrics.text().utf8, type: PrometheusText.contentType)
            },
        ]
    }

    private func ready() async -> Response {
        async let others = readiness()
        let checks = await [database()] + others
        let isReady = checks.allSatisfy { $0.state == .ok }
        return .content(
            Self.json(checks, isReady: isReady, reasons: !isOutside), type: "application/json",
            status: isReady ? .ok : .serviceUnavailable,
            headers: isReady ? [:] : [.retryAfter: "2"])
    }

    private func database() async -> ReadinessCheck {
        do {
            let schema = try await queries.schema()
            if schema.isNewer {
                let reason = "the schema is newer than this version of egiz; run the newer version"
                return ReadinessCheck(name: "postgres", state: .failed(reason))
            }
            if !schema.pending.isEmpty {
                let reason = "the schema lacks \(schema.pending.joined(separator: ", ")); run: egiz db migrate"
                return ReadinessCheck(name: "postgres", state: .failed(reason))
            }
            return ReadinessCheck(name: "postgres", state: .ok)
        } catch let error as EngineError where error.retry != .backoff {
            return ReadinessCheck(name: "postgres", state: .failed(error.message))
        } catch let error as EngineError {
            return ReadinessCheck(name: "postgres", state: .waiting(error.message))
        } catch {
            return ReadinessCheck(name: "postgres", state: .waiting("Postgres does not answer"))
        }
    }

    /// - Parameter reasons: whether to say why; reasons name hosts and settings, which are not for everyone.
    private static func json(_ checks: [ReadinessCheck], isReady: Bool, reasons: Bool) -> [UInt8] {
        var out = JSONOutput()
        out.beginObject()
        out.member("status", isReady ? "ready" : "not ready")
        out.key("checks")
        out.beginArray()
        for check in checks {
            out.beginObject()
            out.member("name", check.name)
            switch check.state {
            case .ok: out.member("state", "ok")
            case .waiting(let reason):
                out.member("state", "waiting")
                if reasons { out.member("reason", reason) }
            case .failed(let reason):
                out.member("state", "failed")
                if reasons { out.member("reason", reason) }
            }
            if reasons, let note = check.note { out.member("note", note) }
            out.endObject()
        }
        out.endArray()
        out.endObject()
        return out.bytes
    }
}
