// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package networkcheck

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

const defaultMaxUDPLossPercent = 5

// read makes a pair's result of its pod, which has ended: each of its containers left iperf3's report as its last words.
// again is true when a server was busy, which is no result: the pair is measured once more. silent is the rest of a sentence,
// for a pod that was made without measuring to the other node itself: why nothing received there.
func read(check *v1alpha1.NetworkCheck, pair Pair, pod *corev1.Pod, silent string) (result v1alpha1.PairResult, again bool) {
	tcp, tcpProblem := parseTCP(lastWords(pod, tcpContainer))
	udp, udpProblem := parseUDP(lastWords(pod, udpContainer))
	host, hostProblem := parseTCP(lastWords(pod, hostContainer))
	for _, problem := range []string{tcpProblem, udpProblem, hostProblem} {
		if strings.Contains(problem, busy) {
			return v1alpha1.PairResult{}, true
		}
	}
	// Without TCP's report there is nothing; blocked TCP needs no UDP's, which some iperf3 do not even begin then.
	if interrupted(tcpProblem) || tcp != nil && interrupted(udpProblem) {
		return notMeasured(pair, "its pod was ended before it had measured"+because(pod)), false
	}
	result = v1alpha1.PairResult{From: pair.From, To: pair.To, TCP: tcp, UDP: udp, Host: host, Reason: v1alpha1.ReasonPassed}
	problem := hostLeg(pair, pod, hostProblem, silent)
	minimum, most := int64(check.Spec.Thresholds.MinTCPMegabitsPerSecond), int64(defaultMaxUDPLossPercent)
	if given := check.Spec.Thresholds.MaxUDPLossPercent; given != nil {
		most = int64(*given)
	}
	fail := func(reason, format string, arguments ...any) (v1alpha1.PairResult, bool) {
		result.Reason, result.Message = reason, fmt.Sprintf(format, arguments...)
		return result, false
	}
	switch {
	case tcp == nil:
		return fail(v1alpha1.ReasonTCPBlocked, "TCP does not pass: %s", tcpProblem)
	case udp == nil:
		return fail(v1alpha1.ReasonUDPBlocked, "UDP does not pass: %s (TCP does, at %s)", udpProblem, megabits(tcp.MegabitsPerSecond))
	case problem != nil:
		return fail(problem.Reason, "%s", problem.Message)
	case udp.Lost*100 > most*udp.Packets:
		return fail(v1alpha1.ReasonUDPLoss, "UDP lost %s of its packets, %d%% are allowed", loss(udp), most)
	case tcp.MegabitsPerSecond < minimum:
		return fail(v1alpha1.ReasonTCPTooSlow, "TCP has %s, %s are wanted", megabits(tcp.MegabitsPerSecond), megabits(minimum))
	}
	return result, false
}

// hostLeg is what is wrong with the way from the pair's pod to the other node itself, nil if nothing is or it is not measured.
func hostLeg(pair Pair, pod *corev1.Pod, problem, silent string) *Refusal {
	where := fmt.Sprintf("the overlay address %s of %s", pair.Overlay, pair.To)
	switch {
	case pair.Overlay == "" || problem == "":
		return nil
	case !has(pod, hostContainer):
		return &Refusal{v1alpha1.ReasonNotMeasured, "TCP to " + where + " was not measured: the pod that receives there does not run" + silent}
	case interrupted(problem):
		return &Refusal{v1alpha1.ReasonNotMeasured, "TCP to " + where + " was not measured: its pod was ended before" + because(pod)}
	}
	return &Refusal{v1alpha1.ReasonHostBlocked, fmt.Sprintf("TCP does not pass from pods of %s to %s: %s", pair.From, where, problem)}
}

// interrupted is a problem of the pod and not of the network: it was ended from outside, or never began.
func interrupted(problem string) bool {
	return problem == noReport || strings.Contains(problem, "interrupt")
}

// lastWords are what a container left when it ended; "", which is no report, when it has not.
func lastWords(pod *corev1.Pod, name string) string {
	for _, status := range containers(pod) {
		// iperf3's own status is 0 or 1; anything else is a signal's, or unknown.
		if terminated := status.State.Terminated; status.Name == name && terminated != nil && terminated.ExitCode <= 1 {
			return terminated.Message
		}
	}
	return ""
}

// has reports whether the pod has a container, by its status: the cache keeps nothing else of it.
func has(pod *corev1.Pod, name string) bool {
	return slices.ContainsFunc(containers(pod), func(status corev1.ContainerStatus) bool { return status.Name == name })
}

func containers(pod *corev1.Pod) []corev1.ContainerStatus {
	return slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
}

func notMeasured(pair Pair, why string) v1alpha1.PairResult {
	return v1alpha1.PairResult{From: pair.From, To: pair.To, Reason: v1alpha1.ReasonNotMeasured, Message: why}
}

func passed(result *v1alpha1.PairResult) bool { return result.Reason == v1alpha1.ReasonPassed }

// severity orders reasons, the worst first.
var severity = []string{
	v1alpha1.ReasonTCPBlocked, v1alpha1.ReasonUDPBlocked, v1alpha1.ReasonHostBlocked, v1alpha1.ReasonNotMeasured,
	v1alpha1.ReasonUDPLoss, v1alpha1.ReasonTCPTooSlow, v1alpha1.ReasonPassed,
}

// worstFirst orders results by what is wrong and then by TCP's rate.
func worstFirst(results []v1alpha1.PairResult) []v1alpha1.PairResult {
	ordered := slices.Clone(results)
	slices.SortStableFunc(ordered, func(a, b v1alpha1.PairResult) int {
		return cmp.Or(
			cmp.Compare(slices.Index(severity, a.Reason), slices.Index(severity, b.Reason)),
			cmp.Compare(rate(&a), rate(&b)))
	})
	return ordered
}

func rate(result *v1alpha1.PairResult) int64 {
	if result.TCP == nil {
		return 0
	}
	return result.TCP.MegabitsPerSecond
}

// summarize makes texts of the extremes of results, the worst of which is the first; what nothing measured is left out.
func summarize(results []v1alpha1.PairResult) v1alpha1.NetworkCheckSummary {
	var summary v1alpha1.NetworkCheckSummary
	if len(results) == 0 {
		return summary
	}
	summary.WorstPair = results[0].From + " → " + results[0].To
	var rates []int64
	var udp []*v1alpha1.UDPResult
	for i := range results {
		if results[i].TCP != nil {
			rates = append(rates, results[i].TCP.MegabitsPerSecond)
		}
		if results[i].UDP != nil {
			udp = append(udp, results[i].UDP)
		}
	}
	if len(rates) > 0 {
		slices.Sort(rates)
		summary.MinTCP, summary.MedianTCP = megabits(rates[0]), megabits(rates[len(rates)/2])
	}
	if len(udp) > 0 {
		slowest := slices.MinFunc(udp, func(a, b *v1alpha1.UDPResult) int { return cmp.Compare(a.KilobitsPerSecond, b.KilobitsPerSecond) })
		lossiest := slices.MaxFunc(udp, func(a, b *v1alpha1.UDPResult) int { return cmp.Compare(a.Lost*b.Packets, b.Lost*a.Packets) })
		shakiest := slices.MaxFunc(udp, func(a, b *v1alpha1.UDPResult) int { return cmp.Compare(a.JitterMicroseconds, b.JitterMicroseconds) })
		summary.MinUDP = fmt.Sprintf("%d.%d Mbit/s", slowest.KilobitsPerSecond/1000, slowest.KilobitsPerSecond%1000/100)
		summary.MaxUDPLoss = loss(lossiest)
		summary.MaxUDPJitter = fmt.Sprintf("%d.%03d ms", shakiest.JitterMicroseconds/1000, shakiest.JitterMicroseconds%1000)
	}
	return summary
}

func megabits(rate int64) string { return fmt.Sprintf("%d Mbit/s", rate) }

func loss(udp *v1alpha1.UDPResult) string {
	hundredths := udp.Lost * 10000 / max(1, udp.Packets)
	return fmt.Sprintf("%d.%02d%%", hundredths/100, hundredths%100)
}
