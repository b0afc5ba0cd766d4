package linkd

import (
	"net"
	"reflect"
	"unsafe"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
)

// sever resets every connection of a proxy: each gets an RST on both sides,
// and bytes that were not yet sent are thrown away. Toxiproxy has no call for
// it (reset_peer only harms connections opened after it), so the list of
// connections is read where Toxiproxy keeps it. Should a later version keep it
// elsewhere, sever says so by false and the caller closes politely.
func sever(p *toxiproxy.Proxy) bool {
	v := reflect.ValueOf(p).Elem().FieldByName("connections")
	if !v.IsValid() || v.Type() != reflect.TypeFor[toxiproxy.ConnectionList]() {
		return false
	}
	all := (*toxiproxy.ConnectionList)(unsafe.Pointer(v.UnsafeAddr()))
	l := reflect.ValueOf(all).Elem().FieldByName("list")
	if !l.IsValid() || l.Type() != reflect.TypeFor[map[string]net.Conn]() {
		return false
	}
	list := (*map[string]net.Conn)(unsafe.Pointer(l.UnsafeAddr()))
	all.Lock()
	defer all.Unlock()
	for _, c := range *list {
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.SetLinger(0) // fails only on a connection that is gone already
		}
	}
	// Not in the same loop: Toxiproxy closes the other side of one that ends.
	for _, c := range *list {
		_ = c.Close()
	}
	return true
}
