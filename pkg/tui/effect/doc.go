// Package effect performs the side effects of a screen's keys, each as a command of Bubble Tea: changes of the shop, calls,
// shopctl's own command lines, and suspension. The end of the screen ends them all.
package effect
