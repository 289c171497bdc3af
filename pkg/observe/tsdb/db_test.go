package tsdb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func add(t testing.TB, db *DB, at int64, v float64, ls ...string) error {
	t.Helper()
	a := db.Appender()
	defer a.Close()
	_, err := a.Append(0, labels.FromStrings(ls...), at, v)
	return err
}

// dump is every series that matches with its samples, as text.
func dump(t testing.TB, db *DB, mint, maxt int64, matchers ...*labels.Matcher) string {
	t.Helper()
	q, err := db.Querier(mint, maxt)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	var b strings.Builder
	set := q.Select(context.Background(), true, nil, matchers...)
	var it chunkenc.Iterator
	for set.Next() {
		b.WriteString(set.At().Labels().String())
		it = set.At().Iterator(it)
		for it.Next() != chunkenc.ValNone {
			at, v := it.At()
			fmt.Fprintf(&b, " %d=%g", at, v)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func name(n string) *labels.Matcher {
	return labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, n)
}

func TestSamplesComeBackAsTheyWent(t *testing.T) {
	db := New(Config{})
	db.Appender().Close() // an empty batch does no harm
	for i := range 3 * chunkSamples {
		if err := add(t, db, int64(i)*1000, float64(i*i), model.MetricNameLabel, "up", "pod", "a"); err != nil {
			t.Fatal(err)
		}
	}
	want := `{__name__="up", pod="a"}`
	for i := 100; i <= 250; i++ {
		want += fmt.Sprintf(" %d=%g", i*1000, float64(i*i))
	}
	if got := dump(t, db, 99_001, 250_999, name("up")); got != want+"\n" {
		t.Errorf("got %s", got)
	}
}

func TestMatchersFindWhatPrometheusWould(t *testing.T) {
	db := New(Config{})
	for _, pod := range []string{"a-1", "a-2", "b-1"} {
		_ = add(t, db, 1, 1, model.MetricNameLabel, "m", "pod", pod)
	}
	_ = add(t, db, 1, 1, model.MetricNameLabel, "n")
	match := func(kind labels.MatchType, n, v string) *labels.Matcher { return labels.MustNewMatcher(kind, n, v) }
	for want, ms := range map[string][]*labels.Matcher{
		"a-1 a-2":     {match(labels.MatchRegexp, "pod", "a-.*")},
		"a-1 b-1":     {match(labels.MatchRegexp, "pod", "a-1|b-1")},
		"b-1":         {name("m"), match(labels.MatchNotRegexp, "pod", "a.+")},
		"a-2 b-1 ":    {match(labels.MatchNotEqual, "pod", "a-1")},
		"":            {name("n"), match(labels.MatchEqual, "pod", "")},
		"a-1 a-2 b-1": {match(labels.MatchNotEqual, "pod", "")},
	} {
		q, _ := db.Querier(0, 10)
		var pods []string
		for set := q.Select(t.Context(), true, nil, ms...); set.Next(); {
			pods = append(pods, set.At().Labels().Get("pod"))
		}
		if got := strings.Join(pods, " "); len(got) != len(want) || strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%v: %q, want %q", ms, got, want)
		}
	}
	q, _ := db.Querier(0, 10)
	if values, _, _ := q.LabelValues(t.Context(), "pod", nil, match(labels.MatchRegexp, "pod", "a.*")); fmt.Sprint(values) != "[a-1 a-2]" {
		t.Errorf("values %v", values)
	}
	if names, _, _ := q.LabelNames(t.Context(), &storage.LabelHints{Limit: 1}); fmt.Sprint(names) != "[__name__]" {
		t.Errorf("names %v", names)
	}
}

func TestSeekLandsOnTheFirstSampleNotBefore(t *testing.T) {
	db := New(Config{})
	for i := range 500 {
		_ = add(t, db, int64(i)*10, float64(i), model.MetricNameLabel, "m")
	}
	q, _ := db.Querier(0, 4000)
	set := q.Select(t.Context(), false, nil, name("m"))
	set.Next()
	it := set.At().Iterator(nil)
	for _, c := range []struct{ seek, want int64 }{{-5, 0}, {15, 20}, {15, 20}, {1234, 1240}, {3000, 3000}, {3999, 4000}} {
		if it.Seek(c.seek) == chunkenc.ValNone || it.AtT() != c.want {
			t.Errorf("seek %d: at %d, want %d", c.seek, it.AtT(), c.want)
		}
	}
	if it.Seek(4001) != chunkenc.ValNone || it.Next() != chunkenc.ValNone || it.Err() != nil {
		t.Error("there is something after the end")
	}
}

func TestWhatIsNotNewerIsRefusedAndCounted(t *testing.T) {
	db := New(Config{})
	_ = add(t, db, 10, 1, model.MetricNameLabel, "m")
	if err := add(t, db, 10, 1, model.MetricNameLabel, "m"); err != nil {
		t.Errorf("the same again: %v", err)
	}
	for _, at := range []int64{10, 9} {
		if err := add(t, db, at, 2, model.MetricNameLabel, "m"); !errors.Is(err, ErrOutOfOrder) {
			t.Errorf("at %d: %v", at, err)
		}
	}
	if err := add(t, db, 11, 2, "pod", "a"); !errors.Is(err, ErrNameless) {
		t.Errorf("without a name: %v", err)
	}
	if s := db.Stats(); s.OutOfOrder != 2 || s.Samples != 1 || s.Series != 1 {
		t.Errorf("%+v", s)
	}
}

func TestSeriesBytesAndTimeAreBounded(t *testing.T) {
	db := New(Config{MaxSeries: 100, MaxBytes: 200_000, Retention: time.Hour})
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 3000 {
		a := db.Appender()
		for n := range 110 {
			_, _ = a.Append(0, labels.FromStrings(model.MetricNameLabel, fmt.Sprintf("m%d", n)), int64(i)*5000, random.Float64())
		}
		a.Close()
		if s := db.Stats(); s.Bytes > 200_000 || s.Series > 100 {
			t.Fatalf("%+v", s)
		}
	}
	s := db.Stats()
	if s.TooMany != 10*3000 || s.Evicted == 0 || s.Oldest < s.Newest-time.Hour.Milliseconds() {
		t.Errorf("%+v", s)
	}
}

func TestASeriesThatEndedIsForgottenWithItsLabels(t *testing.T) {
	db := New(Config{Retention: 10 * time.Minute})
	_ = add(t, db, 0, 1, model.MetricNameLabel, "old", "pod", "gone")
	for i := range 60 {
		_ = add(t, db, int64(i)*60_000, 1, model.MetricNameLabel, "new")
	}
	q, _ := db.Querier(math.MinInt64, math.MaxInt64)
	if values, _, _ := q.LabelValues(t.Context(), "pod", nil); len(values) > 0 || db.Stats().Series != 1 {
		t.Errorf("values %v, %+v", values, db.Stats())
	}
	if err := add(t, db, 1, 1, model.MetricNameLabel, "late"); !errors.Is(err, ErrOutOfOrder) || db.Stats().Series != 1 {
		t.Errorf("a sample from before the beginning: %v, %+v", err, db.Stats())
	}
	before := db.Stats().Bytes
	if want := db.series[db.index[model.MetricNameLabel]["new"][0].ref].overhead(); before < want || before > want+2000 {
		t.Errorf("%d bytes are counted for one series of %d", before, want)
	}
}

func TestReadersSeeAPictureOfTheMoment(t *testing.T) {
	db := New(Config{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 2000 {
			a := db.Appender()
			_, _ = a.Append(0, labels.FromStrings(model.MetricNameLabel, "m"), int64(i), float64(i))
			_, _ = a.Append(0, labels.FromStrings(model.MetricNameLabel, "n"), int64(i), float64(i))
			a.Close()
		}
	})
	for range 200 {
		m, n := dump(t, db, 0, 1<<40, name("m")), dump(t, db, 0, 1<<40, name("n"))
		if len(m) > len(n) {
			t.Fatal("a later picture holds less")
		}
	}
	wg.Wait()
}
