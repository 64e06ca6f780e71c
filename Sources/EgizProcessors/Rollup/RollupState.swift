public import EgizCore
import EgizTwin

/// The open windows of one thing, by path.
public final class RollupState: ProcessorState {
    struct Window {
        /// Microseconds since 1970.
        var start: Int64
        var aggregate = RollupAggregate()
        /// The open epoch has changed it.
        var isDirty = false

        mutating func add(_ number: Double, at time: EventTime) {
            aggregate.add(number, at: time)
            isDirty = true
        }
    }

    struct Series {
        var path: String
        /// The path's number in the present tables; found again after a restore.
        var id: PathID?
        /// By rising start; a handful at most.
        var windows: [Window] = []
    }

    public static let version: UInt8 = 1

    var series: [Series] = []
    /// Windows that closed in the open epoch and are written once more.
    var closed: [(path: String, window: Window)] = []

    public init() {}

    public init(from reader: inout StateReader, version: UInt8) throws(StateFault) {
        for _ in 0..<(try reader.count()) {
            var one = Series(path: try reader.text(), id: nil)
            for _ in 0..<(try reader.count()) {
                let start = try reader.int64()
                let count = try reader.int64()
                guard count > 0 else { throw StateFault("a window of \(one.path) holds \(count) samples") }
                let aggregate = RollupAggregate(
                    count: count, min: try reader.double(), max: try reader.double(), sum: try reader.double(),
                    first: try reader.double(), last: try reader.double(),
                    firstTime: EventTime(microseconds: try reader.int64()),
                    lastTime: EventTime(microseconds: try reader.int64()))
                one.windows.append(Window(start: start, aggregate: aggregate))
            }
            series.append(one)
        }
    }

    public func encode(into writer: inout StateWriter) {
        writer.write(count: series.count)
        for one in series {
            writer.write(one.path)
            writer.write(count: one.windows.count)
            for window in one.windows {
                let aggregate = window.aggregate
                writer.write(window.start)
                writer.write(aggregate.count)
                writer.write(aggregate.min)
                writer.write(aggregate.max)
                writer.write(aggregate.sum)
                writer.write(aggregate.first)
                writer.write(aggregate.last)
                writer.write(aggregate.firstTime.microseconds)
                writer.write(aggregate.lastTime.microseconds)
            }
        }
    }

    public func copy() -> RollupState {
        let copy = RollupState()
        (copy.series, copy.closed) = (series, closed)
        return copy
    }

    public var isEmpty: Bool { series.isEmpty }

    /// The place of the path's series, made where there is none.
    func index(of path: PathID, in paths: PathTable) -> Int {
        for index in series.indices where series[index].id == path { return index }
        let text = paths.text(of: path)
        for index in series.indices where series[index].path.utf8.elementsEqual(text.utf8) {
            series[index].id = path
            return index
        }
        series.append(Series(path: text, id: path))
        return series.count - 1
    }

    /// Adds a number to the window that begins at `start`; true where it is a new one.
    func add(_ number: Double, at time: EventTime, to index: Int, start: Int64) -> Bool {
        Self.add(number, at: time, to: &series[index].windows, start: start)
    }

    // The windows are reached once: each way through the arrays asks whether they are shared.
    private static func add(_ number: Double, at time: EventTime, to windows: inout [Window], start: Int64) -> Bool {
        var place = windows.count
        while place > 0, windows[place - 1].start > start { place -= 1 }
        if place > 0, windows[place - 1].start == start {
            windows[place - 1].add(number, at: time)
            return false
        }
        var window = Window(start: start)
        window.add(number, at: time)
        windows.insert(window, at: place)
        return true
    }
}
