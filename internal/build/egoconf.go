// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package build

// masterEgoConf are the ego.conf settings that containers need; all are IBM's own for its container image
// (as found in published patches of that image), except the host timeout, for which IBM has no default.
func masterEgoConf() map[string]string {
	return map[string]string{
		"EGO_DISABLE_ROOT_REX": "Y",
		// Without a timeout, hosts of replaced pods stay in the host table for ever.
		"EGO_DYNAMIC_HOST_TIMEOUT": "10m",
		// A new host asks to join after this many seconds; the product's 60 would be most of a start.
		"EGO_DYNAMIC_HOST_WAIT_TIME":        "1",
		"EGO_ELIM_RUNAS_CLUSTER_ADMIN":      "Y",
		"EGO_ENABLE_RG_UPDATE_MEMBERSHIP":   "Y",
		"EGO_LIM_IS_IN_CONTAINER":           "Y",
		"EGO_RESOURCE_UPDATE_INTERVAL":      "1",
		"EGO_RG_UPDATE_MEMBERSHIP_INTERVAL": "10",
	}
}

// computeEgoConf has compute hosts fetch the rest of their configuration from the master's LIM, which
// management hosts refuse.
func computeEgoConf() map[string]string {
	settings := masterEgoConf()
	settings["EGO_GET_CONF"] = "LIM"
	return settings
}
