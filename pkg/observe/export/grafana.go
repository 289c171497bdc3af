package export

import (
	"encoding/json"
	"fmt"
)

// datasourceUID is the uid of the data source that the dashboards refer to.
const datasourceUID = "shopctl"

// Grafana writes a data source and dashboards that a Grafana reads from its provisioning directory.
func Grafana(api string) ([]File, error) {
	datasource, err := encode(map[string]any{
		"apiVersion": 1,
		"datasources": []any{map[string]any{
			"name": "shopctl", "uid": datasourceUID, "type": "prometheus", "access": "proxy", "url": api, "isDefault": true,
			"jsonData": map[string]any{"timeInterval": "5s", "httpMethod": "POST", "prometheusType": "Prometheus"},
		}},
	}, "The shop as a data source of Grafana.")
	if err != nil {
		return nil, err
	}
	provider, err := encode(map[string]any{
		"apiVersion": 1,
		"providers": []any{map[string]any{
			"name": "shopctl", "type": "file", "folder": "Shop", "options": map[string]any{"path": "/etc/grafana/provisioning/dashboards"},
		}},
	}, "Path of the dashboards for Grafana: the directory that contains this file.")
	if err != nil {
		return nil, err
	}
	overview, err := json.MarshalIndent(overview(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode dashboard: %w", err)
	}
	return []File{
		{"datasources/shopctl.yaml", datasource},
		{"dashboards/shopctl.yaml", provider},
		{"dashboards/shop-overview.json", append(overview, '\n')},
	}, nil
}

// panel is one diagram of the overview.
type panel struct {
	title, expr, legend, unit string
	// kind is timeseries or stat; max is the end of the axis, 0 for none.
	kind string
	max  float64
	wide int
}

// row is a titled row of panels.
type row struct {
	title  string
	panels []panel
}

// rows are the overview: rate, errors and duration of every service, how full it is, and what the shop itself
// counts.
func rows() []row {
	const selected = `{service=~"$service"}`
	return []row{
		{"Requests", []panel{
			{"Requests per second", "service:requests:rate1m" + selected, "{{service}}", "reqps", "timeseries", 0, 8},
			{"Errors", "service:errors:rate1m" + selected + " / service:requests:rate1m" + selected, "{{service}}", "percentunit", "timeseries", 1, 8},
			{"Duration, 95 % are faster", "service:latency_seconds:p95_1m" + selected, "{{service}}", "s", "timeseries", 0, 8},
		}},
		{"Saturation", []panel{
			{"Processor, cores", "service:cpu_cores:rate1m" + selected, "{{service}}", "none", "timeseries", 0, 8},
			{"Memory, resident", "sum by (service) (process_resident_memory_bytes" + selected + ")", "{{service}}", "bytes", "timeseries", 0, 8},
			{"In flight", "service:requests_in_flight" + selected, "{{service}}", "none", "timeseries", 0, 8},
		}},
		{"The shop", []panel{
			{"Search, 95 % are faster", "shop:search_latency_seconds:p95_5m", "", "s", "timeseries", 0, 6},
			{"Payments that succeed", "shop:payments:success_ratio5m", "", "percentunit", "timeseries", 1, 6},
			{"Shipping quote, 95 % are faster", "shop:shipping_quote_seconds:p95_5m", "", "s", "timeseries", 0, 6},
			{"Cart reads that find a cart", "shop:cart_reads:hit_ratio5m", "", "percentunit", "timeseries", 1, 6},
		}},
		{"Alerts and objectives", []panel{
			{"Firing", `count(ALERTS{alertstate="firing"}) or vector(0)`, "", "none", "stat", 0, 6},
			{"Instances down", `count(up{namespace!=""} == 0) or vector(0)`, "", "none", "stat", 0, 6},
			{"Failed pages", "slo:storefront_errors:ratio2m", "", "percentunit", "timeseries", 1, 6},
			{"Failed orders", "slo:checkout_errors:ratio2m", "", "percentunit", "timeseries", 1, 6},
		}},
	}
}

// The sizes of the grid that Grafana lays panels out on.
const (
	gridWidth   = 24
	panelHeight = 8
)

// overview is the dashboard, in the schema of Grafana 10 and later.
func overview() map[string]any {
	source := map[string]any{"type": "prometheus", "uid": datasourceUID}
	var panels []any
	y, id := 0, 0
	for _, r := range rows() {
		id++
		panels = append(panels, map[string]any{
			"id": id, "type": "row", "title": r.title, "collapsed": false, "panels": []any{},
			"gridPos": map[string]int{"x": 0, "y": y, "w": gridWidth, "h": 1},
		})
		y++
		x := 0
		for _, p := range r.panels {
			id++
			defaults := map[string]any{"unit": p.unit, "min": 0, "color": map[string]any{"mode": "palette-classic"}, "custom": map[string]any{}}
			if p.max > 0 {
				defaults["max"] = p.max
			}
			target := map[string]any{"refId": "A", "expr": p.expr, "datasource": source, "editorMode": "code", "range": true}
			if p.legend != "" {
				target["legendFormat"] = p.legend
			}
			panels = append(panels, map[string]any{
				"id": id, "type": p.kind, "title": p.title, "datasource": source, "targets": []any{target},
				"gridPos":     map[string]int{"x": x, "y": y, "w": p.wide, "h": panelHeight},
				"fieldConfig": map[string]any{"defaults": defaults, "overrides": []any{}},
				"options":     map[string]any{},
			})
			x += p.wide
		}
		y += panelHeight
	}
	return map[string]any{
		"uid": "shop-overview", "title": "Shop overview", "tags": []string{"shopctl"}, "schemaVersion": 39, "version": 1,
		"editable": true, "refresh": "5s", "timezone": "browser", "time": map[string]string{"from": "now-15m", "to": "now"},
		"panels": panels, "annotations": map[string]any{"list": []any{alertAnnotation(source)}}, "links": []any{},
		"templating": map[string]any{"list": []any{map[string]any{
			"name": "service", "label": "Service", "type": "query", "datasource": source, "multi": true, "includeAll": true, "allValue": ".*",
			"current": map[string]any{"text": "All", "value": "$__all"}, "refresh": 2, "sort": 1,
			"query":      map[string]any{"query": "label_values(up, service)", "refId": "services"},
			"definition": "label_values(up, service)", "options": []any{}, "hide": 0, "regex": "", "skipUrlSync": false,
		}}},
	}
}

// alertAnnotation marks in all panels when an alert fires.
func alertAnnotation(source map[string]any) map[string]any {
	return map[string]any{
		"name": "Alerts", "enable": true, "hide": false, "iconColor": "red", "datasource": source,
		"expr": `ALERTS{alertstate="firing"}`, "titleFormat": "{{alertname}}", "textFormat": "{{service}}", "step": "15s", "target": map[string]any{},
	}
}
