import EgizCore
import Foundation

/// Where the server programs of one PostgreSQL version are.
struct PostgresBinaries {
    var directory: String
    /// The major version, as `PG_VERSION` of a data folder has it.
    var version: String

    func path(_ program: String) -> String { "\(directory)/\(program)" }

    /// The newest installed version, or the one that made an existing data folder.
    static func find(version wanted: String?) throws(EngineError) -> PostgresBinaries {
        let found = installed()
        if let wanted {
            if let match = found.first(where: { $0.version == wanted }) { return match }
            guard !found.isEmpty else { throw missing() }
            throw EngineError(
                .config, .stop,
                "the private database was made by PostgreSQL \(wanted), here are only \(found.map(\.version).joined(separator: ", ")): install it with `apt-get install postgresql-\(wanted)`"
            )
        }
        guard let newest = found.first else { throw missing() }
        return newest
    }

    private static func missing() -> EngineError {
        EngineError(
            .config, .stop,
            "no PostgreSQL server is installed: run `apt-get install postgresql`, or name a server in EGIZ_DATABASE_URL"
        )
    }

    /// Debian's folders first, newest version first, then the PATH.
    private static func installed() -> [PostgresBinaries] {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        var found = versions.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }
            .map { PostgresBinaries(directory: "\(root)/\($0)/bin", version: $0) }
        for directory in (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":") {
            guard FileManager.default.isExecutableFile(atPath: "\(directory)/initdb"),
                let answer = try? Subprocess.run(["\(directory)/postgres", "--version"]), answer.status == 0,
                let version = answer.output.split(separator: " ").first(where: { $0.first?.isNumber ?? false })
            else { continue }
            let major = version.prefix { $0.isNumber }
            found.append(PostgresBinaries(directory: String(directory), version: String(major)))
        }
        return found.filter { FileManager.default.isExecutableFile(atPath: $0.path("initdb")) }
    }
}
