// Package feed supplies the data of the screen: the daemon's streams, polls for the data of the visible tab, and the changes
// of a lesson. It sends them to the model as a Batch, at most ten a second, and none while nothing changes.
package feed
