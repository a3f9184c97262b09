# The beginning of each command in this folder: finds the secrets, the keys that decrypt them, and a place for plain text.
fail() {
	echo "$command: $*" >&2
	exit 1
}

while [ ! -e secrets/secrets.nix ]; do
	[ "$PWD" != / ] || fail "there is no secrets/secrets.nix in this folder or above it: run this inside a clone"
	cd ..
done
cd secrets

# Plain text stays in memory: agenix and the editor write below TMPDIR.
for memory in "${XDG_RUNTIME_DIR-}" /dev/shm; do
	[ -z "$memory" ] || [ "$(stat -f -c %T "$memory" 2>/dev/null)" != tmpfs ] || [ ! -w "$memory" ] || break
	memory=
done
[ -n "$memory" ] || fail "neither \$XDG_RUNTIME_DIR nor /dev/shm is a writable tmpfs: the plain text would reach a disk"
TMPDIR=$(mktemp -d "$memory/wordtally-secrets.XXXXXX")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

RULES=$PWD/secrets.nix
export RULES

# Prints the public key of a host from keys.nix, or nothing.
key_of() {
	nix-instantiate --eval --strict --json -E "(import $PWD/keys.nix).hosts.\"$1\" or \"\"" | jq -r .
}

# Whether an environment is a mock one, whose key in keys.nix is the one that mock-identity generates. Sets `mock_key` to the
# path of its identity.
is_mock() {
	mock_key=$TMPDIR/$1.identity
	(umask 077 && bash mock-identity "$1" >"$mock_key" 2>/dev/null) &&
		[ "$(ssh-keygen -y -f "$mock_key" | cut -d ' ' -f -2)" = "$(key_of "$1")" ]
}

# Sets `identity` to agenix's flags for a file: the public identity of a mock environment, otherwise the user's own key.
identity_of() {
	identity=()
	local environment=${1%%/*}
	[ "$environment" != vm-test ] || environment=mock-prod
	if is_mock "$environment"; then
		identity=(--identity "$mock_key")
	elif [ -n "${IDENTITY-}" ]; then
		identity=(--identity "$IDENTITY")
	fi
}

listed() {
	nix-instantiate --eval --strict --json -E "builtins.attrNames (import $RULES)" | jq -r '.[]'
}

# Whether agenix can decrypt a file. If not, $TMPDIR/error has its message.
opens() {
	identity_of "$1"
	agenix --decrypt "$1" "${identity[@]}" >/dev/null 2>"$TMPDIR/error"
}

# Re-encrypts a file for the recipients that secrets.nix lists. With `:` as the editor, agenix changes nothing else.
encrypt_again() {
	EDITOR=: agenix --edit "$1" "${identity[@]}" </dev/null
}
