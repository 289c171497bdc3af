package tui

import (
	"image/color"
	"regexp"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/tui/style"
	"github.com/shopctl/shopctl/pkg/tui/tuitest"
)

func TestTheTerminalsBackgroundChoosesThePalette(t *testing.T) {
	s := dash(t, Config{Color: true}, tuitest.Status())
	if !s.state.Dark {
		t.Error("before the terminal has answered it is not taken for dark")
	}
	s.send(tea.BackgroundColorMsg{Color: color.White})
	if s.state.Dark || s.state.Good != style.New(style.Options{Color: true}).Good {
		t.Error("a light background does not choose the light palette")
	}
	s.send(tea.BackgroundColorMsg{Color: color.Black})
	if !s.state.Dark {
		t.Error("a dark background does not choose the dark palette")
	}
}

func TestWithoutColorThereAreNoSequences(t *testing.T) {
	s := dash(t, Config{}, tuitest.BrokenStatus())
	if s.Init() != nil {
		t.Error("it requests the background, which it does not use")
	}
	s.send(tea.BackgroundColorMsg{Color: color.White})
	if text := s.text(); regexp.MustCompile("\x1b").MatchString(text) {
		t.Errorf("there are sequences in %q", text)
	}
}
