public import EgizTwin

/// One window of one path of one thing, as an epoch leaves it: a row of the projection `rollup`.
public struct RollupRow: Sendable, Equatable {
    /// The task that owns the thing.
    public var home: TaskID
    public var processor: String
    public var thing: ThingID
    /// JSON pointer text, at most 1024 bytes.
    public var path: String
    /// The window is `start <= event time < end`.
    public var start: EventTime
    public var end: EventTime
    public var aggregate: RollupAggregate
    /// The window is closed: stream time has passed its end and the grace.
    public var isFinal: Bool

    public init(
        home: TaskID, processor: String, thing: ThingID, path: String, start: EventTime, end: EventTime,
        aggregate: RollupAggregate, isFinal: Bool
    ) {
        self.home = home
        self.processor = processor
        self.thing = thing
        self.path = path
        self.start = start
        self.end = end
        self.aggregate = aggregate
        self.isFinal = isFinal
    }
}

/// Count, minimum, maximum, sum, first and last of the numbers of a window, taken in the order of the log. First and last are by
/// event time; of equal times the first keeps the earlier record, the last takes the later one.
public struct RollupAggregate: Sendable, Equatable {
    public private(set) var count: Int64 = 0
    public private(set) var min: Double = 0
    public private(set) var max: Double = 0
    public private(set) var sum: Double = 0
    public private(set) var first: Double = 0
    public private(set) var last: Double = 0
    public private(set) var firstTime = EventTime(microseconds: 0)
    public private(set) var lastTime = EventTime(microseconds: 0)

    public init() {}

    /// As it was stored.
    public init(
        count: Int64, min: Double, max: Double, sum: Double, first: Double, last: Double, firstTime: EventTime,
        lastTime: EventTime
    ) {
        (self.count, self.min, self.max, self.sum) = (count, min, max, sum)
        (self.first, self.last, self.firstTime, self.lastTime) = (first, last, firstTime, lastTime)
    }

    public mutating func add(_ number: Double, at time: EventTime) {
        if count == 0 {
            (min, max, first, last, firstTime, lastTime) = (number, number, number, number, time, time)
        } else {
            if number < min { min = number }
            if number > max { max = number }
            if time < firstTime { (first, firstTime) = (number, time) }
            if time >= lastTime { (last, lastTime) = (number, time) }
        }
        count += 1
        sum += number
    }

    /// Of the samples; not a number never gets in, but a sum of finite numbers can overflow.
    public var average: Double { count == 0 ? 0 : sum / Double(count) }
}
