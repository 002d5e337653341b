// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"strings"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/test/generate"
)

// meaning is what a schema does not say of a field.
type meaning struct {
	// values are those that must work, instead of those that follow from the schema. The first is the one that is taken where
	// any will do.
	values []any
	// none is why there are none.
	none string
	// key is a name for the entries of a map.
	key string
	// with makes room for the field in a spec: what excludes it is taken away, what it needs is added.
	with func(spec map[string]any, path string)
	// breaks are values that something other than the schema refuses.
	breaks []breaking
}

// breaking is a change that a rule, or the operator, refuses.
type breaking struct {
	name, says, later string
	edit              func(old any) any
}

func refused(says string, values ...any) []breaking {
	var all []breaking
	for _, value := range values {
		all = append(all, breaking{name: named("against the rule: ", value), says: says, edit: set(value)})
	}
	return all
}

// semantics is what is known of a path: the longest end of it, or of KIND.PATH, that is in the table.
func (w *walker) semantics(path string) meaning {
	for rest := w.kind + "." + path; ; {
		if known, ok := table[rest]; ok {
			return known
		}
		at := strings.IndexByte(rest, '.')
		if at < 0 {
			return meaning{}
		}
		rest = rest[at+1:]
	}
}

const (
	maxUnavailableRule = "maxUnavailable must be a number from 1 to 1000000 or a percentage from 1% to 100%"
	ipRangeRule        = "ipRange must be an IPv4 range from /8 to /29 that begins at its first address"
	variableRule       = "env names that start with SYMPHONY_, LICENSE and PATH are set by the operator"
)

// table is by path, or by the end of a path.
var table = map[string]meaning{
	"image":                           {values: []any{"sym712", "sym732", "registry.example.com:5000/grid/symphony:1"}},
	"npcImage":                        {values: []any{"weave-npc:1", "weave-npc:2"}},
	"restartedAt":                     {values: []any{"2026-01-02T03:04:05Z", "again"}},
	"clusterName":                     {values: []any{"symphony712", "A_b.c-1", strings.Repeat("n", 39)}},
	"egoConf":                         {key: "EGO_LOG_MASK", breaks: settings()},
	"egoConf{}":                       {values: []any{"LOG_INFO", "", `$HOME "quoted" \`, strings.Repeat("v", 1024)}},
	"entitlement":                     {none: "one source must be chosen: they are the fields below", breaks: sources()},
	"entitlement.path":                {with: without("entitlement")},
	"entitlement.secretKeyRef":        {with: withoutIn("entitlement", "path")},
	"SymphonyCluster.suspend":         {values: []any{true, false}},
	"compute.replicas":                {values: []any{int64(2), int64(0), int64(3)}},
	"compute.update.type":             {},
	"scaleIn.drainTimeout":            durations("drainTimeout must be a duration from 0s to 168h", "168h", "168h1s"),
	"scaleIn.reclaimGrace":            durations("reclaimGrace must be a duration from 0s to 1h", "1h", "61m"),
	"scaleIn.settle":                  durations("settle must be a duration from 0s to 1h", "1h", "61m"),
	"update.maxUnavailable":           {values: []any{int64(1), "25%", "1%", "100%", int64(1_000_000)}, breaks: refused(maxUnavailableRule, int64(0), int64(-1), int64(3_000_000_000), "0%", "101%", "5")},
	"gui.nodePort":                    {values: freeNodePorts, with: withoutIn("gui", "serviceType"), breaks: nodePorts()},
	"gui.serviceType":                 {with: withoutIn("gui", "nodePort")},
	"gui.annotations":                 {key: "example.com/note", breaks: later("an annotation's name", "metadata.annotations", v1alpha1.ReasonRejected, map[string]any{"no such name": "x"})},
	"master.storage":                  {values: []any{map[string]any{}}, breaks: claims()},
	"storage.existingClaim":           {values: []any{"mine", "other"}, with: withoutIn("master", "storage")},
	"storage.size":                    {values: []any{"2Gi", "1536Mi", "5e9", int64(6_000_000_000)}, with: ownClaim, breaks: refused("size must be more than 0", "0", "-1Gi")},
	"storage.storageClassName":        {values: []any{"fast", "", "a.b"}, with: ownClaim},
	"storage.accessMode":              {with: ownClaim},
	"storage.whenDeleted":             {with: ownClaim},
	"podTemplate":                     {values: overlays(generate.Merged), breaks: overlaysThatAreNot()},
	"env":                             {breaks: refused(variableRule, variable("SYMPHONY_X"), variable("LICENSE"), variable("PATH"))},
	"env[].name":                      {values: []any{"A", "JAVA_HOME", "a.b-c"}, breaks: later("an empty name", "env", v1alpha1.ReasonRejected, "")},
	"env[].value":                     {values: []any{"x", "", "$(A) \n ä"}, with: withoutVariables},
	"env[].valueFrom":                 {none: "one source must be chosen: they are the fields below", with: withoutVariables, breaks: later("no source", "valueFrom", v1alpha1.ReasonRejected, map[string]any{})},
	"fieldRef":                        {with: withoutVariables},
	"fieldRef.apiVersion":             {values: []any{"v1"}, with: withoutVariables},
	"fieldRef.fieldPath":              {values: []any{"metadata.name", "status.hostIP", "metadata.annotations['a']"}, with: withoutVariables, breaks: later("no such field", "fieldPath", v1alpha1.ReasonRejected, "spec.x")},
	"resourceFieldRef":                {with: withoutVariables},
	"resourceFieldRef.resource":       {values: []any{"limits.memory", "requests.memory"}, with: withoutVariables, breaks: later("no such resource", "resource", v1alpha1.ReasonRejected, "limits.x")},
	"resourceFieldRef.divisor":        {values: []any{"1", "1Mi", int64(1)}, with: withoutVariables},
	"containerName":                   {values: []any{"symphony"}, with: withoutVariables},
	"configMapKeyRef":                 {values: keyOf(), with: withoutVariables},
	"configMapKeyRef.key":             {with: withoutVariables},
	"configMapKeyRef.name":            {with: withoutVariables},
	"configMapKeyRef.optional":        {with: withoutVariables},
	"valueFrom.secretKeyRef":          {values: keyOf(), with: withoutVariables},
	"valueFrom.secretKeyRef.name":     {with: withoutVariables},
	"valueFrom.secretKeyRef.optional": {with: withoutVariables},
	"valueFrom.secretKeyRef.key":      {with: withoutVariables},
	"fileKeyRef":                      {with: withFiles},
	"fileKeyRef.key":                  {values: []any{"A", "B"}, with: withFiles},
	"fileKeyRef.path":                 {values: []any{"env", "dir/env"}, with: withFiles},
	"fileKeyRef.volumeName":           {values: []any{"files"}, with: withFiles},
	"fileKeyRef.optional":             {with: withFiles},
	"resources":                       {none: "its fields are below"},
	"limits":                          {key: "memory", values: []any{map[string]any{"memory": "8Gi"}, map[string]any{"cpu": "4", "memory": "9e9"}}, breaks: later("a limit below nothing", "limits", v1alpha1.ReasonRejected, map[string]any{"memory": "-1"})},
	"limits{}":                        {values: []any{"8Gi", "8192M", "9e9", int64(8_000_000_000)}},
	"requests":                        {key: "memory", values: []any{map[string]any{"memory": "1Gi"}, map[string]any{"cpu": "100m", "memory": "1024Mi"}}},
	"requests{}":                      {values: []any{"1Gi", "1024Mi", "1e9", int64(1_000_000_000)}},
	"resources.claims":                {with: withClaim, values: []any{[]any{map[string]any{"name": "gpu"}}}},
	"resources.claims[]":              {with: withClaim},
	"claims[].name":                   {with: withClaim, values: []any{"gpu"}},
	"claims[].request":                {with: withClaim},

	"policy.clients":                       {values: clients(), breaks: refused("each of clients needs a podSelector, a namespaceSelector or an ipBlock", []any{map[string]any{}})},
	"clients[].podSelector":                {values: []any{map[string]any{"matchLabels": map[string]any{"app": "risk"}}, map[string]any{}}},
	"clients[].namespaceSelector":          {values: []any{map[string]any{"matchLabels": map[string]any{"team": "risk"}}, map[string]any{}}},
	"clients[].ipBlock":                    {values: []any{map[string]any{"cidr": "192.0.2.0/24"}, map[string]any{"cidr": "10.0.0.0/8", "except": []any{"10.1.0.0/16"}}}},
	"ipBlock.cidr":                         {values: []any{"192.0.2.0/24", "198.51.100.0/24"}},
	"ipBlock.except":                       {values: []any{[]any{"192.0.2.0/25"}}},
	"ipBlock.except[]":                     {values: []any{"192.0.2.128/25"}},
	"podSelector.matchExpressions":         {values: []any{expression(), expression()[1:]}},
	"podSelector.matchExpressions[]":       {values: expression()},
	"namespaceSelector.matchExpressions":   {values: []any{expression(), expression()[1:]}},
	"namespaceSelector.matchExpressions[]": {values: expression()},
	"podSelector.matchLabels":              {key: "app"},
	"namespaceSelector.matchLabels":        {key: "team"},

	"WeaveNetwork.image":            {values: []any{"weave-kube:1", "weave-kube:2"}},
	"WeaveNetwork.ipRange":          {values: []any{"10.32.0.0/12", "10.0.0.0/8", "192.0.2.0/29"}, breaks: refused(ipRangeRule, "10.32.0.1/12", "10.0.0.0/7", "192.0.2.0/30", "fd00::/12", "x")},
	"WeaveNetwork.nodeSelector":     {key: "pool"},
	"WeaveNetwork.allowConflicts[]": {values: []any{"Link/weave"}},
	"NetworkCheck.image":            {values: []any{"iperf3:1", "iperf3:2"}},
	"placement.nodeSelector":        {key: "pool"},
	"matchExpressions[].key":        {values: []any{"kubernetes.io/os", "pool"}},
	"matchFields[].key":             {values: []any{"metadata.name"}},
	"operator":                      {values: []any{"In", "NotIn"}},
	"tolerations[].operator":        {values: []any{"Exists", "Equal"}},
	"tolerations[].effect":          {values: []any{"NoSchedule", "NoExecute"}},
	"values[]":                      {values: []any{"linux"}},
	"nodeAffinity":                  {none: "its fields are below"},
}

// frozen is why a field cannot be changed on an object that exists.
func (w *walker) frozen(path string) string {
	if w.kind == "NetworkCheck" {
		return "a check runs once"
	}
	for begin, why := range map[string]string{
		"SymphonyCluster.clusterName":                     "EGO cannot rename a cluster",
		"SymphonyCluster.master.storage.existingClaim":    "the master would silently start with another state",
		"SymphonyCluster.master.storage.storageClassName": "a claim's class cannot be changed",
		"SymphonyCluster.master.storage.accessMode":       "a claim's mode cannot be changed",
		"SymphonyCluster.master.storage.size":             "it can grow only, because a volume cannot shrink",
		"WeaveNetwork.ipRange":                            "Weave's nodes refuse others with another range",
		"WeaveNetwork.fastDatapath":                       "Weave does not start on a bridge of the other kind",
		"WeaveNetwork.hostPaths":                          "what is in the old directories would stay there",
		"WeaveNetwork.initialPeerCount":                   "once Weave is installed, Weave has used it",
	} {
		if strings.HasPrefix(w.kind+"."+path, begin) {
			return why
		}
	}
	return ""
}

func durations(rule, longest, longer string) meaning {
	return meaning{values: []any{"90s", "0s", "1m30s", longest}, breaks: refused(rule, "1d", "-1s", "x", longer)}
}

// expression comes first with what its operator needs: it is what the fields below change.
func expression() []any {
	return []any{
		map[string]any{"key": "app", "operator": "In", "values": []any{"risk"}}, map[string]any{"key": "app", "operator": "Exists"},
	}
}

func clients() []any {
	return []any{
		[]any{map[string]any{"podSelector": map[string]any{"matchLabels": map[string]any{"app": "risk"}}}},
		[]any{map[string]any{"ipBlock": map[string]any{"cidr": "192.0.2.0/24"}}, map[string]any{"namespaceSelector": map[string]any{}}},
	}
}

func variable(name string) any { return []any{map[string]any{"name": name, "value": "x"}} }

// keyOf is a key of a ConfigMap or a Secret, whose name the schema does not require and the API server does.
func keyOf() []any {
	return []any{map[string]any{"name": "a", "key": "a"}, map[string]any{"name": "a", "key": "b", "optional": true}}
}

func later(name, says, reason string, value any) []breaking {
	return []breaking{{name: "later refused: " + name, says: says, later: reason, edit: set(value)}}
}

func overlays(all []generate.Overlay) []any {
	values := make([]any, 0, len(all))
	for _, overlay := range all {
		if value := parsed(overlay.JSON); len(value) > 0 {
			values = append(values, value)
		}
	}
	return values
}

func overlaysThatAreNot() []breaking {
	var all []breaking
	for _, overlay := range generate.Refused {
		all = append(all, later(overlay.Name, overlay.Says, v1alpha1.ReasonInvalidPodTemplate, parsed(overlay.JSON))...)
	}
	for _, overlay := range generate.Rejected {
		all = append(all, later(overlay.Name, overlay.Says, v1alpha1.ReasonRejected, parsed(overlay.JSON))...)
	}
	return all
}
