public import ArgumentParser
public import ZonesunMachine

extension MachineMix: ExpressibleByArgument {}
