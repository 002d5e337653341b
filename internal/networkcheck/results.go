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
// again is true when the server was busy, which is no result: the pair is measured once more.
func read(check *v1alpha1.NetworkCheck, pair Pair, pod *corev1.Pod) (result v1alpha1.PairResult, again bool) {
	tcpText, tcpEnded := lastWords(pod.Status.InitContainerStatuses, tcpContainer)
	udpText, udpEnded := lastWords(pod.Status.ContainerStatuses, udpContainer)
	tcp, tcpProblem := parseTCP(tcpText)
	udp, udpProblem := parseUDP(udpText)
	// Without TCP's report there is nothing; blocked TCP needs no UDP's, which some iperf3 do not even begin then.
	blocked := tcpEnded && tcpProblem != "" && !interrupted(tcpProblem)
	switch {
	case strings.Contains(tcpProblem, busy) || strings.Contains(udpProblem, busy):
		return v1alpha1.PairResult{}, true
	case !blocked && (!tcpEnded || !udpEnded || interrupted(tcpProblem) || interrupted(udpProblem)):
		return notMeasured(pair, "its pod was ended before it had measured"+because(pod)), false
	}
	result = v1alpha1.PairResult{From: pair.From, To: pair.To, TCP: tcp, UDP: udp, Reason: v1alpha1.ReasonPassed}
	fail := func(reason, format string, arguments ...any) (v1alpha1.PairResult, bool) {
		result.Reason, result.Message = reason, fmt.Sprintf(format, arguments...)
		return result, false
	}
	minimum, most := int64(check.Spec.Thresholds.MinTCPMegabitsPerSecond), int64(defaultMaxUDPLossPercent)
	if given := check.Spec.Thresholds.MaxUDPLossPercent; given != nil {
		most = int64(*given)
	}
	switch {
	case tcp == nil:
		return fail(v1alpha1.ReasonTCPBlocked, "TCP does not pass: %s", tcpProblem)
	case udp == nil:
		return fail(v1alpha1.ReasonUDPBlocked, "UDP does not pass: %s (TCP does, at %s)", udpProblem, megabits(tcp.MegabitsPerSecond))
	case udp.Lost*100 > most*udp.Packets:
		return fail(v1alpha1.ReasonUDPLoss, "UDP lost %s of its packets, %d%% are allowed", loss(udp), most)
	case tcp.MegabitsPerSecond < minimum:
		return fail(v1alpha1.ReasonTCPTooSlow, "TCP has %s, %s are wanted", megabits(tcp.MegabitsPerSecond), megabits(minimum))
	}
	return result, false
}

// interrupted is a problem of the pod and not of the network: it was ended from outside.
func interrupted(problem string) bool {
	return problem == noReport || strings.Contains(problem, "interrupt")
}

func lastWords(statuses []corev1.ContainerStatus, name string) (text string, ended bool) {
	for i := range statuses {
		// iperf3's own status is 0 or 1; anything else is a signal's, or unknown.
		if terminated := statuses[i].State.Terminated; statuses[i].Name == name && terminated != nil && terminated.ExitCode <= 1 {
			return terminated.Message, true
		}
	}
	return "", false
}

func notMeasured(pair Pair, why string) v1alpha1.PairResult {
	return v1alpha1.PairResult{From: pair.From, To: pair.To, Reason: v1alpha1.ReasonNotMeasured, Message: why}
}

func passed(result *v1alpha1.PairResult) bool { return result.Reason == v1alpha1.ReasonPassed }

// severity orders reasons, the worst first.
var severity = []string{
	v1alpha1.ReasonTCPBlocked, v1alpha1.ReasonUDPBlocked, v1alpha1.ReasonNotMeasured, v1alpha1.ReasonUDPLoss,
	v1alpha1.ReasonTCPTooSlow, v1alpha1.ReasonPassed,
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
