package lifeline

// An instance whose Fault has a Director asks it about each call: when the call has arrived, and when its handler is done.
// The director is an HTTP server on a unix socket. The instance posts a Moment as JSON to DirectorPath and does what the
// Direction says that it is answered with; until then, the call is held. Without an answer, it goes on as if there were none.

// DirectorPath is where a director is asked.
const DirectorPath = "/moment"

// Points of a call. A service may have points of its own, which have other names and no method.
const (
	PointArrived = "arrived"
	PointDone    = "done"
)

// Moment is a point that an instance has reached.
type Moment struct {
	// Workload is the instance's: "paymentservice".
	Workload string `json:"workload"`
	// Method is the full method of the call: "/hipstershop.PaymentService/Charge".
	Method string `json:"method,omitempty"`
	Point  string `json:"point"`
	// Subject is whom a point of the service's own is about: the id of a user.
	Subject string `json:"subject,omitempty"`
	// Key is the idempotency-key of the call.
	Key string `json:"key,omitempty"`
	// Request and, once it is done, Response are the messages in protobuf's wire format.
	Request  []byte `json:"request,omitempty"`
	Response []byte `json:"response,omitempty"`
}

// Direction is how an instance goes on. The zero value changes nothing.
type Direction struct {
	// Code is a gRPC code name that the call ends with: without being handled, or, once it is done, in place of its response.
	Code string `json:"code,omitempty"`
	// Again handles the call a second time, as if it had been delivered twice.
	Again bool `json:"again,omitempty"`
}
