#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The system's error numbers that binding a socket gives.
enum Errno {
    static let addressInUse = EADDRINUSE
    static let accessDenied = EACCES
    static let addressNotAvailable = EADDRNOTAVAIL
}
