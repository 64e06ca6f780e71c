import Glibc

/// How many files and sockets this process may have open.
enum FileLimit {
    /// Left for everything that is no connection of a client: the database, Kafka, logs, libraries.
    private static let reserve = 512

    /// Raises the limit to what the system allows and says how many connections fit in.
    static func connections(atMost most: Int) -> Int {
        var limit = rlimit()
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(files, &limit) == 0 else { return 512 }
        if limit.rlim_cur < limit.rlim_max {
            var wanted = limit
            // No more than can be of use: tables grow with it.
            wanted.rlim_cur = min(limit.rlim_max, max(limit.rlim_cur, rlim_t(most + 2 * reserve)))
            if setrlimit(files, &wanted) == 0 { limit = wanted }
        }
        return max(64, min(most, Int(clamping: limit.rlim_cur) - reserve))
    }
}
