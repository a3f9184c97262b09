# Runs on the machine that is deployed to. A deployment is one transient unit: its name is the lock against a second
# one, its main process goes forward, and its ExecStopPost puts the old system back, whatever ended the main process.
unit=wordtally-deploy
root=/run/$unit
profile=/nix/var/nix/profiles/system
preflight=wordtally-preflight
patience=60 # seconds for all instances to get ready

usage() {
	echo "on-host: give one of: begin ID SYSTEM SECONDS, state ID, log ID LINE, confirm ID, abort ID, systems, programs NAME…, stop NAME…, dry-run SYSTEM" >&2
	exit 2
}

fail() {
	[ -e "$run/reason" ] || echo "$*" >"$run/reason"
	exit 1
}

# Whole at once: who reads it sees the old one or the new one.
state() {
	echo "$*" >"$run/state.new"
	mv "$run/state.new" "$run/state"
}

current() { readlink -f /run/current-system; }
default() { readlink -e "$profile" || true; }

# An instance's answer to the path `$2`; it listens at `$1`, and the rest are options of curl's.
ask() {
	local where
	case $1 in
	unix:*) where=http://localhost ;;
	0.0.0.0:*) where=http://127.0.0.1:${1#0.0.0.0:} ;;
	"[::]:"*) where="http://[::1]:${1#"[::]:"}" ;;
	*) where=http://$1 ;;
	esac
	[[ $1 != unix:* ]] || set -- "$@" --unix-socket "${1#unix:}"
	curl --silent --max-time 10 "${@:3}" "$where$2"
}

# Waits for the instance `$1`, which listens at `$2`, to be ready with the figures that are known of it.
check() {
	local said wrong
	while ! said=$(ask "$2" /readyz) || [ "$said" != ready ]; do
		[ "$SECONDS" -lt "$deadline" ] || fail "$1: ${said:-it does not answer}"
		sleep 1
	done
	wrong=$(ask "$2" / -H 'Accept: application/json' | jq -r --arg name "$1" --slurpfile facts "$run/deployment.json" '
		(.counts | map({(.corpus): .total_words}) | add // {}) as $got
		| [$facts[0].figures[$name] // {} | to_entries[] | select($got[.key] != .value)
			| "\(.key) has \($got[.key] // "nothing") and not \(.value)"]
		| join(", ")') || fail "$1: its page is not understood"
	[ -z "$wrong" ] || fail "$1: $wrong"
}

# Starts the instances of the new system beside those that serve, by their own units, on sockets that no visitor
# reaches: what does not get ready, or answers wrongly, never meets one.
start_preflight() {
	local name from credential started=()
	mkdir -p /run/systemd/system
	for name in $names; do
		from=$1/etc/systemd/system/wordtally-$name
		# The secrets are those of the running system.
		credential=$(sed -n 's/^LoadCredential=[^:]*://p' "$from.service")
		if [ -n "$credential" ] && [ ! -e "$credential" ]; then
			echo "preflight: not $name, whose credential comes with the activation"
			continue
		fi
		sed "s/wordtally-$name\.socket/$preflight-$name.socket/" "$from.service" \
			>"/run/systemd/system/$preflight-$name.service"
		sed "s|^ListenStream=.*|ListenStream=/run/$preflight/$name.sock|" "$from.socket" \
			>"/run/systemd/system/$preflight-$name.socket"
		started+=("$name")
	done
	[ ${#started[@]} != 0 ] || return 0
	systemctl daemon-reload
	systemctl start --no-block "${started[@]/#/$preflight-}"
	deadline=$((SECONDS + patience))
	for name in "${started[@]}"; do
		check "$name" "unix:/run/$preflight/$name.sock"
		echo "preflight: $name is ready"
	done
}

end_preflight() {
	local units
	units=(/run/systemd/system/"$preflight"-*)
	[ -e "${units[0]}" ] || return 0
	systemctl stop "${units[@]##*/}" || true
	systemctl reset-failed "$preflight-*" || true
	rm -rf "${units[@]}" "/run/$preflight"
	systemctl daemon-reload
}

# Activates a system, and starts what it wants and is not running, such as the job that has nginx read a changed
# configuration: a wrong front door must show now, and not at the next restart.
activate() {
	timeout 300 "$1/bin/switch-to-configuration" test && timeout 120 systemctl start default.target
}

# Goes forward, to the confirmation that only a new connection from outside can bring.
forward() {
	local new=$1 seconds=$2 name names
	names=$(jq -r '.listen | keys[]' "$run/deployment.json")
	state preflight
	start_preflight "$new"
	end_preflight

	state activating
	touch "$run/activated"
	activate "$new" || fail "its activation ended with $?"
	[ "$(current)" = "$new" ] || fail "its activation left $(current)"

	state readiness
	deadline=$((SECONDS + patience))
	for name in $names; do
		check "$name" "$(jq -r --arg name "$name" '.listen[$name]' "$run/deployment.json")"
		echo "readiness: $name is ready"
	done

	state unconfirmed
	deadline=$((SECONDS + seconds))
	while [ ! -e "$run/confirmed" ]; do
		[ "$SECONDS" -lt "$deadline" ] || fail "nobody confirmed it from outside within $seconds s"
		sleep 0.5
	done

	state "making it the default"
	nix-env --profile "$profile" --set "$new"
	timeout 300 "$new/bin/switch-to-configuration" boot || fail "the boot loader's part ended with $?"
	state committed
}

# What is left of a deployment that did not reach its end.
back() {
	local old old_default
	[ "$(cat "$run/state")" != committed ] || return 0
	old=$(cat "$run/old")
	old_default=$(cat "$run/default")
	end_preflight
	[ -e "$run/reason" ] || echo "it was interrupted" >"$run/reason"
	if [ ! -e "$run/activated" ]; then
		state refused
		return
	fi
	state "rolling back"
	if [ -n "$old_default" ] && [ "$(default)" != "$old_default" ]; then
		nix-env --profile "$profile" --set "$old_default"
		timeout 300 "$old_default/bin/switch-to-configuration" boot || true
	fi
	activate "$old" || echo "the old system's activation ended with $?"
	if [ "$(current)" = "$old" ]; then
		state "rolled back"
	else
		state "not rolled back"
	fi
}

command=${1-}
case $command in
systems)
	current
	default
	exit
	;;
programs)
	for name in "${@:2}"; do
		readlink "/proc/$(systemctl show --property MainPID --value "wordtally-$name.service")/exe" || true
	done
	exit
	;;
stop)
	units=()
	for name in "${@:2}"; do units+=("wordtally-$name.socket" "wordtally-$name.service"); done
	exec systemctl stop "${units[@]}"
	;;
dry-run)
	[ $# = 2 ] || usage
	exec "$2/bin/switch-to-configuration" dry-activate 2>&1
	;;
esac

id=${2-}
[[ $id =~ ^[0-9a-f]{16}$ ]] || usage
run=$root/$id
case $command in
begin)
	[ $# = 4 ] || usage
	(umask 077 && mkdir -p "$run")
	cat >"$run/deployment.json"
	state begun
	if ! systemd-run --quiet --collect --unit="$unit" --property=RuntimeMaxSec=900 --property=TimeoutStopSec=700 \
		--property="ExecStopPost=$0 back $id" "$0" forward "${@:2}" 2>"$run/refusal"; then
		systemctl is-active --quiet "$unit" && echo "another deployment is under way" >"$run/refusal"
		cat "$run/refusal" >&2
		rm -rf "$run"
		exit 1
	fi
	;;
forward)
	exec >>"$run/log" 2>&1
	current >"$run/old"
	default >"$run/default"
	find "$root" -mindepth 1 -maxdepth 1 ! -name "$id" -exec rm -rf {} +
	forward "$3" "$4"
	;;
back)
	exec >>"$run/log" 2>&1
	back
	;;
state)
	cat "$run/state" 2>/dev/null || echo lost
	cat "$run/reason" 2>/dev/null || true
	;;
log) tail -n "+$3" "$run/log" 2>/dev/null || true ;;
confirm) touch "$run/confirmed" ;;
abort)
	cat >"$run/reason"
	systemctl stop --no-block "$unit"
	;;
*) usage ;;
esac
