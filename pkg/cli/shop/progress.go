package shop

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/shopctl/shopctl/pkg/cells"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/printable"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// progress shows the start of the shop on standard error: on a terminal one live line per service, elsewhere a line
// when a service is ready.
type progress struct {
	ios  *iostreams.IO
	live bool
	// drawn is the number of lines of the live block on the screen.
	drawn    int
	reported map[string]bool
}

func newProgress(ios *iostreams.IO, getenv func(string) string) *progress {
	live := ios.ErrTTY && ios.Width > 0 && !ios.Accessible && !ios.Quiet && getenv("TERM") != "dumb"
	return &progress{ios: ios, live: live, reported: map[string]bool{}}
}

// show draws the latest snapshot.
func (p *progress) show(st *controlpb.StatusResponse) {
	ready := map[string]time.Duration{}
	for _, step := range st.GetStartup() {
		ready[step.GetService()] = step.GetReady().AsDuration()
	}
	if p.live {
		p.draw(st.GetServices(), ready)
		return
	}
	for _, step := range st.GetStartup() {
		if !p.reported[step.GetService()] {
			p.reported[step.GetService()] = true
			p.ios.Notef("%s is ready after %s", step.GetService(), humanize.Duration(step.GetReady().AsDuration()))
		}
	}
}

func (p *progress) draw(all []*controlpb.Service, ready map[string]time.Duration) {
	var b strings.Builder
	p.up(&b)
	for _, s := range all {
		after := ""
		if d, ok := ready[s.GetName()]; ok {
			after = humanize.Duration(d)
		} else if s.GetState() != "ok" {
			after = printable.Line(s.GetMessage())
		}
		line := fmt.Sprintf("%s %-15s %-9s %s", p.ios.StateSymbol(s.GetState()), s.GetName(), s.GetState(), after)
		line = cells.Truncate(line, p.ios.Width-1, "")
		if p.ios.Color {
			line = p.ios.Paint(iostreams.StateTone(s.GetState()), line)
		}
		b.WriteString(line + p.ios.Err.Sequence(ansi.EraseLineRight) + "\n")
	}
	p.drawn = len(all)
	fmt.Fprint(p.ios.Err, b.String())
}

// up moves the cursor to the block's first line.
func (p *progress) up(b *strings.Builder) {
	if p.drawn > 0 {
		b.WriteString(p.ios.Err.Sequence(ansi.CursorPreviousLine(p.drawn)))
	}
}

// clear removes the live block from the screen; the summary replaces it.
func (p *progress) clear() {
	if p.drawn == 0 {
		return
	}
	var b strings.Builder
	p.up(&b)
	b.WriteString(p.ios.Err.Sequence(ansi.EraseScreenBelow))
	p.drawn = 0
	fmt.Fprint(p.ios.Err, b.String())
}

// criticalChain is the chain of services that determined the start time: each waited for the one before.
func criticalChain(steps []*controlpb.StartupStep) []*controlpb.StartupStep {
	byName := map[string]*controlpb.StartupStep{}
	var last *controlpb.StartupStep
	for _, s := range steps {
		byName[s.GetService()] = s
		if last == nil || s.GetReady().AsDuration() > last.GetReady().AsDuration() {
			last = s
		}
	}
	var chain []*controlpb.StartupStep
	for seen := map[string]bool{}; last != nil && !seen[last.GetService()]; last = byName[last.GetAfter()] {
		seen[last.GetService()] = true
		chain = append([]*controlpb.StartupStep{last}, chain...)
	}
	return chain
}

// showChain prints the critical chain.
func showChain(ios *iostreams.IO, steps []*controlpb.StartupStep) {
	chain := criticalChain(steps)
	if len(chain) == 0 {
		return
	}
	ios.Notef("critical chain, %s:", humanize.Duration(chain[len(chain)-1].GetReady().AsDuration()))
	for _, s := range chain {
		ios.Notef("  %-15s started at %s, ready at %s", s.GetService(), humanize.Duration(s.GetStarted().AsDuration()), humanize.Duration(s.GetReady().AsDuration()))
	}
}
