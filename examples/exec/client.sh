#!/bin/sh
# A client program for holdfast's protocol exec, for a store that speaks HTTP. It needs curl and jq.
# One operation a line comes in, one answer a line goes out; docs/clients.md describes both.

answer() { # answer JQ-PROGRAM: writes the answer that it makes
	jq -nc --argjson id "$id" --arg node "${node:-}" --arg text "${text:-}" --arg error "${error:-}" "{id: \$id} + $1"
}

connect() { # sets node and address to those of the first node that answers; a connection alone proves nothing
	set -- $HOLDFAST_ADDRESSES
	for node in $HOLDFAST_NODES; do
		address=$1
		shift
		curl -sf --max-time "$seconds" -o /dev/null "http://$address/healthz" && return
	done
	return 1
}

while IFS= read -r line; do
	text='' error='' node=''
	eval "$(printf '%s' "$line" | jq -r '@sh "id=\(.id) kind=\(.kind) key=\(.key // "" | @uri) value=\(.value // "")
		expect=\(.expect // "" | @uri) seconds=\((.timeoutMs // 5000) / 2000)"')"
	if ! connect; then
		error='no node serves'
		answer '{outcome: "failed", error: $error}' # nothing was sent
		continue
	fi
	case $kind in
	read) set -- "http://$address/kv/$key" ;;
	write) set -- -X PUT --data-raw "$value" "http://$address/kv/$key" ;;
	cas) set -- -X PUT --data-raw "$value" "http://$address/kv/$key?expect=$expect" ;;
	query) set -- "http://$address$value" ;;
	esac
	# The status comes on a line of its own after the body.
	text=$(curl -s --max-time "$seconds" -w '\n%{http_code}' "$@") || text='
000'
	status=${text##*
}
	text=${text%
*}
	case $kind:$status in
	cas:412) answer '{outcome: "ok", node: $node, applied: false}' ;;
	read:404) answer '{outcome: "ok", node: $node, output: ""}' ;; # never written
	*:2??) answer '{outcome: "ok", node: $node, output: $text, applied: true}' ;;
	*)
		error="status $status" # nothing says that it had no effect; 000 is no answer at all
		answer '{outcome: "unknown", error: $error}'
		;;
	esac
done
