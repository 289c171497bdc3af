package lesson

// Names for the tests outside of the package.
type (
	LessonEvent   = lessonEvent
	LessonOptions = lessonOptions
	LessonsView   = lessonsView
	ProblemsView  = problemsView
	ReviewView    = reviewView
)

var (
	Language       = language
	LessonEvents   = lessonEvents
	LessonIDs      = lessonIDs
	LessonPlain    = lessonPlain
	LessonProgress = lessonProgress
	NextOf         = nextOf
	OwnLessons     = ownLessons
)
