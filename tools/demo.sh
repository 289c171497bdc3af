#!/bin/sh
# The five-minute tour of the README, by itself, in a shop of its own that is gone afterwards.
# Usage: tools/demo.sh [PATH OF SHOPCTL]
set -eu

shopctl=${1:-bin/shopctl}
dir=$(mktemp -d)
export SHOPCTL_RUN_DIR="$dir/run" SHOPCTL_STATE_DIR="$dir/state" SHOPCTL_NAME=demo

leave() {
	"$shopctl" down -q >/dev/null 2>&1 || true
	rm -rf "$dir"
}
trap leave EXIT
trap 'exit 130' INT TERM

show() {
	printf '\n$ shopctl %s\n' "$*"
	"$shopctl" "$@"
}

# fails shows a command that is meant to fail, and goes on.
fails() {
	printf '\n$ shopctl %s\n' "$*"
	code=0
	"$shopctl" "$@" || code=$?
	[ "$code" -ne 0 ] || { echo "demo: expected an error" >&2; exit 1; }
	printf '(exit code %s)\n' "$code"
}

show up
show call catalog
show call catalog GetProduct '{"id": "OLJCESPC7Z"}'
show call currency Convert '{"from": {"currency_code": "USD", "units": 19, "nanos": 990000000}, "to_code": "JPY"}'
fails call catalog GetProduct '{"id": "NOPE"}'

show fault inject payment --error UNAVAILABLE --percent 100 --for 1m
fails call payment Charge '{"amount": {"currency_code": "USD", "units": 10}, "credit_card": {"credit_card_number": "4432801561520454", "credit_card_cvv": 672, "credit_card_expiration_year": 2039, "credit_card_expiration_month": 1}}'
show fault clear --all

show load start --rate 20 --seed 42
show scale catalog --replicas 3
show set env catalog LOG_LEVEL=debug
sleep 3
show load status
show fault inject payment --error UNAVAILABLE --percent 50 --for 1m
sleep 8
show map
show trace show last --operation PlaceOrder
show metrics query 'service:requests:rate1m'
show alerts
show fault clear --all
show get deployments
show ps

show fault inject cart --crash
sleep 1
show ps
show lesson list
show down
