package main

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientAddress is who sent the request: the socket's other end or, when that is a trusted
// proxy, the last address in X-Forwarded-For that is none. What stands before that was written
// by the client itself.
func clientAddress(r *http.Request, trusted []netip.Prefix) string {
	address := r.RemoteAddr
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !isTrusted(address, trusted) {
			break
		}
		ip, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil { // some proxies write the port too
			var withPort netip.AddrPort
			if withPort, err = netip.ParseAddrPort(strings.TrimSpace(hop)); err != nil {
				break
			}
			ip = withPort.Addr()
		}
		address = net.JoinHostPort(ip.Unmap().String(), "0")
	}
	return address
}

func isTrusted(address string, trusted []netip.Prefix) bool {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return false
	}
	ip := at.Addr().Unmap()
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(ip) })
}
