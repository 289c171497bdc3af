package fault

// Names for the tests outside of the package.
type FaultsView = faultsView

// FaultEnd is faultEnd.
var FaultEnd = faultEnd
