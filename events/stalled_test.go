package events

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"greenroom/models"
)

// A server hears itself though the bus takes nothing any more: a NATS server whose machine hangs, or a
// network that swallows everything.
func TestAStalledBusHoldsUpNobody(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stalls, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		conn, err := listener.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, `INFO {"server_id":"x","version":"2.10.0","proto":1,"headers":true,"max_payload":1048576}`+"\r\n")
		lines := bufio.NewScanner(conn)
		for lines.Scan() {
			if lines.Text() == "PING" {
				break
			}
		}
		_, _ = io.WriteString(conn, "PONG\r\n")
		<-stalls
	}()
	h := open(t, "nats://"+listener.Addr().String())
	defer h.bus.running.Wait()
	defer func() { _ = listener.Close(); close(stalls); <-over }()
	defer h.Close()
	w := h.Session("s")
	const many = 2000 // some 60 MB
	for revision := 1; revision <= many; revision++ {
		c := to("s", revision)
		c.After.Metadata = models.Metadata(`{"a":"` + strings.Repeat("x", 30<<10) + `"}`)
		h.Publish(c)
	}
	for {
		select {
		case <-w.News():
		case <-t.Context().Done():
			t.Fatal("it heard nothing")
		}
		if newest, _ := w.Take(); newest != nil && newest.Revision == many {
			return
		}
	}
}
