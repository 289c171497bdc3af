// Package topology is the map of the shop: who calls whom, how that goes, and how far what is broken
// reaches. It draws maps as text, as DOT and as Mermaid, and it says of a fault in one sentence what users
// feel of it. It measures nothing and asks nobody: numbers come in, words go out.
package topology
