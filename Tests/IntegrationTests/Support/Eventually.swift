import Foundation

/// Waits until `condition` holds, looking every few milliseconds; false when the deadline passed first. For what other
/// processes do: there is no event to wait for.
func eventually(within seconds: Double, _ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while Date.now < deadline {
        if try condition() { return true }
        usleep(10_000)
    }
    return try condition()
}
