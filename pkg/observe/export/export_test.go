package export

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

func TestTheDashboardsPanelsHaveValidQueries(t *testing.T) {
	files, err := Grafana("http://127.0.0.1:9090")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		UID, Title string
		Panels     []struct {
			ID            int
			Type, Title   string
			GridPos       struct{ X, Y, W, H int }
			Targets       []struct{ Expr string }
			FieldConfig   map[string]any
			SchemaVersion int
		}
		Templating struct{ List []struct{ Name, Type string } }
	}
	i := slices.IndexFunc(files, func(f File) bool { return strings.HasSuffix(f.Name, ".json") })
	if err := json.Unmarshal(files[i].Content, &d); err != nil {
		t.Fatal(err)
	}
	if d.UID == "" || d.Title == "" || len(d.Panels) < 12 || len(d.Templating.List) != 1 {
		t.Errorf("%+v", d)
	}
	p, ids, taken := parser.NewParser(parser.Options{}), map[int]bool{}, map[[2]int]string{}
	for _, panel := range d.Panels {
		if ids[panel.ID] {
			t.Errorf("two panels have id %d", panel.ID)
		}
		ids[panel.ID] = true
		for x := panel.GridPos.X; x < panel.GridPos.X+panel.GridPos.W; x++ {
			for y := panel.GridPos.Y; y < panel.GridPos.Y+panel.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= gridWidth {
					t.Fatalf("%q lies over %q or outside", panel.Title, other)
				}
				taken[[2]int{x, y}] = panel.Title
			}
		}
		for _, target := range panel.Targets {
			if _, err := p.ParseExpr(strings.ReplaceAll(target.Expr, "$service", ".*")); err != nil {
				t.Errorf("%s: %v", panel.Title, err)
			}
		}
	}
}
