package main

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"greenroom/avatarserver"
	"greenroom/events"
	"greenroom/graph"
	"greenroom/models"
	"greenroom/stream"
	"greenroom/webhooks"
)

// metrics are what an operator watches. Labels are closed sets: no id is one.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	daily    *prometheus.HistogramVec
	sessions *prometheus.CounterVec
	webhooks *prometheus.HistogramVec
	orphans  prometheus.Counter
	writes   groupSizes
}

// groupSizes counts how many writes shared each commit.
type groupSizes struct{ prometheus.Histogram }

// Observe takes one group.
func (g groupSizes) Observe(size int) { g.Histogram.Observe(float64(size)) }

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "greenroom_http_request_seconds", Help: "HTTP requests by route and status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20},
		}, []string{"route", "status"}),
		daily: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "greenroom_daily_call_seconds", Help: "Calls to Daily by kind and status; 0 is no answer.",
			Buckets: []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"call", "status"}),
		sessions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "greenroom_sessions_total", Help: "Sessions created, started and ended by this process, with the end's reason.",
		}, []string{"what", "reason"}),
		orphans: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "greenroom_orphan_rooms_deleted_total", Help: "Rooms at Daily that belonged to no session and were deleted by this process.",
		}),
		webhooks: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "greenroom_webhook_attempt_seconds", Help: "Tries to deliver a webhook, by outcome.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30, 60},
		}, []string{"outcome"}),
		writes: groupSizes{prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "greenroom_db_write_group_size", Help: "Writes that shared one commit.",
			Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256},
		})},
	}
	m.registry.MustRegister(m.requests, m.daily, m.sessions, m.webhooks, m.orphans, m.writes.Histogram,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

func (m *metrics) request(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Observe(took.Seconds())
}

func (m *metrics) dailyCall(call string, status int, took time.Duration) {
	m.daily.WithLabelValues(call, strconv.Itoa(status)).Observe(took.Seconds())
}

func (m *metrics) session(what string, reason models.EndReason) {
	m.sessions.WithLabelValues(what, string(reason)).Inc()
}

func (m *metrics) webhook(outcome webhooks.Outcome, took time.Duration) {
	m.webhooks.WithLabelValues(string(outcome)).Observe(took.Seconds())
}

// backlog shows whether webhooks are sent when they are due.
func (m *metrics) backlog(of *webhooks.Service) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "greenroom_webhook_backlog_seconds", Help: "For how long the longest waiting webhook has been due, but for those that their own endpoint makes late; NaN while the database does not answer.",
	}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		late, err := of.Late(ctx)
		if err != nil {
			return math.NaN()
		}
		return late.Seconds()
	}))
}

// live shows who listens, and whether the event bus is sound.
func (m *metrics) live(hub *events.Hub) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "greenroom_session_watchers", Help: "Subscriptions and streams that follow one session.",
		}, func() float64 { return float64(hub.Load().Sessions) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "greenroom_account_watchers", Help: "Subscriptions to an account or its list of sessions.",
		}, func() float64 { return float64(hub.Load().Accounts) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "greenroom_events_missed_total", Help: "Times when changes may have been lost on the event bus, so that all watchers read again.",
		}, func() float64 { return float64(hub.Load().Missed) }),
	)
}

// sockets shows what is held open.
func (m *metrics) sockets(graphQL *graph.Handler, streams *stream.Server) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "greenroom_graphql_sockets", Help: "GraphQL WebSockets and event streams that are open.",
		}, func() float64 { return float64(graphQL.Open()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "greenroom_streams", Help: "Sessions whose stream behind wsUri is open.",
		}, func() float64 { return float64(streams.Open()) }),
	)
}

// watch shows the avatar servers that have dialled in, summed up.
func (m *metrics) watch(registry *avatarserver.Registry) {
	gauge := func(name, help string, of func(avatarserver.ServerInfo) int) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			sum := 0
			for _, s := range registry.Servers() {
				sum += of(s)
			}
			return float64(sum)
		}))
	}
	gauge("greenroom_avatar_servers", "Avatar servers that are connected.", func(s avatarserver.ServerInfo) int {
		if s.Connected {
			return 1
		}
		return 0
	})
	gauge("greenroom_avatar_server_capacity", "Sessions that avatar servers can carry.", func(s avatarserver.ServerInfo) int { return s.Capacity })
	gauge("greenroom_avatar_server_sessions", "Sessions that avatar servers carry.", func(s avatarserver.ServerInfo) int { return s.Sessions })
}
