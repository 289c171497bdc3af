// Package lessons holds the lessons that come with shopctl: lessons/<track>/<slug>/lesson.md and its files, as package
// pkg/lesson/format describes them.
package lessons

import "embed"

// FS has the directories of all tracks.
//
//go:embed */*
var FS embed.FS
