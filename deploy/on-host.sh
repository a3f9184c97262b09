# Runs on the machine that is deployed to. A deployment is one transient unit: its name is the lock against a second
# one, its main process goes forward, and its ExecStopPost rolls back to the old system, whatever ended the main process.
# No name of ours begins with `wordtally-`, which is the words'.
unit=deploy-wordtally
root=/run/$unit
profile=/nix/var/nix/profiles/system
preflight=preflight-wordtally
patience=60 # seconds for all instances to get ready

# Else a switch complains, line after line, where a unit's locale is not installed.
export LC_ALL=C.UTF-8

usage() {
	echo "on-host: give one of: begin ID SYSTEM SECONDS, state ID, log ID LINE, confirm ID, abort ID, systems, programs NAME…, stop NAME…, dry-run SYSTEM" >&2
	exit 2
}

# The first reason is the one that counts.
reason() { [ -e "$run/reason" ] || echo "$*" >"$run/reason"; }

fail() {
	reason "$*"
	exit 1
}

# Whole at once: who reads it sees the old one or the new one.
state() {
	echo "$*" >"$run/state.new"
	mv "$run/state.new" "$run/state"
}

current() { readlink -f /run/current-system; }
default() { readlink -e "$profile" || true; }

# An instance's response at the path `$2`; it listens at `$1`, and the rest are options of curl's.
ask() {
	local where=http://$1
	if [[ $1 = unix:* ]]; then
		where=http://localhost
		set -- "$@" --unix-socket "${1#unix:}"
	fi
	curl --silent --max-time 10 "${@:3}" "$where$2"
}

# Waits for the instance `$1`, which listens at `$2`, to be ready with the counts that are expected of it.
check() {
	local said wrong
	while ! said=$(ask "$2" /readyz) || [ "$said" != ready ]; do
		[ "$SECONDS" -lt "$deadline" ] || fail "$1: ${said:-it does not answer}"
		sleep 1
	done
	wrong=$(ask "$2" / -H 'Accept: application/json' | jq -r --arg name "$1" --slurpfile facts "$run/deployment.json" '
		(.counts | map({(.corpus): .total_words}) | add // {}) as $got
		| [$facts[0].expectedCounts[$name] // {} | to_entries[] | select($got[.key] != .value)
			| "\(.key) has \($got[.key] // "nothing") and not \(.value)"]
		| join(", ")') || fail "$1: its page is not understood"
	[ -z "$wrong" ] || fail "$1: $wrong"
}

# Starts the instances of the new system beside those that serve, by their own units, on sockets that no client
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
	timeout 60 systemctl stop "${units[@]##*/}" || true
	systemctl reset-failed "$preflight-*" || true
	rm -rf "${units[@]}" "/run/$preflight"
	systemctl daemon-reload
}

failed_units() { systemctl list-units --state=failed --plain --no-legend | cut -d ' ' -f 1 | sort; }

# Activates a system, and starts what it wants and is not running, such as the job that has nginx read a changed
# configuration: a wrong reverse proxy must show now, and not at the next restart. Both are done whatever the first gave.
activate() {
	local before failed ended=0
	before=$(failed_units)
	timeout 300 "$1/bin/switch-to-configuration" test || ended=$?
	timeout 120 systemctl start default.target || ended=$?
	# A target is reached though what it wants has failed. What had failed before is not this system's fault.
	failed=$(comm -13 <(echo "$before") <(failed_units))
	if [ -n "$failed" ]; then
		echo "failed: ${failed//$'\n'/, }"
		ended=4
	fi
	return "$ended"
}

# Goes forward, to the confirmation that only a new connection from outside can bring.
forward() {
	local new=$1 seconds=$2 name names
	names=$(jq -r '.listen | keys[]' "$run/deployment.json")
	state preflight
	timeout 60 "$new/bin/switch-to-configuration" check || fail "it refuses to be activated here"
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
	timeout 60 nix-env --profile "$profile" --set "$new"
	timeout 300 "$new/bin/switch-to-configuration" boot || fail "the boot loader's part ended with $?"
	state committed
}

# What is left of a deployment that did not reach its end. No step hinders the next; what clients meet comes first.
back() {
	local old old_default wrong=
	[ "$(cat "$run/state")" != committed ] || return 0
	old=$(cat "$run/old")
	old_default=$(cat "$run/default")
	reason "it was interrupted"
	if [ ! -e "$run/activated" ]; then
		end_preflight || true
		state refused
		return
	fi
	state "rolling back"
	activate "$old" || wrong="the old system's activation ended with $?"
	[ "$(current)" = "$old" ] || wrong="what runs is $(current)"
	end_preflight || true
	if [ -n "$old_default" ] && [ "$(default)" != "$old_default" ]; then
		timeout 60 nix-env --profile "$profile" --set "$old_default" || wrong="the profile is $(default)"
		timeout 300 "$old_default/bin/switch-to-configuration" boot || wrong="the boot loader's part ended with $?"
	fi
	if [ -z "$wrong" ]; then
		state "rolled back"
	else
		echo "$(cat "$run/reason"); then $wrong" >"$run/reason"
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
	if ! systemd-run --quiet --collect --unit="$unit" --property=RuntimeMaxSec=1200 --property=TimeoutStopSec=1000 \
		--property="ExecStopPost=$0 back $id" "$0" forward "${@:2}" 2>"$run/refusal"; then
		case $(systemctl show --property ActiveState --value "$unit") in
		inactive | failed) ;;
		*) echo "another deployment is under way" >"$run/refusal" ;;
		esac
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
	trap 'ended=$?; [ "$ended" = 0 ] || [ "$ended" -gt 128 ] || reason "$(cat "$run/state"): a command ended with $ended, see the log"' EXIT
	forward "$3" "$4"
	;;
back)
	back >>"$run/log" 2>&1
	# To the journal, which outlives the folder.
	cat "$run/log" "$run/state"
	cat "$run/reason" 2>/dev/null || true
	;;
state)
	if [ -e "$run/state" ]; then
		cat "$run/state"
		cat "$run/reason" 2>/dev/null || true
	else
		echo lost
		echo "the host knows nothing of this deployment: if it was restarted, it has booted the old system"
	fi
	;;
log) tail -n "+$3" "$run/log" 2>/dev/null || true ;;
confirm) touch "$run/confirmed" ;;
abort)
	[ ! -d "$run" ] || reason "$(cat)"
	# It may have ended by itself.
	systemctl stop --no-block "$unit" || true
	;;
*) usage ;;
esac
