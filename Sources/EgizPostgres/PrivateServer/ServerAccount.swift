import EgizCore
import Foundation
import Glibc

/// The user that the server runs as: ourselves, or `postgres` where we are root, because Postgres refuses to run as root.
struct ServerAccount {
    /// Nil: we run it as ourselves.
    private var name: String?
    private var user: uid_t
    private var group: gid_t

    static func choose() throws(EngineError) -> ServerAccount {
        guard geteuid() == 0 else { return ServerAccount(name: nil, user: geteuid(), group: getegid()) }
        guard let entry = getpwnam("postgres") else {
            throw EngineError(
                .config, .stop,
                "Postgres does not run as root and there is no user `postgres`: run `apt-get install postgresql`, or run egiz as another user"
            )
        }
        return ServerAccount(name: "postgres", user: entry.pointee.pw_uid, group: entry.pointee.pw_gid)
    }

    /// Another user than ourselves.
    var isOther: Bool { name != nil }

    /// The arguments that run a program as this user.
    func command(_ arguments: [String]) -> [String] {
        guard let name else { return arguments }
        // It wants a working directory it can read, and ours may be out of its reach.
        return ["env", "-C", "/", "setpriv", "--reuid=\(name)", "--regid=\(group)", "--init-groups", "--"] + arguments
    }

    func own(_ path: String) throws(EngineError) {
        guard isOther else { return }
        guard chown(path, user, group) == 0 else {
            throw EngineError(
                .config, .stop, "cannot give \(path) to user postgres: \(String(cString: strerror(errno)))")
        }
    }

    /// Whether this user can enter every folder above `path`.
    func canReach(_ path: String) -> Bool {
        guard isOther else { return true }
        var folder = URL(fileURLWithPath: path).standardizedFileURL.deletingLastPathComponent()
        while true {
            var facts = stat()
            if stat(folder.path, &facts) == 0 {
                let isOpen = facts.st_mode & S_IXOTH != 0 || (facts.st_uid == user && facts.st_mode & S_IXUSR != 0)
                if !isOpen { return false }
            }
            if folder.path == "/" { return true }
            folder.deleteLastPathComponent()
        }
    }
}
