package webhooks

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"greenroom/models"
)

// maxURL is the most bytes of an endpoint's address.
const maxURL = 2048

// ports are where webhooks go; in networks that the operator allows, anywhere.
var ports = []uint16{443, 8443}

// errForbidden is a destination that webhooks are not sent to. It does not repeat the address: the
// account chose a name, and what that resolves to inside is none of its business.
var errForbidden = errors.New("the address is not one that webhooks may be sent to")

// A border decides where webhooks may go: to public addresses by https and, by https and http and
// to any port, to the networks that the operator has allowed.
type border struct {
	allowed  []netip.Prefix
	guardian *ssrf.Guardian
}

func newBorder(allowed []netip.Prefix) *border {
	return &border{allowed, ssrf.New(ssrf.WithPorts(ports...))}
}

func (b *border) isAllowed(ip netip.Addr) bool {
	return slices.ContainsFunc(b.allowed, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// dial is a net.Dialer's Control: it sees the very address that is about to be connected to, so
// that a name which resolves to another address from one look to the next gains nothing.
func (b *border) dial(plain bool) func(network, address string, _ syscall.RawConn) error {
	return func(network, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return errForbidden
		}
		if b.isAllowed(at.Addr().Unmap()) {
			return nil
		}
		if plain || b.guardian.Safe(network, address, nil) != nil {
			return errForbidden
		}
		return nil
	}
}

// check refuses an address that could never be sent to. What a name resolves to is looked at when
// it is dialled, every time.
func (b *border) check(text string) error {
	refuse := func(message string) error { return models.Invalid(message, "url") }
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		return refuse(fmt.Sprintf("url is longer than %d bytes", maxURL))
	case err != nil || !isPrintable(text) || u.Hostname() == "" || u.Opaque != "":
		return refuse("url must be an absolute https address, in ASCII")
	case u.User != nil:
		return refuse("url must not contain credentials")
	case u.Fragment != "" || strings.Contains(text, "#"):
		return refuse("url must not contain a fragment")
	case u.Scheme != "https" && (u.Scheme != "http" || len(b.allowed) == 0):
		return refuse("url must be an https address")
	}
	port, err := portOf(u)
	if err != nil {
		return refuse("url has a port that is none")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return b.checkName(u, port, refuse)
	}
	address := netip.AddrPortFrom(ip.Unmap(), port).String()
	if b.dial(u.Scheme == "http")(networkOf(ip.Unmap()), address, nil) != nil {
		return refuse("url is of an address or a port that webhooks may not be sent to")
	}
	return nil
}

// checkName looks at what a name says without being resolved.
func (b *border) checkName(u *url.URL, port uint16, refuse func(string) error) error {
	isLocal := strings.EqualFold(strings.TrimSuffix(u.Hostname(), "."), "localhost")
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	switch {
	case isLocal && !b.isAllowed(loopback) && !b.isAllowed(netip.IPv6Loopback()):
		return refuse("url is of an address that webhooks may not be sent to")
	case len(b.allowed) == 0 && !slices.Contains(ports, port):
		return refuse(fmt.Sprintf("url has a port other than %d and %d", ports[0], ports[1]))
	}
	return nil
}

func portOf(u *url.URL) (uint16, error) {
	if u.Port() == "" {
		return map[string]uint16{"http": 80, "https": 443}[u.Scheme], nil
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	if err == nil && n == 0 {
		err = strconv.ErrRange
	}
	return uint16(n), err
}

func networkOf(ip netip.Addr) string {
	if ip.Is4() {
		return "tcp4"
	}
	return "tcp6"
}

// isPrintable tells text without spaces, controls, backslashes and what is beyond ASCII: a name in
// another script is given in its ASCII form, so that everybody reads the same name.
func isPrintable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' })
}

// dialer connects within the border and within a time, by the given resolver; nil is the system's.
func (b *border) dialer(plain bool, resolver *net.Resolver, within time.Duration) *net.Dialer {
	return &net.Dialer{Control: b.dial(plain), Resolver: resolver, Timeout: within}
}
