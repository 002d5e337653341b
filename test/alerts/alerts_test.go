// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package alerts tries the alert rules of config/prometheus on series of metrics, with Prometheus' own engine. It is a module of its
// own, because that engine has hundreds of dependencies.
package alerts

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"sigs.k8s.io/yaml"
)

// trial is what an alert is tried on: series of an hour, a value a minute.
type trial struct {
	quiet, loud string
	// says is a part of what the summary is made of: the value, or a label.
	says string
}

const (
	pods     = `symphony_operator_compute_pods{namespace="grid", name="prod", state=%q}`
	hosts    = `symphony_operator_hosts{namespace="grid", name="prod", state=%q}`
	commands = `symphony_operator_ego_command_duration_seconds_count{command="hosts", outcome=%q}`
	looks    = `symphony_operator_ego_command_duration_seconds_bucket{command="hosts", outcome="ok", le=%q}`
	queue    = `workqueue_queue_duration_seconds_bucket{name="symphonycluster", controller="symphonycluster", le=%q}`
	clusters = `symphony_operator_clusters{condition=%q, status=%q}`
)

// always is a series that has one value, rising one that grows by so much a minute.
func always(series string, value int, labels ...any) string {
	return fmt.Sprintf("  "+series+" %d+0x60\n", append(labels, value)...)
}

func rising(series string, by int, labels ...any) string {
	return fmt.Sprintf("  "+series+" 0+%dx60\n", append(labels, by)...)
}

var trials = map[string]trial{
	"SymphonyOperatorAbsent": {quiet: always(clusters, 0, "Ready", "True"), loud: always("up", 1)},
	"SymphonyClusterStalled": {quiet: always(clusters, 0, "Stalled", "True"), loud: always(clusters, 2, "Stalled", "True"), says: "2"},
	"SymphonyClusterNotReady": {
		quiet: always(clusters, 3, "MasterReady", "True") + always(clusters, 0, "MasterReady", "False"),
		loud:  always(clusters, 1, "MasterReady", "False"), says: "1",
	},
	"SymphonyHostsMissing": {
		quiet: always(pods, 5, "ready") + always(hosts, 5, "ok"),
		loud:  always(pods, 5, "ready") + always(hosts, 3, "ok"), says: `name="prod", namespace="grid"} => 2`,
	},
	"SymphonyDrainLasts": {quiet: always(pods, 0, "draining"), loud: always(pods, 1, "draining"), says: `name="prod"`},
	"SymphonyUpdateLasts": {
		quiet: always(pods, 5, "current") + always(pods, 5, "updated"),
		loud:  always(pods, 5, "current") + always(pods, 1, "updated"), says: "4",
	},
	"SymphonyEGOFails": {
		quiet: rising(commands, 100, "ok") + rising(commands, 1, "unreachable"),
		loud:  rising(commands, 50, "ok") + rising(commands, 50, "forbidden"), says: `outcome="forbidden"} => 0.5`,
	},
	"SymphonyEGOSlow": {
		quiet: rising(looks, 100, "5") + rising(looks, 100, "30") + rising(looks, 100, "+Inf"),
		loud:  rising(looks, 50, "5") + rising(looks, 100, "30") + rising(looks, 100, "+Inf"), says: "29.5",
	},
	"SymphonyOperatorErrors": {
		quiet: rising(`controller_runtime_reconcile_errors_total{controller="symphonycluster"}`, 1),
		loud:  rising(`controller_runtime_reconcile_errors_total{controller="symphonycluster"}`, 120), says: "{} => ",
	},
	"SymphonyOperatorBusy": {
		quiet: rising(queue, 100, "10") + rising(queue, 100, "1000") + rising(queue, 100, "+Inf"),
		loud:  rising(queue, 10, "10") + rising(queue, 100, "1000") + rising(queue, 100, "+Inf"), says: "989",
	},
}

// rules are those of the PrometheusRule, as Prometheus itself reads them: a mistake in a rule is one here.
func rules(t *testing.T) []rulefmt.Rule {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "config", "prometheus", "rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var object struct {
		Spec any `json:"spec"`
	}
	if err := yaml.Unmarshal(data, &object); err != nil {
		t.Fatal(err)
	}
	spec, err := yaml.Marshal(object.Spec)
	if err != nil {
		t.Fatal(err)
	}
	groups, mistakes := rulefmt.Parse(spec, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	for _, mistake := range mistakes {
		t.Error(mistake)
	}
	if t.Failed() {
		t.FailNow()
	}
	return groups.Groups[0].Rules
}

func TestEveryAlertIsForWhatItIsFor(t *testing.T) {
	all := rules(t)
	if len(all) != len(trials) {
		t.Errorf("there are %d alerts and %d trials", len(all), len(trials))
	}
	for i := range all {
		rule := &all[i]
		t.Run(rule.Alert, func(t *testing.T) {
			tried, known := trials[rule.Alert]
			if !known {
				t.Fatal("it has no trial")
			}
			if rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" || rule.Labels["severity"] == "" || rule.For == 0 {
				t.Error("it needs a summary, a description, a severity, and a time for which it must be so")
			}
			if found := fires(t, rule.Expr, tried.quiet); found != "" {
				t.Errorf("it fires when all is well: %s", found)
			}
			found := fires(t, rule.Expr, tried.loud)
			if found == "" || !strings.Contains(found, tried.says) {
				t.Errorf("it must fire with %q, and there is %q", tried.says, found)
			}
		})
	}
}

// ours are the names of metrics of this project.
var ours = regexp.MustCompile(`symphony_operator_[a-z_]+`)

// What is asked for has to be there: a metric that was renamed would leave a panel empty, and an alert silent.
func TestRulesAndDashboardAskForMetricsThatThereAre(t *testing.T) {
	var source strings.Builder
	for _, name := range []string{"metrics.go", "cluster_metrics.go"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "controllers", name))
		if err != nil {
			t.Fatal(err)
		}
		source.Write(data)
	}
	for _, path := range []string{"prometheus/rules.yaml", "grafana/dashboard.json"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "config", filepath.FromSlash(path)))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range ours.FindAllString(string(data), -1) {
			name = strings.TrimSuffix(strings.TrimSuffix(name, "_count"), "_bucket")
			if !strings.Contains(source.String(), `"`+name+`"`) {
				t.Errorf("%s asks for %s, which the operator does not have", path, name)
			}
		}
	}
}

func TestTheDashboardsQueriesAreQueries(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "config", "grafana", "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(data, &dashboard); err != nil {
		t.Fatal(err)
	}
	// Grafana puts these in.
	filled := strings.NewReplacer("$__rate_interval", "5m", "$namespace", "grid", "$name", "prod")
	queries := 0
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries++
			if _, err := parser.NewParser(parser.Options{}).ParseExpr(filled.Replace(target.Expr)); err != nil {
				t.Errorf("%s: %v", panel.Title, err)
			}
		}
	}
	if queries < len(dashboard.Panels) || queries == 0 {
		t.Errorf("%d panels have %d queries", len(dashboard.Panels), queries)
	}
}

// fires is what an expression finds at the end of an hour, "" if nothing.
func fires(t *testing.T, expression, series string) string {
	t.Helper()
	storage := promqltest.LoadedStorage(t, "load 1m\n"+series)
	defer func() { _ = storage.Close() }()
	engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
	query, err := engine.NewInstantQuery(t.Context(), storage, promql.NewPrometheusQueryOpts(false, 0, nil), expression, time.Unix(0, 0).Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	defer query.Close()
	result := query.Exec(t.Context())
	if result.Err != nil {
		t.Fatal(result.Err)
	}
	return result.String()
}
