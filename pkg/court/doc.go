// Package court tries a checkout service in a running shop: it kills processes at each point of an order, delivers requests
// twice or late, loses responses, and then reads in the records of payment, shipping and email what has become of each order.
//
// A cell is one order: a row, which says who is killed at which point, and a column, which says how a request of that step
// is delivered. The orders of a wave go on until each has reached its point, where it is held; then one kill -9 meets all of
// them. The called services hold them, by a director (lifeline.Moment): so the checkout on trial can be any program that
// speaks the contract. An order is recognized by what only it has: its user, street, address and card.
//
// What the checkout says of itself decides nothing. It is asked only whether an order has ended, if it has the service
// shopctl.shop.v1.Orders.
package court
