package call

// Names for the tests outside of the package.
type (
	HttpView    = httpView
	MeasureView = measureView
)
