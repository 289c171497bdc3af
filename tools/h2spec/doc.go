// Package h2spec holds the sidecars' HTTP/2 against h2spec, a suite of cases that misuse the protocol, beside a proxy of
// net/http. It is a module of its own, as h2spec would bring its modules into the shop's.
package h2spec
