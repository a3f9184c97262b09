# Goes before each of the commands here: where the secrets are, what opens them, where plain text may be.
fail() {
	echo "$command: $*" >&2
	exit 1
}

while [ ! -e secrets/secrets.nix ]; do
	[ "$PWD" != / ] || fail "there is no secrets/secrets.nix here or above: run this inside a clone"
	cd ..
done
cd secrets

# Plain text is in memory only: agenix, and the editor, write below TMPDIR.
for memory in "${XDG_RUNTIME_DIR-}" /dev/shm; do
	[ -z "$memory" ] || [ "$(stat -f -c %T "$memory" 2>/dev/null)" != tmpfs ] || [ ! -w "$memory" ] || break
	memory=
done
[ -n "$memory" ] || fail "neither \$XDG_RUNTIME_DIR nor /dev/shm is a tmpfs: plain text would reach a disk"
TMPDIR=$(mktemp -d "$memory/wordtally-secrets.XXXXXX")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

RULES=$PWD/secrets.nix
export RULES

# Whose key opens a file: a mock environment's is public, any other is one's own. Fills `identity`.
identity_of() {
	identity=()
	local environment=
	case $1 in
	dev/*) environment=dev ;;
	mock-prod/* | vm-test/*) environment=mock-prod ;;
	esac
	case $environment in
	?*)
		local key=$TMPDIR/$environment.identity
		(umask 077 && bash mock-identity "$environment" >"$key")
		identity=(--identity "$key")
		;;
	*) [ -z "${IDENTITY-}" ] || identity=(--identity "$IDENTITY") ;;
	esac
}

listed() {
	nix-instantiate --eval --strict --json -E "builtins.attrNames (import $RULES)" | jq -r '.[]'
}

# What agenix says where it does not is in $TMPDIR/error.
opens() {
	identity_of "$1"
	agenix --decrypt "$1" "${identity[@]}" >/dev/null 2>"$TMPDIR/error"
}

# Encrypts a file again for whom secrets.nix lists; `:` as editor is agenix's way to.
encrypt_again() {
	EDITOR=: agenix --edit "$1" "${identity[@]}" </dev/null
}
