// Package topology is the map of the shop: the calls between services, their traffic, and the blast radius of active
// faults. It draws maps as text, as DOT and as Mermaid, and summarizes the effect of a fault on users in one sentence. It
// measures nothing itself.
package topology
