import Foundation
import Logging

/// Log lines for people at a terminal: each clears the live line first, so that it is not glued to it.
struct ConsoleLogHandler: LogHandler {
    private var base: StreamLogHandler
    private let clearsLine: Bool

    init(label: String, level: Logger.Level) {
        base = StreamLogHandler.standardError(label: label)
        base.logLevel = level
        clearsLine = isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
    }

    var logLevel: Logger.Level {
        get { base.logLevel }
        set { base.logLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        if clearsLine { Console.print("\r\u{1B}[K", terminator: "") }
        base.log(event: event)
    }
}
