import EgizCore
import Foundation

/// Only one `egiz up` a data directory: two would start Postgres on the same files.
struct DataDirectoryLock {
    private let descriptor: Int32

    init(_ directory: URL) throws(EngineError) {
        let path = directory.appendingPathComponent("lock").path
        descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw EngineError(
                .config, .stop,
                "\(path) cannot be opened: \(String(cString: strerror(errno))); set EGIZ_DATA_DIR to a folder you may write"
            )
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw EngineError(
                .config, .stop,
                "another `egiz up` runs on \(directory.path) (see run.json there for its pid); stop it, or set EGIZ_DATA_DIR to another folder"
            )
        }
    }

    func release() { close(descriptor) }
}
