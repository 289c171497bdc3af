// Package lessons embeds the built-in lessons: lessons/<track>/<slug>/lesson.md and its files, in the format that
// package pkg/lesson/format describes.
package lessons

import "embed"

// FS has the directories of all tracks.
//
//go:embed */*
var FS embed.FS
