/// What a record says.
public enum Decoded {
    case event(TwinEvent)
    case ignored(IgnoreReason)
    case rejected(Rejection)
}
