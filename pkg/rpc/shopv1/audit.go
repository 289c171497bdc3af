package shopv1

// What services record of money, so that charges can be matched with orders and refunds by their transaction.
// Each of the three events is recorded twice: as attributes of the span of the call that caused it, and as the
// message of a log line, whose fields transaction_id and amount (total, for an order) hold the same.
//
// A charge that is repeated under its idempotency key, and a refund that is repeated, record nothing. Checkout records
// on its span of PlaceOrder how far the order got, so that the money is accounted for even if payment is killed before
// its spans are sent.
const (
	// AttrAudit is the event: one of the values below.
	AttrAudit = "shop.audit"
	// AttrTransaction is the id of the charge; all three events have it.
	AttrTransaction = "shop.transaction_id"
	// AttrOrder is the order's id; only orders have it.
	AttrOrder = "shop.order_id"
	// AttrAmount is the amount charged, refunded or ordered, such as "45.05 EUR".
	AttrAmount = "shop.amount"
)

// Values of AttrAudit.
const (
	// AuditCharged is on the span of PaymentService/Charge; and on that of an order that was neither placed nor refunded.
	AuditCharged = "charged"
	// AuditRefunded is on the span of Refunds/Refund, and on that of the order.
	AuditRefunded = "refunded"
	// AuditPlaced is on the span of CheckoutService/PlaceOrder.
	AuditPlaced = "placed"
)

// Messages of the log lines.
const (
	LogCharged  = "payment charged"
	LogRefunded = "payment refunded"
	LogPlaced   = "order placed"
)
