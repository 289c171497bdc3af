// Package h2 is the HTTP/2 of a sidecar: connections and streams, in the role of a server and of a client, for a proxy that
// forwards frames and does not need requests and responses as values.
//
// # Who runs what
//
// A connection has one goroutine of its own, its reader, which is the caller of Serve. It calls the handler of a stream for each
// thing that arrives, and a handler forwards by writing to a stream of another connection. No stream has a goroutine.
//
// A reader never waits for a peer to read. What is written to a stream is framed into a buffer of its connection as far as the
// peer's windows permit, or else kept in the stream's queue. The buffer goes to the socket by a write that does not wait; only
// what the socket does not take is left to a goroutine that lives until it has been taken.
//
// # What bounds memory
//
// A peer may send a stream no more than StreamWindow bytes that its handler has not called Consumed for. A handler which forwards
// calls Consumed for what it forwarded once the other stream's queue is below HighWater, and so passes a slow reader's pace on to
// the sender. A buffer that a peer does not read ends its connection at MaxPending. Frames that cost work and carry nothing are
// counted, and too many of them end a connection with ENHANCE_YOUR_CALM.
//
// # How writes share system calls
//
// Readers that share a Group write what they have caused, on whatever connection, when they have handled all that one read of their
// socket returned. Thirty requests that arrive together leave together. A write from outside a reader goes out at once, or at
// the end of Group.Do.
package h2
