// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// scraped are the operator's own metrics, by name.
type scraped map[string]*dto.MetricFamily

// The controller whose metrics are read.
const controllerName = "symphonycluster"

// scrape reads them as Prometheus would.
func (o *operator) scrape(ctx context.Context) (scraped, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+o.metrics+"/metrics", http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("asking for metrics: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+o.scraper)
	// The operator makes its certificate anew at every start, on this machine.
	insecure := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	response, err := insecure.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking for metrics: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking for metrics: %s", response.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return nil, fmt.Errorf("reading metrics: %w", err)
	}
	return families, nil
}

// ofController are the metrics of a family that have the controller's name as a label.
func (s scraped) ofController(family string) []*dto.Metric {
	var found []*dto.Metric
	for _, metric := range s[family].GetMetric() {
		for _, label := range metric.GetLabel() {
			if (label.GetName() == "controller" || label.GetName() == "name") && label.GetValue() == controllerName {
				found = append(found, metric)
				break
			}
		}
	}
	return found
}

// passes is how many passes the controller has made.
func (s scraped) passes() float64 {
	total := 0.0
	for _, metric := range s.ofController("controller_runtime_reconcile_total") {
		total += metric.GetCounter().GetValue()
	}
	return total
}

// queued is how long 99 of 100 clusters waited for their pass at most, to the next bound of the histogram.
func (s scraped) queued() time.Duration {
	for _, metric := range s.ofController("workqueue_queue_duration_seconds") {
		histogram := metric.GetHistogram()
		for _, bucket := range histogram.GetBucket() {
			if float64(bucket.GetCumulativeCount()) >= 0.99*float64(histogram.GetSampleCount()) {
				return time.Duration(bucket.GetUpperBound() * float64(time.Second))
			}
		}
	}
	return 0
}

// waiting is how many clusters wait for a pass or have one.
func (s scraped) waiting() float64 {
	total := 0.0
	for _, family := range []string{"workqueue_depth", "controller_runtime_active_workers"} {
		for _, metric := range s.ofController(family) {
			total += metric.GetGauge().GetValue()
		}
	}
	return total
}
