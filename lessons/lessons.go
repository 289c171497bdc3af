// Package lessons holds the lessons: lessons/<track>/<slug>/lesson.md and what belongs to it. How one is
// written is told in package pkg/lesson/format.
package lessons

import "embed"

// FS holds the directories of all tracks.
//
//go:embed architecture communication observability resilience start
var FS embed.FS

// Curriculum returns the ids of the lessons in the order of reading. Entry is free: the order is that of
// lists, and of what comes next.
func Curriculum() []string {
	return []string{
		"tour",
		"monolith",
		"discovery",
		"config",
		"grpc",
		"rest",
		"streaming",
		"tracing",
		"metrics",
		"alerts",
		"timeouts",
	}
}
