// Package lessons holds the lessons: lessons/<track>/<slug>/lesson.md and what belongs to it. How one is
// written is told in package pkg/lesson/format.
package lessons

import "embed"

// FS holds the directories of all tracks.
//
//go:embed communication start
var FS embed.FS
