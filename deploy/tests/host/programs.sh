# The programs of a simulated host, which is the folder ROOT: each fake program calls `fake NAME ARGUMENT…`. Commands that
# change something are counted, and the one that $ROOT/fault names fails or kills its caller.

unit=deploy-wordtally.service
recovery=deploy-host-recover.service
profiles=$ROOT/nix/var/nix/profiles

# A word's socket, as systemd creates it. The test's own server listens on it.
start_preflight() {
	mkdir -p "$ROOT/run/preflight-wordtally"
	for word; do
		case $word in
		preflight-wordtally-*.service)
			word=${word#preflight-wordtally-}
			[ -e "$ROOT/run/systemd/system/preflight-wordtally-${word%.service}.socket" ] || exit 5
			ln -sfn "$ROOT/preflight-${word%.service}" "$ROOT/run/preflight-wordtally/${word%.service}.sock"
			echo "$word" >>"$ROOT/preflights"
			credential=$(sed -n 's/^LoadCredential=[^:]*://p' "$ROOT/run/systemd/system/preflight-wordtally-$word")
			cp "$ROOT$credential" "$ROOT/credential" || exit 5
			;;
		esac
	done
}

state_of() { if [ -e "$ROOT/units/$1" ]; then echo active; else echo inactive; fi; }

fake_systemctl() {
	case $1 in
	show)
		case "$*" in
		*MainPID*) cat "$ROOT/main-pid" ;;
		*--value*) state_of $unit ;;
		*)
			echo show >>"$ROOT/shows"
			# It does not respond to the `show` commands whose numbers are in this file.
			! grep -qsx "$(grep -c . "$ROOT/shows")" "$ROOT/deaf-at" || return 1
			echo "ActiveState=$(state_of $unit)"
			echo
			echo "ActiveState=$(state_of $recovery)"
			;;
		esac
		;;
	list-units) cat "$ROOT/failed-units" ;;
	start) [ "$2" != --no-block ] || start_preflight "$@" ;;
	stop)
		if [ "$2" = --no-block ]; then
			kill -TERM "$(cat "$ROOT/units/$unit")"
		else
			for word; do
				case $word in
				preflight-wordtally-*.service)
					word=${word#preflight-wordtally-}
					rm -f "$ROOT/run/preflight-wordtally/${word%.service}.sock"
					;;
				# The unit of a failed deployment stays loaded, and so occupies its name, until this.
				"$unit") rm -f "$ROOT/loaded" ;;
				wordtally-*) echo "$word" >>"$ROOT/stopped" ;;
				esac
			done
		fi
		;;
	esac
}

# Runs a transient unit as systemd does: its main process, then its ExecStopPost=, then its OnFailure=.
keep_unit() {
	"$@" >>"$ROOT/journal" 2>&1 </dev/null &
	echo $! >"$ROOT/units/$unit"
	wait $!
	status=$?
	EXIT_CODE=exited
	[ $status -le 128 ] || EXIT_CODE=killed
	EXIT_STATUS=$status
	export EXIT_CODE EXIT_STATUS
	# shellcheck disable=SC2086
	$post >>"$ROOT/journal" 2>&1 </dev/null && [ $status = 0 ]
	failed=$?
	if [ $failed != 0 ] && [ -n "$follows" ]; then
		unset EXIT_CODE EXIT_STATUS
		: >"$ROOT/units/$recovery" >"$ROOT/loaded"
		rm "$ROOT/units/$unit"
		# Restarted if a signal ended it.
		for _ in 1 2 3; do
			"$HOST" --root "$ROOT" recover --pause 0 >>"$ROOT/journal" 2>&1 </dev/null
			[ $? -gt 128 ] || break
		done
		rm "$ROOT/units/$recovery"
	else
		rm "$ROOT/units/$unit"
	fi
}

fake_systemd_run() {
	post= follows=
	while :; do
		case $1 in
		--property=ExecStopPost=*) post=${1#--property=ExecStopPost=} ;;
		--property=OnFailure=*) follows=${1#--property=OnFailure=} ;;
		--*) ;;
		*) break ;;
		esac
		shift
	done
	[ ! -e "$ROOT/slow-start" ] || sleep 2
	[ ! -e "$ROOT/units/$unit" ] && [ ! -e "$ROOT/loaded" ] || exit 1
	: >"$ROOT/units/$unit"
	# With exec, because the shell would otherwise keep the caller's pipes open.
	{
		exec >/dev/null 2>&1 </dev/null
		keep_unit "$@"
	} &
}

fake_nix_env() {
	# --profile PROFILE WHAT ARGUMENT
	case $3 in
	--set)
		last=$(for link in "$profiles"/system-*-link; do
			link=${link##*/system-}
			echo "${link%-link}"
		done | sort -n | tail -n 1)
		case $last in '*') last=0 ;; esac
		[ "$(readlink "$profiles/system-$last-link")" = "$4" ] || {
			last=$((last + 1))
			ln -s "$4" "$profiles/system-$last-link"
		}
		ln -sfn "system-$last-link" "$profiles/system"
		;;
	--switch-generation)
		[ -L "$profiles/system-$4-link" ] || exit 1
		ln -sfn "system-$4-link" "$profiles/system"
		;;
	--delete-generations) rm "$profiles/system-$4-link" ;;
	esac
}

fake_nix_store() {
	case $1 in
	--query)
		what=$2
		shift 2
		case $what in
		--requisites) cat "$ROOT/closures/${1##*/}" ;;
		--hash) for path; do sed -n "s|^$path ||p" "$ROOT/valid"; done ;;
		esac
		;;
	--check-validity)
		shift 2
		for path; do grep -qF "$path " "$ROOT/valid" || echo "$path"; done
		;;
	--import)
		cat >"$ROOT/import"
		grep -aEo '/nix/store/[0-9a-z]{32}-[a-z0-9.-]+' "$ROOT/import" | sort -u | while read -r path; do
			grep -qF "$path " "$ROOT/valid" || grep -F "$path " "$ROOT/to-come" >>"$ROOT/valid"
		done
		;;
	esac
}

fake_age() {
	for file; do :; done
	case $(head -c 4 "$ROOT$file") in
	good) cat "$ROOT$file" ;;
	*)
		echo "age: error: no identity matched any of the recipients" >&2
		echo "age: report unexpected or unhelpful errors at its own page" >&2
		return 1
		;;
	esac
}

fake_nix() { echo "wordtally: 0.1.0 → 0.2.0"; }

# Switches to the system in $SYSTEM.
fake_switch() {
	case $1 in
	test)
		ln -sfn "$SYSTEM" "$ROOT/run/current-system"
		[ ! -e "$ROOT$SYSTEM/failing" ] || {
			cp "$ROOT$SYSTEM/failing" "$ROOT/failed-units"
			return 4
		}
		: >"$ROOT/failed-units"
		;;
	boot) echo "$SYSTEM" >"$ROOT/boot-loader" ;;
	dry-activate) echo "would restart the following units: wordtally-the.service" >&2 ;;
	esac
}

fake() {
	name=$1
	shift
	case "$name $1 $2" in
	"systemctl show "* | "systemctl list-units "* | "systemd_run "* | "nix_store "* | "nix "*) "fake_$name" "$@" ;;
	*)
		echo "$name $*" >>"$ROOT/commands"
		kind=
		if [ -e "$ROOT/fault" ]; then
			read -r at kind <"$ROOT/fault"
			[ "$(wc -l <"$ROOT/commands")" -eq "$at" ] || kind=
		fi
		case $kind in
		fail) exit 1 ;;
		kill-before) kill -KILL $PPID && exit 1 ;;
		end-before) kill -TERM $PPID && exit 1 ;;
		esac
		("fake_$name" "$@")
		status=$?
		case $kind in
		fail-after) exit 1 ;;
		kill-after) kill -KILL $PPID ;;
		esac
		return $status
		;;
	esac
}
