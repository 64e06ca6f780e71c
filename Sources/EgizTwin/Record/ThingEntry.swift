/// A thing id, kept by the bytes it came in.
final class ThingEntry {
    let thing: ThingID

    init(_ thing: ThingID) { self.thing = thing }
}
