package dash

// Names for the tests outside of the package.
var TuiVerbs = tuiVerbs
