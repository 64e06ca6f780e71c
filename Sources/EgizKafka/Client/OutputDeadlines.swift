/// How long the calls of an output producer may take before they give up and can be made again.
struct OutputDeadlines {
    var initialize = Duration.seconds(60)
    /// To get everything out; aborting may take as long again as the transaction's timeout.
    var publish = Duration.seconds(60)
    var abort = Duration.seconds(15)
}
