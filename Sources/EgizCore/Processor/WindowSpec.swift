public import EgizTwin

/// Windows of event time: tumbling where `hop` equals `size`, hopping where it is smaller. Aligned to 1970-01-01T00:00:00Z; a window
/// holds `start <= time < start + size` and stays open until stream time reaches its end and `grace` (rule 16). All in
/// microseconds.
public struct WindowSpec: Sendable, Equatable {
    public let size: Int64
    public let hop: Int64
    public let grace: Int64

    /// - Precondition: `0 < hop <= size`, `grace >= 0`.
    public init(size: Int64, hop: Int64, grace: Int64) {
        precondition(size > 0 && hop > 0 && hop <= size && grace >= 0, "no window has this shape")
        self.size = size
        self.hop = hop
        self.grace = grace
    }

    /// The starts of the windows that hold `time`, ascending. Windows that began before 1970 exist as well.
    @inline(__always)
    public func forEachStart(holding time: EventTime, _ body: (Int64) -> Void) {
        let t = time.microseconds
        var last = t / hop * hop
        if last > t { last -= hop }
        var start = last - (size - 1) / hop * hop
        while start <= last {
            if start + size > t { body(start) }
            start += hop
        }
    }

    /// When the window closes: no sample is added from this stream time on.
    @inline(__always)
    public func close(of start: Int64) -> EventTime {
        EventTime(microseconds: start).advanced(byMicroseconds: size).advanced(byMicroseconds: grace)
    }
}
