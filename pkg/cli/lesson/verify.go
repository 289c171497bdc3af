package lesson

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/verify"
)

type proofsView struct {
	OK      bool            `json:"ok"`
	Results []verify.Result `json:"results"`
	// table is whether each cheat is printed.
	table bool
}

func (v proofsView) Names() []string {
	names := make([]string, len(v.Results))
	for i, r := range v.Results {
		names[i] = r.Lesson + "/" + r.Proof
	}
	return names
}

type proveOptions struct {
	f        *cmdutil.Factory
	output   string
	parallel int
	trust    bool
	only     verify.Options
	selected selection
}

// maxParallel limits the number of shops at the same time: each is a dozen processes.
const maxParallel = 8

func newLessonProveCmd(f *cmdutil.Factory) *cobra.Command {
	o := &proveOptions{f: f}
	cmd := &cobra.Command{
		Use:   "test [LESSON | DIR]...",
		Short: "Test lessons, each on its own shop: checks fail first, pass with the solution, and fail on known mistakes",
		Long: `Test lessons without a screen, each on its own temporary shop: the steady state holds, every check fails before
anything is done, all checks pass with the solution, leaving the lesson restores the steady state, alternative
solutions pass, and each known mistake fails with its own message. A lesson with a load is tested with three seeds.
Cheats must fail as well: in place of the repair, the services of a goal are scaled to 0, stopped or deleted, the
load is stopped, telemetry is silenced, rules say a constant, objects are applied again, and faults are made weaker.
Without arguments, all lessons are tested. While you write a lesson, --script and --seed shorten the wait.

In CI, --changed-since selects the lessons with a changed file in their directory, committed or not. If the program
itself changed (go.mod, or code, contracts and manifests below cmd, pkg and services, tests aside), it selects all.
--shard 2/3 then takes the second of three parts of about equal length, the same on every machine.`,
		Example: `shopctl lesson test grpc
shopctl lesson test ./lessons/communication
shopctl lesson test ./lessons/communication/caching --script solution --seed 42
shopctl lesson test --changed-since origin/main --shard 1/2
shopctl lesson test --parallel 3`,
		ValidArgsFunction: completeLessons,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	cmd.Flags().IntVar(&o.parallel, "parallel", 2, fmt.Sprintf("test this many lessons at the same time, at most %d", maxParallel))
	cmd.Flags().StringVar(&o.only.Script, "script", "", "run only this `SCRIPT`: solution, alt-x, wrong-y, or cheats")
	o.only.Cheats = verify.SomeCheats
	cheats := []string{string(verify.SomeCheats), string(verify.AllCheats), string(verify.NoCheats)}
	cmd.Flags().Var(&cmdutil.EnumFlag{Value: (*string)(&o.only.Cheats), Allowed: cheats, Kind: "WHICH"}, "cheats", "cheats to play: some with one seed, all with each seed and a table of them, or none")
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("cheats", cobra.FixedCompletions(cheats, cobra.ShellCompDirectiveNoFileComp)))
	cmd.Flags().Int64Var(&o.only.Seed, "seed", 0, "test only with this `SEED` of the load instead of three")
	cmdutil.LimitNumber(cmd, "parallel", 1, maxParallel, "2")
	cmdutil.LimitNumber(cmd, "seed", 1, math.MaxInt64, "42")
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("script", cobra.NoFileCompletions))
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("seed", cobra.NoFileCompletions))
	cmd.Flags().StringVar(&o.selected.since, "changed-since", "", "only lessons whose files changed since this git `REVISION`, or all if the program did")
	cmd.Flags().StringVar(&o.selected.shard, "shard", "", "only this `PART` of the lessons, to split them between machines, such as 2/3")
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("changed-since", cobra.NoFileCompletions))
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("shard", cobra.NoFileCompletions))
	addTrust(cmd, &o.trust)
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("parallel", cobra.NoFileCompletions))
	cmdutil.AddOutput(cmd, &o.output)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitEnvironment, cmdutil.ExitInterrupted)
}

func (o *proveOptions) run(ctx context.Context, args []string) error {
	chosen, err := chooseLessons(ctx, o.f.IO, args)
	if err != nil {
		return err
	}
	if err := o.checkScript(chosen); err != nil {
		return err
	}
	if chosen, err = o.selected.apply(ctx, o.f, chosen); err != nil {
		return err
	}
	if len(chosen) == 0 {
		o.f.IO.Notef("no lesson to test: none of them is selected")
	}
	results, err := o.prove(ctx, chosen)
	if err != nil {
		return err
	}
	view := proofsView{OK: true, Results: []verify.Result{}, table: o.only.Cheats == verify.AllCheats}
	for _, r := range slices.Concat(results...) {
		view.Results = append(view.Results, r)
		view.OK = view.OK && r.OK
	}
	if err := o.f.IO.Print(o.output, view, func(w io.Writer) { proofTable(o.f.IO, w, view) }); err != nil {
		return err
	}
	if !view.OK {
		return cmdutil.HintErr(cmdutil.ExitFailed, o.f.IO.Command(view.again(args)), errors.New("some lessons failed"))
	}
	return nil
}

// checkScript checks that one of the chosen lessons has the script.
func (o *proveOptions) checkScript(chosen []chosenLesson) error {
	if o.only.Script == "" {
		return nil
	}
	known := []string{verify.CheatsScript}
	for _, l := range chosen {
		if l.lesson != nil {
			known = append(known, l.lesson.ScriptNames("")...)
		}
	}
	if !slices.Contains(known, o.only.Script) {
		return cmdutil.UnknownNameErr("script", o.only.Script, known)
	}
	return nil
}

// again is the command that repeats the first failure.
func (v proofsView) again(args []string) string {
	for _, r := range v.Results {
		switch {
		case r.OK:
		case r.Proof == "read":
			return "lesson lint " + strings.Join(args, " ")
		case len(args) == 1 && r.Proof != "boot" && r.Proof != "red" && r.Proof != "hints":
			return "lesson test " + args[0] + " --script " + r.Proof
		default:
			return "lesson play " + r.Lesson
		}
	}
	return "lesson test"
}

// prove tests several lessons at a time, and returns the results in the order of the lessons.
func (o *proveOptions) prove(ctx context.Context, chosen []chosenLesson) ([][]verify.Result, error) {
	results := make([][]verify.Result, len(chosen))
	var talking sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.parallel)
	for i, l := range chosen {
		if l.load != nil {
			results[i] = []verify.Result{{Lesson: l.name, Proof: "read", Detail: l.load.Error()}}
			continue
		}
		l.lesson.Trusted = l.lesson.Trusted || o.trust
		group.Go(func() error {
			return verify.Verify(ctx, l.lesson, lessonBooter{now: o.f.Now, environ: o.f.Environ, executable: o.f.Executable}, o.only, o.f.Now, func(r verify.Result) {
				results[i] = append(results[i], r)
				if o.f.IO.Verbose {
					talking.Lock()
					defer talking.Unlock()
					o.f.IO.Notef("%s %s: %s", r.Lesson, proofName(r), proofWord(r))
				}
			})
		})
	}
	return results, group.Wait()
}

// proofName is the name of a test, with its seed if there are several.
func proofName(r verify.Result) string {
	if r.Seed == 0 {
		return r.Proof
	}
	return fmt.Sprintf("%s, seed %d", r.Proof, r.Seed)
}

func proofWord(r verify.Result) string {
	if r.OK {
		return "ok"
	}
	return "failed"
}

func proofTable(ios *iostreams.IO, w io.Writer, view proofsView) {
	t := iostreams.NewTable("LESSON", "TEST", "RESULT", "TIME")
	for _, r := range view.Results {
		tone := iostreams.ToneGood
		if !r.OK {
			tone = iostreams.ToneBad
		}
		took := time.Duration(r.Seconds * float64(time.Second)).Round(100 * time.Millisecond)
		t.Row(r.Lesson, proofName(r), ios.Paint(tone, proofWord(r)), took.String())
	}
	t.Write(w)
	cheatTable(w, view)
	for _, r := range view.Results {
		if !r.OK {
			fmt.Fprintf(w, "\n%s %s:\n  %s\n", r.Lesson, proofName(r), strings.ReplaceAll(r.Detail, "\n", "\n  "))
		}
	}
}

// cheatTable prints each cheat that was played with its outcome, for each goal.
func cheatTable(w io.Writer, view proofsView) {
	t := iostreams.NewTable("LESSON", "GOAL", "CHEAT", "SEED", "OUTCOME")
	count := map[verify.Outcome]int{}
	for _, r := range view.Results {
		for _, c := range r.Cheats {
			count[c.Outcome]++
			seed := "-"
			if r.Seed > 0 {
				seed = fmt.Sprint(r.Seed)
			}
			t.Row(r.Lesson, c.Step+"/"+c.Goal, c.Cheat, seed, string(c.Outcome))
		}
	}
	if len(count) == 0 {
		return
	}
	if view.table {
		fmt.Fprintln(w)
		t.Write(w)
	}
	fmt.Fprintf(w, "\ncheats: %d refused, %d allowed by the lesson, %d accepted, %d could not be played\n",
		count[verify.Refused], count[verify.Allowed], count[verify.Accepted], count[verify.NotPlayed])
}

// chosenLesson is a lesson to test, or the reason why it cannot be read.
type chosenLesson struct {
	name   string
	lesson *lesson.Lesson
	load   error
	// dir is the lesson's directory; a relative one is below the root of its repository.
	dir string
}

// chooseLessons reads the lessons named by the arguments: ids or directories.
func chooseLessons(ctx context.Context, ios *iostreams.IO, args []string) ([]chosenLesson, error) {
	own, err := ownLessons()
	if err != nil {
		return nil, err
	}
	if len(args) == 0 {
		args = lessonIDs(own)
	}
	var chosen []chosenLesson
	for _, arg := range args {
		if l := lesson.Find(own, arg); l != nil {
			chosen = append(chosen, chosenLesson{name: arg, lesson: l, dir: path.Join("lessons", l.Dir())})
			continue
		}
		if info, err := os.Stat(arg); err != nil || !info.IsDir() {
			return nil, cmdutil.UnknownNameErr("lesson", arg, lessonIDs(own))
		}
		all, err := loadDir(ctx, arg)
		if err != nil {
			chosen = append(chosen, chosenLesson{name: arg, load: err})
		}
		if len(all) == 0 && err == nil {
			return nil, cmdutil.UsageErr(ios.Command("lesson test ./lessons"), "there is no lesson.md in %s", arg)
		}
		abs, err := filepath.Abs(arg)
		if err != nil {
			return nil, err
		}
		for _, l := range all {
			chosen = append(chosen, chosenLesson{name: l.ID, lesson: l, dir: filepath.Join(abs, filepath.FromSlash(l.Dir()))})
		}
	}
	return chosen, nil
}
