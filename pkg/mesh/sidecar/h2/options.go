package h2

// Options of a connection. The zero value is what a sidecar uses, but for Group.
type Options struct {
	// Group is shared by connections that forward to each other.
	Group *Group
	// MaxConcurrentStreams is how many streams the connection may have open at a time, if the server permits as many; 1,024 if 0.
	MaxConcurrentStreams uint32
	// StreamWindow is how many bytes of a stream may be unconsumed; 64 KiB if 0, and never less than the protocol's 65,535.
	StreamWindow int
	// ConnWindow is how many bytes of all streams together may be unconsumed; if 0, as much as all streams that may be open, so that
	// no number of slow readers holds up others.
	ConnWindow int
	// MaxHeaderList is the size of the largest header list that is accepted, as HTTP/2 counts it; 60 KiB if 0.
	MaxHeaderList int
	// MaxPending is how many bytes may wait for a peer that does not read; 4 MiB if 0.
	MaxPending int
	// Changed, if set, is called when a client's connection that had no capacity for Open may have some, and when it has
	// begun to end. It must not wait.
	Changed func(*Conn)
}

func (o Options) withDefaults() Options {
	if o.Group == nil {
		o.Group = new(Group)
	}
	if o.MaxConcurrentStreams == 0 {
		o.MaxConcurrentStreams = 1024
	}
	o.StreamWindow = max(o.StreamWindow, 64<<10)
	if o.ConnWindow == 0 {
		o.ConnWindow = min(int(o.MaxConcurrentStreams)*o.StreamWindow, maxWindow)
	}
	o.ConnWindow = max(o.ConnWindow, o.StreamWindow)
	if o.MaxHeaderList == 0 {
		o.MaxHeaderList = 60 << 10
	}
	if o.MaxPending == 0 {
		o.MaxPending = 4 << 20
	}
	return o
}
