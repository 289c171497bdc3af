package lesson

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopctl/shopctl/pkg/broadcast"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/lesson/progress"
	"github.com/shopctl/shopctl/pkg/lesson/restore"
)

// Shop is the part of the daemon's API that lessons use; control.Client has it.
type Shop interface {
	probe.Shop
	restore.Shop
}

// ErrBusy means that another lesson is open on the same shop.
var ErrBusy = restore.ErrBusy

// Command is a shopctl command line.
type Command struct {
	Args []string // after "shopctl"
	Dir  string
	// Owner is the owner of faults that the command injects: "lesson grpc".
	Owner string
	// In is its standard input; nil: none. Out takes its standard output in place of Run's out, if it is set.
	In  io.Reader
	Out io.Writer
	// Columns is how wide its output is to be, in cells; 0: as wide as it likes.
	Columns int
}

// Runner runs shopctl itself. It writes both streams to out and returns the exit code; an error means
// that the command did not run.
type Runner interface {
	Run(ctx context.Context, c Command, out io.Writer) (exit int, err error)
}

// Deps are the dependencies of a session.
type Deps struct {
	Shop   Shop
	Caller probe.Caller
	Runner Runner
	// Tester runs the learner's Go tests; nil for lessons from elsewhere, which execute nothing.
	Tester   probe.Tester
	Progress *progress.Store
	// Builtin reports whether an image runs a built-in service; nil: images are not checked before they are applied.
	Builtin func(image string) bool
	// Workspace is the directory for the lesson's files; it is made if it does not exist.
	Workspace string
	Now       func() time.Time
	// Events reports the shop's events until ctx ends; nil: goals are evaluated once a second only.
	Events func(ctx context.Context, note func(Event))
	// Seed of the lesson's load; 0: the lesson's own.
	Seed int64
	// Fresh ignores earlier progress.
	Fresh bool
}

// ErrClosed is returned by actions on a session after Close.
var ErrClosed = errors.New("the lesson is closed")

// Session is one lesson being run against a shop. Its methods are safe for concurrent use; those
// that take a context may take long.
type Session struct {
	lesson *Lesson
	deps   Deps
	env    probe.Env

	mu      sync.Mutex
	steps   []*step
	at      int
	record  *progress.Lesson
	done    bool
	closed  bool
	message string
	// journal restores the shop, saver writes the progress.
	journal *restore.Journal
	saver   *saver
	// steadySeen are the latest results of the steady state, in its order.
	steadySeen []probe.Result
	// requested is whether the learner asks for a round of evaluation.
	requested bool
	// rounds counts those that ended; roundEnded follows each.
	rounds     int
	roundEnded broadcast.Signal

	changes chan struct{}
	wake    chan struct{}
	// events are those of the shop, for the evaluator.
	events  chan Event
	closing chan struct{}
	end     context.CancelFunc
	ended   sync.WaitGroup
	columns atomic.Int32 // how wide the output of commands is to be; 0: as wide as it likes
	running sync.Mutex   // held while a command or a rollback is under way
}

// Open begins a lesson, or resumes it where it was left. It first undoes what a killed session left
// behind, and then requires the steady state: the error is *Unsteady if it does not hold. The caller
// must Close the session, which undoes what the lesson did.
func Open(ctx context.Context, l *Lesson, d Deps) (*Session, error) {
	s := &Session{
		lesson: l, deps: d,
		env:     probe.Env{Shop: d.Shop, Caller: d.Caller, Tester: d.Tester, Workspace: d.Workspace, Now: d.Now},
		changes: make(chan struct{}, 1), wake: make(chan struct{}, 1), events: make(chan Event),
		closing: make(chan struct{}),
	}
	if err := refuseForeign(l, d.Builtin); err != nil {
		return nil, err
	}
	if err := makeWorkspace(l, d.Workspace); err != nil {
		return nil, err
	}
	var err error
	if s.journal, err = restore.Open(ctx, restore.Config{Shop: d.Shop, Dir: filepath.Dir(d.Workspace), Now: d.Now}); err != nil {
		return nil, err
	}
	s.saver = newSaver(d.Progress, l.Key(), s.saved)
	if err := s.prepare(ctx); err != nil {
		s.saver.close()
		return nil, errors.Join(err, s.abandon(ctx), s.journal.Close())
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	s.end = end
	s.ended.Go(func() { newEvaluator(s).run(life) })
	if d.Events != nil {
		s.ended.Go(func() { d.Events(life, s.noteEvent) })
	}
	return s, nil
}

func (s *Session) prepare(ctx context.Context) error {
	left, err := s.journal.Recover(ctx)
	if err != nil {
		return err
	}
	if left != "" {
		s.message = "What lesson " + left + " left behind is undone."
	}
	if err := s.journal.Record(ctx, s.lesson); err != nil {
		return err
	}
	if err := s.startLoad(ctx); err != nil {
		return err
	}
	if err := s.steady(ctx, s.steadyBefore()); err != nil {
		return err
	}
	if err := s.resume(); err != nil {
		return err
	}
	return s.enter(ctx)
}

// abandon undoes what a session that could not begin has begun: its load.
func (s *Session) abandon(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), steadyAfter)
	defer cancel()
	if err := s.journal.RollbackLoad(ctx); err != nil {
		return err
	}
	return s.journal.Forget()
}

// Close ends the session: commands under way are ended, what the lesson did is undone, and the steady
// state must hold again. Progress stays. Closing twice does nothing.
func (s *Session) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	close(s.closing)
	s.end()
	s.ended.Wait()
	s.running.Lock()
	defer s.running.Unlock()
	s.saver.close()
	return errors.Join(s.undo(ctx), s.journal.Close())
}

// undo restores the shop. The load goes on until the steady state holds, whose checks may need it.
func (s *Session) undo(ctx context.Context) error {
	if err := s.journal.Rollback(ctx); err != nil {
		return err
	}
	unsteady := s.steady(ctx, steadyAfter)
	if err := s.journal.RollbackLoad(ctx); err != nil {
		return err
	}
	if unsteady != nil {
		unsteady = fmt.Errorf("restore the shop: %w", unsteady)
	}
	return errors.Join(s.journal.Forget(), unsteady)
}

// Changes delivers a signal after the session changed. Signals are not counted: take a new Snapshot.
func (s *Session) Changes() <-chan struct{} { return s.changes }

// Lesson returns the lesson.
func (s *Session) Lesson() *Lesson { return s.lesson }

func (s *Session) changed() {
	select {
	case s.changes <- struct{}{}:
	default:
	}
}

// resume reads the progress of this lesson.
func (s *Session) resume() error {
	f, aside, err := s.deps.Progress.Read()
	if err != nil {
		return err
	}
	if aside != "" {
		s.message = setAside(aside)
	}
	now := s.deps.Now()
	rec := f.Lessons[s.lesson.Key()]
	if rec == nil || s.deps.Fresh {
		rec = &progress.Lesson{Status: progress.Started, Started: now, Seed: s.seed()}
	} else if rec.Hash != s.lesson.Hash {
		s.message = "The lesson has changed since you were here."
	}
	if rec.Steps == nil {
		rec.Steps = map[string]*progress.Step{}
	}
	rec.Hash = s.lesson.Hash
	s.record = rec
	for i := range s.lesson.Steps {
		s.steps = append(s.steps, newStep(&s.lesson.Steps[i], rec))
	}
	s.at = max(s.lesson.Step(rec.Step), 0)
	if rec.Status == progress.Done && s.message == "" {
		s.message = "You have finished this lesson before; --reset starts it from scratch."
	}
	return nil
}

// save has the progress written. It returns at once.
func (s *Session) save() {
	s.record.Updated = s.deps.Now()
	s.record.Step = s.steps[s.at].def.ID
	s.saver.save(s.record)
}

// saved reports how a write ended: a disk that is full does not end the lesson.
func (s *Session) saved(aside string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		s.message = fmt.Sprintf("Progress is not saved: %s.", err)
	case aside != "":
		s.message = setAside(aside)
	default:
		return
	}
	s.changed()
}

// setAside is the message for a progress file that could not be read.
func setAside(path string) string {
	return "Progress could not be read and starts from scratch; the old file is " + path + "."
}

// How long the shop is given to be in its steady state.
const (
	steadyBefore = 10 * time.Second
	steadyAfter  = 60 * time.Second
	steadyPause  = 200 * time.Millisecond
)

// Unsteady is a shop whose steady state does not hold.
type Unsteady struct {
	Check  format.Check
	Result probe.Result
}

func (e *Unsteady) Error() string {
	return fmt.Sprintf("%s: expected %s, observed %s", e.Check.Title, e.Result.Expected, e.Result.Observed)
}

// steady waits until the steady state holds, at most for a time.
func (s *Session) steady(ctx context.Context, atMost time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	for {
		unsteady := s.unsteady(ctx)
		if unsteady == nil {
			return nil
		}
		timer := time.NewTimer(steadyPause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return unsteady
		}
	}
}
