package observe

// Names for the tests outside of the package.
type (
	FileTraces = fileTraces
	TopView    = topView
	TraceView  = traceView
)

var (
	OpenTraces = openTraces
	Summarize  = summarize
)
