package fault

// Names for the tests outside of the package.
type FaultsView = faultsView
