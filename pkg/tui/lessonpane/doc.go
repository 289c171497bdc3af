// Package lessonpane renders the pane of a lesson: the step, its questions and goals, and the summary at the end.
package lessonpane
