package scrape

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"github.com/shopctl/shopctl/pkg/observe/tsdb"
)

// exportedPrefix goes before the labels of a metric that its target has, too, as in Prometheus.
const exportedPrefix = "exported_"

// cached is a series of a target as of its last scrape.
type cached struct {
	ref    tsdb.Ref
	labels labels.Labels
	// seen is the round in which the series was there last.
	seen uint64
	// request marks the counters of requests.
	request bool
}

type sample struct {
	series *cached
	value  float64
}

// loop is the state of one target between scrapes. Only one scrape of it runs at a time.
type loop struct {
	target Target
	// series by their text in the exposition.
	series map[string]*cached
	own    ownSeries
	round  uint64
	// text of the metadata that the store has.
	described map[string]tsdb.Metadata
	// fresh: the last scrape found a series that the one before it did not.
	fresh bool

	samples []sample
}

// parse reads an exposition into l.samples. After an error they are worth nothing.
func (l *loop) parse(b body, limits Limits) (requests float64, err error) {
	p, err := b.parser()
	if p == nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	l.round++
	l.samples, l.fresh = l.samples[:0], false
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return requests, nil
		}
		if err != nil {
			return 0, fmt.Errorf("read metrics: %w", err)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		text, _, v := p.Series()
		if len(l.samples) >= limits.Samples {
			return 0, fmt.Errorf("read metrics: more than %d samples", limits.Samples)
		}
		c := l.series[string(text)]
		if c == nil {
			if c, err = l.newSeries(p, limits); err != nil {
				return 0, err
			}
			l.series[string(text)], l.fresh = c, true
		}
		c.seen = l.round
		if c.request && !math.IsNaN(v) {
			requests += v
		}
		l.samples = append(l.samples, sample{c, v})
	}
}

// parser reads Prometheus' formats; without a content type, a response is plain text.
func (b body) parser() (textparse.Parser, error) {
	return textparse.New(b.text, cmp.Or(b.contentType, "text/plain"), nil, textparse.ParserOptions{OpenMetricsSkipSTSeries: true})
}

// newSeries makes the labels of a series: its own, and over them the target's.
func (l *loop) newSeries(p textparse.Parser, limits Limits) (*cached, error) {
	var ls labels.Labels
	p.Labels(&ls)
	if ls.Get(model.MetricNameLabel) == "" {
		return nil, errors.New("read metrics: a series has no name")
	}
	if dup, ok := ls.HasDuplicateLabelNames(); ok {
		return nil, fmt.Errorf("read metrics: a series has the label %q twice", shorten(dup))
	}
	if n := ls.Len(); n > limits.Labels {
		return nil, fmt.Errorf("read metrics: %s has %d labels, more than %d", shorten(ls.Get(model.MetricNameLabel)), n, limits.Labels)
	}
	err := ls.Validate(func(lb labels.Label) error {
		if len(lb.Name) > limits.Name || len(lb.Value) > limits.Value {
			return fmt.Errorf("read metrics: label %s of %s is longer than names (%d) and values (%d) may be",
				shorten(lb.Name), shorten(ls.Get(model.MetricNameLabel)), limits.Name, limits.Value)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !ls.IsValid(model.UTF8Validation) {
		return nil, fmt.Errorf("read metrics: a label of %s is not valid UTF-8", shorten(ls.Get(model.MetricNameLabel)))
	}
	c := &cached{request: countsRequests(ls)}
	b := labels.NewBuilder(ls)
	l.target.Labels.Range(func(lb labels.Label) {
		if own := ls.Get(lb.Name); own != "" {
			name := exportedPrefix + lb.Name
			for ls.Get(name) != "" {
				name = exportedPrefix + name
			}
			b.Set(name, own)
		}
		b.Set(lb.Name, lb.Value)
	})
	if own := ls.Get(l.target.ServiceFrom); own != "" {
		b.Set("service", own)
	}
	c.labels = b.Labels()
	return c, nil
}

// describe passes new metadata of the target's metrics to the store.
func (l *loop) describe(b body, db *tsdb.DB) {
	p, _ := b.parser()
	if p == nil {
		return
	}
	found := map[string]tsdb.Metadata{}
	note := func(name []byte, set func(*tsdb.Metadata)) {
		m := found[string(name)]
		set(&m)
		found[string(name)] = m
	}
	for {
		entry, err := p.Next()
		if err != nil {
			break
		}
		switch entry {
		case textparse.EntryType:
			name, kind := p.Type()
			note(name, func(m *tsdb.Metadata) { m.Type = string(kind) })
		case textparse.EntryHelp:
			name, help := p.Help()
			note(name, func(m *tsdb.Metadata) { m.Help = shorten(strings.ToValidUTF8(string(help), "?")) })
		case textparse.EntryUnit:
			name, unit := p.Unit()
			note(name, func(m *tsdb.Metadata) { m.Unit = shorten(string(unit)) })
		}
	}
	for name, m := range found {
		if len(name) <= maxText && l.described[name] != m && len(l.described) < maxNames {
			l.described[name] = m
			db.Describe(name, m)
		}
	}
}

// maxText bounds a text of a target that is kept or shown, maxNames how many names it may describe.
const (
	maxText  = 300
	maxNames = 2000
)

func shorten(s string) string {
	if len(s) > maxText {
		return strings.ToValidUTF8(s[:maxText], "") + "..."
	}
	return s
}
